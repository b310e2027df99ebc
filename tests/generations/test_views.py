"""The page of a take in each of its states, and who may see it."""

import json
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.assets.models import Asset
from apps.generations import signals, workers
from apps.generations.models import Event, Generation, Stage, Status
from apps.generations.player import player_facts
from apps.projects.models import Project
from apps.projects.services import create_project
from studio import redis_client
from tests.factories import AssetFactory, GenerationFactory

pytestmark = pytest.mark.django_db

REPORT = {
    "model": "lipsync-2",
    "frames": 100,
    "fps": 25.0,
    "width": 640,
    "height": 360,
    "duration_s": 4.0,
    "lipsynced_s": 3.0,
    "passed": [{"start_s": 1.0, "end_s": 2.0, "reason": "no_face"}],
    "per_second": [
        {"second": 0, "driven": 1.0, "agreement": 0.9, "offset_ms": 10},
        {"second": 1, "driven": 0.0, "agreement": None, "offset_ms": None},
        {"second": 2, "driven": 1.0, "agreement": 0.5, "offset_ms": -90},
        {"second": 3, "driven": 1.0, "agreement": 0.8, "offset_ms": 60},
    ],
    "median_offset_ms": 10,
    "agreement": 0.8,
    "timings_s": {"read": 3.0, "lipsync": 12.5},
    "real_time_factor": 4.1,
    "warnings": [{"code": "video_turned", "message": "The face turns away once."}],
}


@pytest.fixture
def project(membership) -> Project:
    return create_project(membership=membership, name="Harbour interview")


@pytest.fixture
def result(workspace) -> Asset:
    asset = AssetFactory(workspace=workspace, video=True, name="take.mp4", duration_s=4.0, audio_codec="aac")
    asset.file.save(f"tests/{asset.pk}.mp4", ContentFile(b"not really a film"))
    return asset


def make(project: Project, status: str, number: int = 1, **facts) -> Generation:
    return GenerationFactory(workspace=project.workspace, project=project, number=number, status=status, **facts)


def at(name: str, take: Generation) -> str:
    return reverse(f"generations:{name}", args=["harbour", take.project_id, take.number])


def test_members_watch_and_outsiders_find_nothing(as_person, project, owner, teammate, viewer, outsider):
    take = make(project, Status.PROCESSING, stage=Stage.LIPSYNC, started_at=timezone.now())
    for person in (owner, teammate, viewer):
        assert "You can close this page. The work goes on." in as_person(person).get(at("take", take)).content.decode()
    for name in ("take", "status", "report", "download"):
        assert as_person(outsider).get(at(name, take)).status_code == 404
    assert Client().get(at("take", take)).status_code == 302


@pytest.mark.parametrize("name", ["cancel", "retry"])
def test_viewers_and_outsiders_change_nothing(as_person, project, viewer, outsider, name):
    take = make(project, Status.PENDING)
    assert as_person(viewer).post(at(name, take)).status_code == 403
    assert as_person(outsider).post(at(name, take)).status_code == 404
    take.refresh_from_db()
    assert (take.status, Generation.objects.count()) == (Status.PENDING, 1)


def test_a_take_of_another_project_is_not_found(as_person, project, owner, membership):
    take = make(project, Status.PENDING, number=7)
    other = create_project(membership=membership, name="Other")
    assert as_person(owner).get(reverse("generations:take", args=["harbour", other.pk, take.number])).status_code == 404


def test_a_running_take_shows_stage_frames_and_percent(as_person, project, owner):
    take = make(project, Status.PROCESSING, stage=Stage.LIPSYNC, started_at=timezone.now())
    Event.objects.create(generation=take, what="stage", detail={"stage": "read"})
    signals.set_pieces(take.pk, [0, 50], 1000)
    signals.set_piece(take.pk, 0, 50)
    signals.set_piece(take.pk, 50, 450)
    page = as_person(owner).get(at("status", take)).content.decode()
    assert "500 of 1,000 frames" in page
    # 40 % for what comes before, half of the 44 % that rendering takes.
    assert '<b class="num">62 %</b>' in page
    assert 'hx-trigger="every 1s"' in page


