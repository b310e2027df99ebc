"""The page of the webhook, for administrators."""

import pytest
from django.urls import reverse

from apps.api.models import Delivery, DeliveryState
from apps.api.webhooks import webhook_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def address(workspace, settings):
    settings.PRIVATE_URLS = True
    return lambda name, *more: reverse(f"api_pages:{name}", args=[workspace.slug, *more])


def test_an_address_is_saved_tested_and_resent(as_person, owner, workspace, address):
    client = as_person(owner)
    client.post(address("webhook_test"))
    assert not Delivery.objects.exists()
    client.post(address("webhook"), {"url": " https://127.0.0.1/hook "})
    assert webhook_of(workspace).url == "https://127.0.0.1/hook"
    client.post(address("webhook_test"))
    row = Delivery.objects.get()
    Delivery.objects.update(state=DeliveryState.GIVEN_UP, tries=12, answer="Not reached: x.")
    page = client.get(address("webhook")).content.decode()
    assert "Not reached: x." in page and "Given up" in page and webhook_of(workspace).secret in page
    client.post(address("webhook_resend", row.pk))
    row.refresh_from_db()
    assert (row.state, row.tries) == (DeliveryState.WAITING, 0)


def test_an_address_that_is_none_is_said(as_person, owner, workspace, address):
    answer = as_person(owner).post(address("webhook"), {"url": "ftp://x"})
    assert answer.status_code == 422 and 'value="ftp://x"' in answer.content.decode()
    assert webhook_of(workspace).url == ""


def test_a_rotation_keeps_the_old_secret_for_a_day(as_person, owner, workspace, address):
    old = webhook_of(workspace).secret
    as_person(owner).post(address("webhook_rotate"))
    found = webhook_of(workspace)
    assert found.previous_secret == old != found.secret


def test_it_is_for_administrators(as_person, teammate, outsider, address):
    assert as_person(teammate).get(address("webhook")).status_code == 403
    assert as_person(outsider).get(address("webhook")).status_code == 404
