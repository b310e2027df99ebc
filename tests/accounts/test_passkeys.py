"""What a browser never sends for a passkey, but somebody may: it is a wrong answer, not a failure of the server."""

import json

import pytest
from django.urls import reverse

from apps.accounts.forms import PasskeyAgainForm, PasskeyForm

pytestmark = pytest.mark.django_db

PARTS = {"clientDataJSON": "e30", "authenticatorData": "AAAA", "signature": "AA", "userHandle": "AA"}
ANSWERS = [
    {},
    [],
    1,
    None,
    {"id": 1},
    {"id": "AA", "rawId": "AA", "type": "public-key"},
    {"id": "AA", "rawId": "AA", "type": "public-key", "response": {}},
    {"id": "AA", "rawId": "AA", "type": "public-key", "response": PARTS},
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_passkeys_answer_with_parts_missing_signs_nobody_in(client, owner, answer):
    client.get(reverse("mfa_login_webauthn"), headers={"accept": "application/json"})
    refused = client.post(reverse("mfa_login_webauthn"), {"credential": json.dumps(answer)})
    assert refused.status_code < 400
    assert "_auth_user_id" not in client.session
    for form in (PasskeyForm, PasskeyAgainForm):
        assert "credential" in form({"credential": json.dumps(answer)}, user=owner).errors