def test_nothing_is_sent_while_nothing_has_changed(as_person, project, owner):
    take = make(project, Status.PENDING)
    client = as_person(owner)
    page = client.get(at("take", take)).content.decode()
    address = page.split('id="progress"', 1)[1].split('hx-get="', 1)[1].split('"', 1)[0]
    assert client.get(address).status_code == 204
    Generation.objects.filter(pk=take.pk).update(status=Status.PROCESSING, stage=Stage.READ)
    assert client.get(address).status_code == 200


def test_the_last_answer_brings_the_player_and_ends_the_asking(as_person, project, owner, result):
    take = make(project, Status.COMPLETED, result=result, report=REPORT)
    answer = as_person(owner).get(at("status", take), headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert (answer["HX-Retarget"], answer["HX-Reswap"]) == ("#take", "outerHTML")
    assert "data-player" in page
    assert "every 1s" not in page
    assert 'id="download"' in page
    assert page.count('hx-swap-oob="outerHTML"') == 2


@pytest.mark.parametrize("status", [Status.FAILED, Status.REJECTED])
def test_a_take_that_failed_says_what_why_and_offers_a_retry(as_person, project, owner, viewer, status):
    take = make(
        project,
        status,
        error_code="generation_input_video_no_face",
        error_message="There is no face in cam-a.mp4.",
        error_advice="Use a video in which a face can be seen.",
    )
    page = as_person(owner).get(at("take", take)).content.decode()
    for words in ("There is no face in cam-a.mp4.", "Use a video in which", "generation_input_video_no_face"):
        assert words in page
    assert 'id="retry"' in page
    assert 'id="retry"' not in as_person(viewer).get(at("take", take)).content.decode()


def test_a_waiting_take_says_who_comes_first_and_that_no_worker_runs(as_person, project, owner):
    workers.sign("cpu@test", ["cpu"], 1, ["lipsync-2"])
    try:
        make(project, Status.PROCESSING, 1)
        make(project, Status.PENDING, 2)
        take = make(project, Status.PENDING, 3)
        page = as_person(owner).get(at("take", take)).content.decode()
        assert "1 take comes first, time not known yet" in page
    finally:
        redis_client.client().delete(workers.KEY)
    page = as_person(owner).get(at("take", take)).content.decode()
    assert "No worker for this model is running. It starts when one is." in page


def test_cancel_of_a_queued_take_ends_it(as_person, project, owner):
    take = make(project, Status.PENDING)
    page = as_person(owner).post(at("cancel", take), follow=True).content.decode()
    take.refresh_from_db()
    assert take.status == Status.CANCELLED
    assert "This take was cancelled" in page


def test_cancel_of_a_finished_take_is_refused_in_words(as_person, project, owner, result):
    take = make(project, Status.COMPLETED, result=result, report=REPORT)
    page = as_person(owner).post(at("cancel", take), follow=True).content.decode()
    assert 'class="toast bad"' in page
    take.refresh_from_db()
    assert take.status == Status.COMPLETED


def test_retry_opens_a_new_take_of_the_same(as_person, project, owner, monkeypatch):
    monkeypatch.setattr("apps.generations.queue.hand_to_workers", lambda generation_id: None)
    take = make(project, Status.FAILED, model="sync-3")
    answer = as_person(owner).post(at("retry", take))
    again = Generation.objects.exclude(pk=take.pk).get()
    assert answer["Location"] == at("take", again)
    assert (again.model, again.number, again.video) == ("sync-3", 2, take.video)


def test_the_report_is_read_out(as_person, project, owner, result):
    take = make(project, Status.COMPLETED, result=result, report=REPORT)
    page = as_person(owner).get(at("take", take)).content.decode()
    for words in ("3.0 s</b> of 4.0 s", "0:02, 90 ms early", "no face in the picture", "640×360, 25 fps", "12\u00a0s"):
        assert words in page
    assert "The face turns away once." in page
    facts = json.loads(page.split('data-facts="', 1)[1].split('"', 1)[0].replace("&quot;", '"'))
    assert facts["worst"] == [2, 3], "the second that is furthest off comes first; those within a frame do not count"


@pytest.mark.parametrize(("lipsync", "mode"), [(True, "cut_off"), (False, "remap")])
def test_with_segments_the_original_runs_beside_its_result_in_any_sync_mode(project, result, lipsync, mode):
    rows = [{"start_s": 1.0, "end_s": 2.0, "lipsync": lipsync}]
    take = make(project, Status.COMPLETED, result=result, sync_mode="remap", segments=rows)
    assert player_facts(take, slug="harbour")["mode"] == mode


def test_a_take_without_a_report_still_plays(as_person, project, owner, result):
    take = make(project, Status.COMPLETED, result=result)
    assert "This take has no report." in as_person(owner).get(at("take", take)).content.decode()
    assert as_person(owner).get(at("report", take)).status_code == 404


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("", "result"),
        ("side", "side"),
        ("wipe", "wipe"),
        ("mouth", "result"),
        ("original", "original"),
        ("a\x00'b", "result"),
    ],
)
def test_the_page_is_drawn_in_the_view_that_its_address_names(as_person, project, owner, result, asked, shown):
    take = make(
        project,
        Status.COMPLETED,
        result=result,
        report=REPORT,
        video=AssetFactory(workspace=project.workspace, video=True),
    )
    page = as_person(owner).get(at("take", take), {"mode": asked}).text
    assert f'data-view="{shown}" data-facts' in page
    assert f'data-mode="{shown}"' in page
    assert page.count('aria-pressed="true" aria-label') == 1


