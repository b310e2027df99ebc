"""A finished take with bytes behind it."""

import pytest

from apps.generations.models import Generation, Status
from apps.projects.models import Project
from apps.workspaces.models import Membership
from tests.browser.stage import film, tone
from tests.factories import GenerationFactory


@pytest.fixture
def take(membership: Membership, tmp_path, monkeypatch) -> Generation:
    monkeypatch.setattr("apps.assets.services.celery_app.send_task", lambda name, args: None)
    project = Project.objects.create(workspace=membership.workspace, name="Harbour interview")
    return GenerationFactory(
        workspace=membership.workspace,
        project=project,
        number=1,
        video=film(membership, tmp_path, "cam.mp4", 1.0),
        audio=tone(membership, tmp_path, "maren.wav", 1.0),
        result=film(membership, tmp_path, "take.mp4", 1.2),
        status=Status.COMPLETED,
    )
