"""Batches in the browser: pairs by choice or CSV, their price, and a few takes at a time until all are through."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse

from apps.assets.models import Status as AssetStatus
from apps.billing.plans import current_plan, load_plans, subscribe
from apps.desk import services
from apps.desk.models import Batch, BatchState
from apps.generations.models import Generation, Status
from apps.projects.services import delete_project
from apps.workspaces.models import Membership, Visibility
from studio.errors import StudioError
from tests.factories import AssetFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    load_plans()
    monkeypatch.setattr("studio.celery.app.send_task", lambda name, args=None, **_: None)
    monkeypatch.setattr("apps.generations.services.dispatch", lambda: None)


@pytest.fixture
def files(workspace):
    video = AssetFactory(workspace=workspace, video=True, name="cam.mp4", duration_s=12.0)
    sounds = [AssetFactory(workspace=workspace, audio=True, name=f"voice_{n}.wav", duration_s=10.0) for n in range(6)]
    return video, sounds


@pytest.fixture
def make(membership, files):
    def one(count: int = 6, **wishes) -> Batch:
        video, sounds = files
        pairs = [(video, sound) for sound in sounds[:count]]
        standard = {"name": "Languages", "pairs": pairs, "model": "lipsync-2", "sync_mode": "cut_off"}
        return services.make_batch(membership=membership, **standard | wishes)

    return one


def finish(batch: Batch, count: int, status: str = Status.COMPLETED) -> None:
    running = Generation.objects.active().filter(project=batch.project).order_by("number")[:count]
    Generation.objects.filter(pk__in=[take.pk for take in running]).update(status=status)


def new(client, **fields):
    return client.post(reverse("desk:new", args=["harbour"]), fields)


def test_every_video_meets_every_sound_and_is_priced_before_the_start(as_person, owner, files, settings):
    settings.BILLING = False
    video, sounds = files
    page = new(as_person(owner), ids=[str(video.pk), *(str(sound.pk) for sound in sounds)]).content.decode()
    assert page.count('name="pair"') == 6
    assert "Start 6 takes" in page
    assert "0:10.0" in page
    assert not Batch.objects.exists()


def test_more_pairs_than_a_batch_takes_are_not_drawn(as_person, owner, workspace):
    chosen = [AssetFactory(workspace=workspace, **{kind: True}) for kind in ("video", "audio") for _ in range(11)]
    answer = new(as_person(owner), ids=[str(asset.pk) for asset in chosen])
    assert answer.status_code == 422
    assert "11 videos with 11 sounds make 121 lines." in answer.content.decode()
    assert 'name="pair"' not in answer.content.decode()
    assert answer.content.decode().count(" checked") == 22, "what was chosen stays"


def test_the_start_makes_one_project_and_a_line_for_each_pair(as_person, owner, files):
    video, sounds = files
    pairs = [f"{video.pk}:{sound.pk}" for sound in sounds[:3]]
    answer = new(as_person(owner), pair=pairs, name="Languages", model="lipsync-2", sync_mode="cut_off", start="yes")
    batch = Batch.objects.get()
    assert answer.url == reverse("desk:batch", args=["harbour", batch.pk])
    assert batch.project.name == "Languages"
    assert [line.audio for line in batch.lines.all()] == sounds[:3]


def test_a_few_run_at_a_time_until_all_are_through(make):
    batch = make()
    assert services.go_on() == services.AT_ONCE
    assert services.go_on() == 0, "as many as run at once"
    finish(batch, 3)
    assert services.go_on() == 2
    finish(batch, 3)
    services.go_on()
    batch.refresh_from_db()
    assert batch.state == BatchState.ENDED
    notes = list(Generation.objects.order_by("number").values_list("note", flat=True))
    assert notes == [f"voice_{n}.wav" for n in range(6)]
    assert Generation.objects.filter(background=True).count() == 6


def test_a_line_is_started_once_however_often_it_is_tried(make):
    batch = make(1)
    line = batch.lines.get()
    services.go_on()
    batch.lines.update(generation=None)  # as if the worker had died between the take and the line
    services.go_on()
    assert Generation.objects.count() == 1
    line.refresh_from_db()
    assert line.generation_id == line.pk


def test_no_room_is_no_failure(make, monkeypatch):
    batch = make(2)

    def full(**_):
        raise StudioError("concurrency_limit_reached", "Full.", "Wait.", status=429)

    monkeypatch.setattr(services, "submit_generation", full)
    assert services.go_on() == 0
    assert not batch.lines.exclude(error_code="").exists()
    batch.refresh_from_db()
    assert batch.state == BatchState.RUNNING


def test_a_line_that_cannot_start_says_why_and_stops_no_other(make, files, as_person, owner):
    batch = make(2)
    files[1][0].status = AssetStatus.REJECTED
    files[1][0].save()
    services.go_on()
    first, second = batch.lines.all()
    assert first.error_code
    assert second.generation is not None
    finish(batch, 1)
    services.go_on()
    batch.refresh_from_db()
    assert batch.state == BatchState.ENDED
    page = as_person(owner).get(reverse("desk:batch", args=["harbour", batch.pk])).content.decode()
    assert "1 of 2 finished, 1 without a result" in page
    assert "Not started" in page


def test_the_batch_of_somebody_who_left_ends_and_says_so(make, membership):
    batch = make(2)
    Membership.objects.filter(pk=membership.pk).delete()
    services.go_on()
    services.go_on()
    assert set(batch.lines.values_list("error_code", flat=True)) == {"forbidden"}


def test_cancel_keeps_what_is_finished_and_starts_nothing_more(make, membership):
    batch = make()
    services.go_on()
    finish(batch, 1)
    services.cancel_batch(membership=membership, batch=batch)
    assert services.go_on() == 0
    assert sorted(Generation.objects.values_list("status", flat=True)) == ["CANCELLED"] * 3 + ["COMPLETED"]


def test_a_batch_that_is_cancelled_while_its_lines_are_begun_begins_no_more(make, membership, monkeypatch):
    batch, begin = make(3), services.submit_generation

    def and_cancel(**draft):
        take = begin(**draft)
        services.cancel_batch(membership=membership, batch=batch)
        return take

    monkeypatch.setattr(services, "submit_generation", and_cancel)
    assert services.go_on() == 1
    assert batch.lines.exclude(generation=None).count() == 1


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_who_cancels_a_batch_finds_the_take_that_is_just_begun(make, membership, monkeypatch):
    """Between the take and its line nobody may look: the take would run on, and be paid for."""
    batch, begin = make(1), services.submit_generation
    begun = threading.Event()

    def slowly(**draft):
        take = begin(**draft)
        begun.set()
        time.sleep(0.5)
        return take

    def cancel():
        begun.wait(10)
        try:
            services.cancel_batch(membership=membership, batch=batch)
        finally:
            connection.close()

    monkeypatch.setattr(services, "submit_generation", slowly)
    with ThreadPoolExecutor(1) as pool:
        cancelled = pool.submit(cancel)
        services.go_on()
        cancelled.result()
    assert Generation.objects.get().status == Status.CANCELLED


def test_a_batch_begins_nothing_in_a_deleted_project(make, membership):
    batch = make(2)
    delete_project(membership=membership, project=batch.project)
    services.go_on()
    services.go_on()
    batch.refresh_from_db()
    assert (Generation.objects.count(), batch.state) == (0, BatchState.ENDED)
    assert "was deleted" in batch.lines.first().error_message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("video;audio\n", "The first line of the CSV"),
        ("video,audio\ncam.mp4\n", "Line 2 has 1 cells."),
        ("video,audio\ncam.mp4,no\x00where.wav\n", "Line 2: “nowhere.wav” is not in the library"),
        ("video,audio\ncam.mp4,nowhere.wav\n", "Line 2: “nowhere.wav” is not in the library"),
        ("video,audio\ncam.mp4,twin.wav\n", "is the name of several files"),
        ("video,audio\n" + "cam.mp4,voice_0.wav\n" * 101, "The CSV has 101 lines."),
        ("video,audio\n\xff", "no CSV in UTF-8"),
    ],
)
def test_a_csv_that_cannot_be_read_names_its_line(as_person, owner, files, workspace, text, words):
    AssetFactory.create_batch(2, workspace=workspace, audio=True, name="twin.wav")
    upload = SimpleUploadedFile("pairs.csv", text.encode("latin-1" if "\xff" in text else "utf-8"))
    answer = new(as_person(owner), csv=upload)
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_a_csv_by_names_and_ids_gives_pairs(as_person, owner, files):
    video, sounds = files
    text = f"\ufeffVideo,Audio\ncam.mp4,voice_1.wav\n\n{video.pk},{sounds[2].pk}\n"
    page = new(as_person(owner), csv=SimpleUploadedFile("pairs.csv", text.encode())).content.decode()
    assert page.count('name="pair"') == 2
    assert "voice_1.wav" in page
    assert "voice_2.wav" in page


def test_private_files_and_those_of_others_are_not_there(as_person, teammate, files, workspace, owner):
    video, sounds = files
    sounds[0].visibility, sounds[0].created_by = Visibility.PRIVATE, owner
    sounds[0].save()
    foreign = AssetFactory(audio=True)
    for audio in (sounds[0].pk, foreign.pk, uuid4(), "words"):
        answer = new(as_person(teammate), pair=f"{video.pk}:{audio}", start="yes", model="lipsync-2")
        assert answer.status_code == 422
    assert not Batch.objects.exists()


def test_a_plan_without_batches_says_so(make, workspace):
    subscribe(workspace=workspace, plan=current_plan("creator"))
    with pytest.raises(StudioError) as refused:
        make()
    assert refused.value.code == "batch_plan_required"


@pytest.mark.parametrize(
    ("wishes", "code"), [({"pairs": []}, "batch_size_invalid"), ({"model": "x"}, "batch_model_invalid")]
)
def test_a_batch_needs_pairs_and_a_model(make, wishes, code):
    with pytest.raises(StudioError) as refused:
        make(**wishes)
    assert refused.value.code == code


def test_the_table_asks_for_itself_while_it_runs(make, as_person, owner):
    batch = make(1)
    client, address = as_person(owner), reverse("desk:batch", args=["harbour", batch.pk])
    assert "every 3s" in client.get(address).content.decode()
    services.go_on()
    finish(batch, 1)
    services.go_on()
    assert "every 3s" not in client.get(address, headers={"HX-Request": "true"}).content.decode()
