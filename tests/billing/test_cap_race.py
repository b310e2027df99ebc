"""Two hundred submits at once against the last cents of a cap."""

import threading
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest
from django.db import connection, connections

from apps.billing import proof
from apps.billing.models import BillingProfile
from apps.billing.plans import current_plan, subscribe
from apps.billing.spending import spend_of
from apps.generations import queue
from apps.generations.models import Generation
from apps.generations.services import submit_generation
from studio.errors import StudioError
from tests.factories import AssetFactory

AT_ONCE = 200


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_two_hundred_submits_never_pass_the_cap(workspace, membership):
    """Each costs 40 cents and 1.30 dollars are left: three may start."""
    if connection.vendor == "sqlite":
        # 200 writers in a row on a busy machine take longer than the 20 s for which a page would wait.
        connections["default"].settings_dict["OPTIONS"]["timeout"] = 120
    subscribe(workspace=workspace, plan=current_plan("enterprise"))
    BillingProfile.objects.create(workspace=workspace, cap_micros=1_300_000)
    draft = {
        "project": None,
        "video": AssetFactory(workspace=workspace, video=True),
        "audio": AssetFactory(workspace=workspace, audio=True),
        "model": "lipsync-2",
        "sync_mode": "cut_off",
        "options": {},
    }
    together = threading.Barrier(AT_ONCE)

    def submit(_: int) -> str:
        together.wait()
        try:
            submit_generation(membership=membership, **draft)
        except StudioError as error:
            return error.code
        finally:
            connection.close()
        return "started"

    with patch.object(queue.celery_app, "send_task"), ThreadPoolExecutor(AT_ONCE) as threads:
        outcomes = list(threads.map(submit, range(AT_ONCE)))
    assert {code: outcomes.count(code) for code in set(outcomes)} == {"started": 3, "spend_cap_reached": 197}
    assert Generation.objects.count() == 3
    assert spend_of(workspace).total == 1_200_000
    assert proof.unbalanced() + proof.wrong_holds() == []
