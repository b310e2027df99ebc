"""The backend remote against a running studio, over real HTTP through the official client."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.files import File
from django.db import connections

from apps.api.models import Call
from apps.generations.models import Generation, Status
from apps.generations.services import end_without_result
from apps.inference.backends import Piece, Render, RenderSegment, remote_job
from apps.inference.backends.remote import FILM, RemoteBackend, remote_options
from apps.inference.engine.errors import Cancelled, EngineError
from apps.inference.engine.media.probe import probe_media
from tests.factories import AssetFactory, write_video

WAIT_S = 30


class Watch:
    """Notes what it is told; ``stop`` lets the step be cancelled."""

    def __init__(self) -> None:
        self.told, self.stop = [], False

    def progress(self, stage: str, done: int, total: int) -> None:
        self.told.append((stage, done, total))

    def cancelled(self) -> bool:
        return self.stop


@pytest.fixture(autouse=True)
def other_studio(settings, studio, key, monkeypatch):
    settings.REMOTE_URL, settings.REMOTE_KEY = studio + "/", key
    monkeypatch.setattr(remote_job, "POLL_S", 0.1)
    monkeypatch.setattr(remote_job, "LISTEN_S", 0.05)


@pytest.fixture
def job(clip, voice) -> Render:
    return Render(clip, voice, "lipsync-2", "cut_off", {"temperature": 0.7, "active_speaker_detection": True})


@pytest.fixture
def plan(job, tmp_path) -> Path:
    folder = tmp_path / "plan"
    folder.mkdir()
    split = RemoteBackend().plan(job, tmp_path, tmp_path, folder, Watch())
    assert (split.frames, split.fps, [(piece.first, piece.last) for piece in split.pieces]) == (38, 25.0, [(0, 38)])
    return folder


@pytest.fixture
def meanwhile():
    """``meanwhile(do)`` runs ``do(generation)`` beside the test for each generation that appears there."""
    ended, errors = threading.Event(), []

    def run(do) -> None:
        seen = set()
        deadline = time.monotonic() + WAIT_S
        try:
            while not ended.is_set() and time.monotonic() < deadline:
                for row in Generation.objects.exclude(pk__in=seen):
                    seen.add(row.pk)
                    do(row)
                time.sleep(0.05)
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = []

    def start(do) -> None:
        threads.append(threading.Thread(target=run, args=[do]))
        threads[0].start()

    yield start
    ended.set()
    for thread in threads:
        thread.join()
    assert errors == []


def rendered(job, plan, folder: Path, watch: Watch | None = None) -> Path:
    into = folder / f"piece-{time.monotonic_ns()}"
    into.mkdir()
    RemoteBackend().render(job, plan, plan, Piece(0, 38), into, watch or Watch())
    return into


def finish(row: Generation, film: Path) -> None:
    """What the other studio's workers would do."""
    result = AssetFactory(workspace=row.workspace, video=True, duration_s=1.5, name="result.mp4")
    with film.open("rb") as content:
        result.file.save(f"assets/{result.pk}.mp4", File(content))
    Generation.objects.filter(pk=row.pk).update(
        status=Status.COMPLETED, result=result, report={"lipsynced_s": 1.2, "engine": "native"}
    )


def test_a_take_goes_there_and_comes_back_as_a_film(job, plan, tmp_path, meanwhile):
    film = write_video(tmp_path / "film.mp4", seconds=1.5, sound=True)
    meanwhile(lambda row: finish(row, film))
    watch = Watch()
    piece = rendered(job, plan, tmp_path, watch)
    assert (piece / FILM).read_bytes() == film.read_bytes()
    assert watch.told[0] == ("lipsync", 0, 38) and watch.told[-1] == ("lipsync", 38, 38)

    row = Generation.objects.get()
    assert (row.model, row.sync_mode, row.options["temperature"]) == ("lipsync-2", "cut_off", 0.7)
    assert row.options["active_speaker_detection"] is True
    assert probe_media(Path(row.video.file.path)).frame_count == 50

    out = tmp_path / "out.mp4"
    outcome = RemoteBackend().assemble(job, plan, [(Piece(0, 38), piece)], out, Watch())
    assert out.read_bytes() == film.read_bytes()
    assert outcome.lipsynced_s == 1.2  # as measured there
    assert outcome.report["remote"]["id"] == str(row.pk)
    assert outcome.report["frames"] == probe_media(out).frame_count


def test_a_worker_that_died_finds_its_generation_again(job, plan, tmp_path, meanwhile):
    film = write_video(tmp_path / "film.mp4", seconds=1.5)
    watch = Watch()
    threading.Timer(1.0, lambda: setattr(watch, "stop", True)).start()
    with pytest.raises(Cancelled), pytest.MonkeyPatch.context() as patch:
        patch.setattr(remote_job.RemoteJob, "_call_off", lambda self, generation_id: None)  # it died without a word
        rendered(job, plan, tmp_path, watch)
    finish(Generation.objects.get(), film)
    rendered(job, plan, tmp_path)
    assert Generation.objects.count() == 1


