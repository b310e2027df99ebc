"""The demo: made once, left alone afterwards."""

from io import StringIO
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.assets.models import Asset, Status
from apps.generations import queue
from apps.generations.models import Generation
from apps.projects import sample
from apps.projects.models import Project
from studio.demo import EMAIL, load_demo
from tests.factories import write_audio, write_video

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def stand_ins(settings, tmp_path, monkeypatch):
    """The sample takes half a minute to make; any film and any sound will do here."""
    settings.DATA_DIR = tmp_path
    files = write_video(tmp_path / "video.mp4", seconds=2), write_audio(tmp_path / "line.wav", seconds=2)
    monkeypatch.setattr(sample, "sample_files", lambda: files)


def loaded() -> str:
    out = StringIO()
    call_command("load_demo", stdout=out)
    return out.getvalue()


def test_it_makes_a_person_a_project_and_a_take_on_its_way(django_capture_on_commit_callbacks):
    with patch.object(queue.celery_app, "send_task") as send, django_capture_on_commit_callbacks(execute=True):
        text = loaded()
    take = Generation.objects.get()
    assert [call.kwargs["args"] for call in send.call_args_list if call.args == ("inference.prepare",)] == [
        [str(take.pk), 0]
    ]
    assert (take.project.video, take.video.status) == (take.video, Status.READY)
    password = text.split("password ")[1].strip()
    client = Client()
    answer = client.post("/account/login/", {"login": EMAIL, "password": password})
    assert answer.status_code == 302
    assert client.get(answer["Location"], follow=True).status_code == 200


def test_a_second_start_changes_nothing():
    first = loaded()
    assert loaded() == first
    assert (Generation.objects.count(), Project.objects.count(), Asset.objects.count()) == (1, 1, 2)


def test_what_somebody_deleted_stays_deleted_and_a_changed_password_is_not_told():
    loaded()
    Generation.objects.all().delete()
    Project.objects.update(deleted_at="2026-01-01T00:00:00Z")
    from apps.accounts.models import User

    user = User.objects.get(email=EMAIL)
    user.set_password("something of my own")
    user.save()
    assert load_demo().password == ""
    assert not Generation.objects.exists()


def test_production_has_no_demo(settings):
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="not for production"):
        loaded()