def test_a_close_up_is_shown_where_it_is_known_where_the_mouth_is(as_person, project, owner, result):
    report = REPORT | {"mouth": {"rate": 5.0, "at": [[0.5, 0.5, 0.2]]}}
    video = AssetFactory(workspace=project.workspace, video=True)
    take = make(project, Status.COMPLETED, result=result, report=report, video=video)
    assert 'data-mode="mouth"' in as_person(owner).get(at("take", take), {"mode": "mouth"}).text


def test_report_and_film_are_downloaded(as_person, project, owner, result):
    take = make(project, Status.COMPLETED, result=result, report=REPORT)
    report = as_person(owner).get(at("report", take))
    assert json.loads(report.content) == REPORT
    assert 'filename="take-1-report.json"' in report["Content-Disposition"]
    film = as_person(owner).get(at("download", take))
    assert b"".join(film) == b"not really a film"
    assert "attachment" in film["Content-Disposition"]


def test_a_deleted_result_is_said_and_can_be_made_again(as_person, project, owner):
    take = make(project, Status.COMPLETED, report=REPORT)
    page = as_person(owner).get(at("take", take)).content.decode()
    assert "The result was deleted from the library" in page
    assert as_person(owner).get(at("download", take)).status_code == 404


def test_queries_do_not_grow_with_takes(as_person, project, owner, result, django_assert_max_num_queries):
    take = make(project, Status.COMPLETED, result=result, report=REPORT)
    client = as_person(owner)
    client.get(at("take", take))
    with django_assert_max_num_queries(11) as few:
        client.get(at("take", take))
    for number in range(2, 30):
        make(project, Status.COMPLETED, number=number, result=result, report=REPORT)
    with django_assert_max_num_queries(len(few)):
        client.get(at("take", take))


@pytest.mark.parametrize(
    ("status", "stage", "hours", "goes_on"),
    [
        (Status.CANCELLED, "lipsync", 1, True),
        (Status.FAILED, "assemble", 23, True),
        (Status.FAILED, "lipsync", 25, False),
        (Status.FAILED, "read", 1, False),
        (Status.REJECTED, "lipsync", 1, False),
    ],
)
def test_a_take_that_was_drawing_may_go_on_for_a_day(project, status, stage, hours, goes_on):
    take = make(project, status, stage=stage, finished_at=timezone.now() - timedelta(hours=hours))
    assert take.may_go_on is goes_on