def test_a_cancel_is_passed_on(job, plan, tmp_path, meanwhile):
    watch = Watch()
    meanwhile(lambda row: setattr(watch, "stop", True))
    with pytest.raises(Cancelled):
        rendered(job, plan, tmp_path, watch)
    assert Generation.objects.get().status == Status.CANCELLED


def test_a_take_goes_on_when_another_with_the_same_inputs_is_cancelled(job, plan, tmp_path, meanwhile):
    """Both wait for one generation there, which the other one calls off."""
    film = write_video(tmp_path / "film.mp4", seconds=1.5)
    seen = []

    def call_off_the_first(row: Generation) -> None:
        seen.append(row)
        if len(seen) == 1:
            end_without_result(row.pk, Status.CANCELLED)
        else:
            finish(row, film)

    meanwhile(call_off_the_first)
    assert (rendered(job, plan, tmp_path) / FILM).read_bytes() == film.read_bytes()
    assert len(seen) == 2


def test_what_is_called_off_there_again_and_again_is_not_asked_for_for_ever(job, plan, tmp_path, meanwhile):
    meanwhile(lambda row: end_without_result(row.pk, Status.CANCELLED))
    with pytest.raises(EngineError) as ended:
        rendered(job, plan, tmp_path)
    assert ended.value.code == "generation_cancelled"
    assert Generation.objects.count() == 2


def test_a_failure_there_has_its_words_here_and_another_try_asks_anew(job, plan, tmp_path, meanwhile):
    def fail(row: Generation) -> None:
        Generation.objects.filter(pk=row.pk).update(
            status=Status.REJECTED,
            error_code="generation_input_video_no_face",
            error_message="There is no face in this video.",
            error_advice="Use another.",
        )

    meanwhile(fail)
    for tries in (1, 2):
        with pytest.raises(EngineError) as refused:
            rendered(job, plan, tmp_path)
        told = refused.value
        assert (told.code, told.message) == ("generation_input_video_no_face", "There is no face in this video.")
        assert told.advice == "Use another."
        assert Generation.objects.count() == tries


def test_a_refusal_there_has_its_words_here(job, plan, tmp_path):
    with pytest.raises(EngineError) as refused:
        rendered(Render(job.video, job.video, "sync-99", "cut_off"), plan, tmp_path)
    assert refused.value.code == "generation_unsupported_model"
    assert not Call.objects.exists()


def test_a_wrong_key_is_the_studios_matter(job, plan, tmp_path, settings):
    settings.REMOTE_KEY = "sk-wrong"
    with pytest.raises(EngineError, match="does not accept this studio's key") as refused:
        rendered(job, plan, tmp_path)
    assert "sk-wrong" not in str(refused.value)


def test_a_studio_that_is_away_is_tried_again_later(job, plan, tmp_path, settings):
    settings.REMOTE_URL = "http://127.0.0.1:1"
    with pytest.raises(OSError, match="did not answer"):
        rendered(job, plan, tmp_path)


def test_a_film_elsewhere_is_fetched_with_the_usual_guard(tmp_path, settings):
    one = remote_job.RemoteJob(Watch(), 38, "n")
    with pytest.raises(OSError, match="could not be fetched"):
        one._fetch("http://169.254.169.254/latest/meta-data/", tmp_path / "film.mp4")
    assert not (tmp_path / "film.mp4").exists() or (tmp_path / "film.mp4").stat().st_size == 0


def test_what_cannot_be_asked_for_is_said_before_anything_is_sent(job, tmp_path):
    assert remote_options(job)["active_speaker_detection"] == {"auto_detect": True}
    point = {"kind": "point", "frame": 3, "x": 10, "y": 20}
    told = remote_options(Render(job.video, job.audio, "sync-3", "loop", {"active_speaker_detection": point}))
    assert told == {"sync_mode": "loop", "active_speaker_detection": {"frame_number": 3, "coordinates": [10, 20]}}
    person = {"active_speaker_detection": {"kind": "person", "id": 1}}
    asked = Render(job.video, job.audio, "sync-3", "loop", person)
    with pytest.raises(EngineError, match="which person"):
        RemoteBackend().plan(asked, tmp_path, tmp_path, tmp_path, Watch())
    with pytest.raises(EngineError, match="not sent segments"):
        RemoteBackend().plan(replace(job, segments=(RenderSegment(0, 1),)), tmp_path, tmp_path, tmp_path, Watch())


def test_a_take_that_needs_a_mark_is_refused_before_anything_is_sent(job, tmp_path):
    with pytest.raises(EngineError, match="carry this studio's name") as refusal:
        RemoteBackend().plan(replace(job, watermark=True), tmp_path, tmp_path, tmp_path, Watch())
    assert refusal.value.code == "plan_feature_unavailable"
    assert not Generation.objects.exists()


def test_without_a_client_or_an_address_it_says_so(settings, monkeypatch):
    settings.REMOTE_URL = ""
    with pytest.raises(EngineError, match="No other studio"):
        remote_job.RemoteJob(Watch(), 1, "n")
    settings.REMOTE_URL = "https://studio.example"
    monkeypatch.setattr(remote_job, "Sync", None)
    with pytest.raises(EngineError, match="not installed"):
        remote_job.RemoteJob(Watch(), 1, "n")
