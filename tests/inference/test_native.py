"""Our own engine behind the protocol, step by step, on a talking portrait the engine makes itself."""

import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from apps.assets import files
from apps.assets.checking import check_asset
from apps.assets.services import import_file
from apps.generations.models import SegmentSound, Status
from apps.generations.services import begin, cancel_generation
from apps.inference import drawn, keeping, steps, work
from apps.inference.backends import Piece, Render, backend_for, native
from apps.inference.backends.registry import load
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.render.mark import Mark
from apps.inference.engine.sample.make import SampleFormat, make_sample
from benchmarks.clips import repeated_sound
from tests.factories import GenerationFactory, write_audio, write_video
from tests.inference.stepping import planned, rendered, run, scratch

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    from django.conf import settings

    return make_sample(tmp_path_factory.mktemp("sample"), settings.MODELS_DIR, SampleFormat(size=200, seconds=1.2))


@pytest.fixture
def take_of(workspace, owner, settings, tmp_path):
    """``take_of(video, audio)`` gives a queued take of two local files."""
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": tmp_path / "media", "allow_overwrite": True}}
    }

    def make(*paths, **fields):
        assets = []
        for path in paths:
            asset = import_file(workspace=workspace, user=owner, path=path, name=path.name)
            check_asset(asset.pk)
            asset.refresh_from_db()
            assets.append(asset)
        seconds = min(asset.duration_s for asset in assets)
        return GenerationFactory(
            workspace=workspace, video=assets[0], audio=assets[1], quoted_seconds=seconds, **fields
        )

    return make


def prepared(take) -> list[Piece] | None:
    begin(take.pk)
    return planned(take)


def test_a_take_in_pieces_is_one_film(take_of, sample, monkeypatch):
    monkeypatch.setattr(native, "PIECE_S", 0.5)
    take = take_of(sample.video, sample.new_line, options={"temperature": 0.8, "occlusion_detection_enabled": True})
    pieces = prepared(take)
    assert len(pieces) == 4
    for piece in reversed(pieces):  # in any order
        rendered(take, piece)
    assert run(take, "assemble", steps.assemble) is True
    take.refresh_from_db()
    assert (take.status, take.report["backend"]) == (Status.COMPLETED, f"native {load('native').version}")
    assert take.report["settings"]["temperature"] == 0.8
    assert take.report["settings"]["occlusion_detection"] is True
    assert take.report["watermark"] is False and mark_seen(take.result.file.path, sample.video) < 25
    result = take.result
    assert (result.width, result.height, result.fps) == (take.video.width, take.video.height, take.video.fps)
    assert result.frame_count == take.report["frames"] == pieces[-1].last
    assert result.duration_s == pytest.approx(take.quoted_seconds, abs=1 / 25)
    assert result.has_sound
    assert take.charged_seconds == pytest.approx(take.report["lipsynced_s"], abs=1 / 25)


def test_the_engine_stops_drawing_within_two_seconds_of_a_cancel(take_of, sample, tmp_path, membership):
    """Told by seconds of the processor, since a busy machine stretches those of the clock."""
    sound = repeated_sound(sample.new_line, tmp_path / "long.wav", 40.0)
    take = take_of(sample.video, sound, model="lipsync-2", sync_mode="loop")
    piece = prepared(take)[0]
    told = []

    def do(generation, watch):
        def progress(stage, done, total):
            told.append((time.process_time(), done))
            if len(told) == 2:
                cancel_generation(membership=membership, generation=generation)

        steps.render(generation, piece.first, SimpleNamespace(progress=progress, cancelled=watch.cancelled))

    run(take, piece.name, do, piece=piece.first)
    assert time.process_time() - told[1][0] < 2
    assert told[-1][1] < piece.last - piece.first
    take.refresh_from_db()
    assert (take.status, take.result) == (Status.CANCELLED, None)
    assert not work.has_folder(drawn.folder_of(take, piece))
    assert scratch() == []


def test_segments_go_through_every_step(take_of, sample):
    """Half a second is driven by a line of its own, another left alone; the rest stays as it is."""
    take = take_of(sample.video, sample.new_line)
    line = import_file(workspace=take.workspace, user=take.created_by, path=sample.video, name="line.mp4")
    row = {"lipsync": True, "audio_start_s": 0.2, "audio_end_s": None, "face": None, "options": {"temperature": 0.9}}
    take.segments = [
        row | {"start_s": 0.4, "end_s": 0.8, "audio": str(line.pk)},
        row | {"start_s": 0.9, "end_s": 1.1, "audio": None, "lipsync": False, "options": {}},
    ]
    take.save()
    SegmentSound.objects.create(generation=take, asset=line)
    pieces = prepared(take)
    assert [(piece.first, piece.last) for piece in pieces][:3] == [(0, 10), (10, 20), (20, 23)]
    for piece in pieces:
        rendered(take, piece)
    assert run(take, "assemble", steps.assemble) is True
    take.refresh_from_db()
    assert take.charged_seconds == pytest.approx(0.4)
    assert [row["lipsynced_s"] for row in take.report["segments"]] == [0.4, 0.0]
    assert take.report["segments"][0]["sound"] == "segment 0"
    assert take.result.has_sound


def test_other_segments_are_other_work(take_of, sample):
    take = take_of(sample.video, sample.new_line)
    backend = backend_for(take.model)
    before = keeping.key_of(take, backend)
    take.segments = [{"start_s": 0.4, "end_s": 0.8, "audio": None}]
    assert keeping.key_of(take, backend) != before


def segmented(take, temperature: float):
    """Two ranges with something between them, the second with an expressiveness of its own."""
    row = {"lipsync": True, "audio": None, "audio_start_s": 0.0, "audio_end_s": None, "face": None}
    take.segments = [
        row | {"start_s": 0.0, "end_s": 0.4, "options": {}},
        row | {"start_s": 0.6, "end_s": 1.0, "options": {"temperature": temperature}},
    ]
    take.save()
    return take


def finished(take) -> list[int]:
    """Makes the take, and gives the first frames of the pieces that were drawn for it."""
    pieces = prepared(take)
    for piece in pieces:
        rendered(take, piece)
    assert run(take, "assemble", steps.assemble) is True
    take.refresh_from_db()
    return [piece.first for piece in pieces]


def frames_of(take) -> list[np.ndarray]:
    with VideoReader(Path(take.result.file.path)) as reader:
        return [frame.yuv.copy() for frame in reader]


def test_a_changed_range_is_drawn_anew_and_the_rest_is_that_of_the_earlier_take(take_of, sample, monkeypatch):
    """And the film is the very one of a take that finds nothing drawn before."""
    monkeypatch.setattr(native, "PIECE_S", 0.2)
    media = take_of(sample.video, sample.new_line)

    def another(temperature):
        return segmented(
            GenerationFactory(
                workspace=media.workspace, video=media.video, audio=media.audio, quoted_seconds=1.2,
                options={"temperature": 0.5},
            ),
            temperature,
        )  # fmt: skip

    first, changed = another(0.2), another(1.0)
    assert finished(first) == [0, 5, 10, 15, 20, 25]
    assert finished(changed) == [15, 20]
    assert changed.report["pieces"] == {"count": 6, "kept": 4, "frames": 30, "frames_kept": 20}
    files.remove_tree(work.PIECES)
    fresh = another(1.0)
    assert finished(fresh) == [0, 5, 10, 15, 20, 25]
    for one, other in zip(frames_of(changed), frames_of(fresh), strict=True):
        np.testing.assert_array_equal(one, other)
    assert changed.report["per_second"] == fresh.report["per_second"]


def test_a_mark_goes_all_the_way_and_shares_no_work_with_plain_takes(take_of, sample):
    take = take_of(sample.video, sample.new_line)
    backend = backend_for(take.model)
    plain = keeping.key_of(take, backend)
    take.watermark = True
    take.save()
    assert keeping.key_of(take, backend) != plain
    for piece in prepared(take):
        rendered(take, piece)
    assert run(take, "assemble", steps.assemble) is True
    take.refresh_from_db()
    assert (take.status, take.report["watermark"]) == (Status.COMPLETED, True)
    assert mark_seen(take.result.file.path, sample.video) > 25


def mark_seen(film, original) -> int:
    """Largest difference of luma in the corner of the first picture, where nobody's face is."""
    pictures = []
    for path in (film, original):
        with VideoReader(Path(path)) as reader:
            pictures.append(next(iter(reader)).yuv)
    x, y, width, height = Mark((200, 200)).box
    one, other = (picture[y : y + height, x : x + width].astype(int) for picture in pictures)
    return int(abs(one - other).max())


def test_a_video_without_a_face_is_refused(take_of, tmp_path):
    take = take_of(write_video(tmp_path / "grey.mp4"), write_audio(tmp_path / "tone.wav"))
    assert prepared(take) is None
    take.refresh_from_db()
    assert (take.status, take.error_code) == (Status.REJECTED, "generation_input_video_no_face")
    assert take.error_advice


def test_a_silent_soundtrack_is_refused(take_of, sample, tmp_path):
    take = take_of(sample.video, write_audio(tmp_path / "quiet.wav", loud=0.0))
    assert prepared(take) is None
    take.refresh_from_db()
    assert (take.status, take.error_code) == (Status.REJECTED, "generation_input_audio_silent")


@pytest.mark.parametrize(
    ("frames", "fps", "count"),
    [(1, 25, 1), (200, 25, 1), (201, 25, 2), (1650, 25, 2), (1651, 25, 4), (15_000, 25, 20), (240, 30, 1)],
)
def test_pieces_cover_every_frame_once(frames, fps, count):
    pieces = native.split(frames, fps)
    assert len(pieces) == count
    assert [index for first, last in pieces for index in range(first, last)] == list(range(frames))
    lengths = [last - first for first, last in pieces]
    assert max(lengths) <= 40 * fps
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize(
    ("seconds", "lanes", "count"),
    [(60, 1, 2), (60, 2, 2), (60, 3, 3), (60, 4, 4), (60, 64, 15), (10, 4, 2), (600, 3, 21)],
)
def test_every_lane_has_as_much_to_draw_unless_pieces_get_too_short(seconds, lanes, count):
    pieces = native.split(25 * seconds, 25, lanes=lanes)
    assert len(pieces) == count
    assert all(4 * 25 <= last - first <= 33 * 25 for first, last in pieces)


def test_pieces_end_where_segments_do():
    assert native.split(500, 25, [30, 55]) == [(0, 30), (30, 55), (55, 277), (277, 500)]


def test_pieces_begin_at_cuts_that_are_near():
    pieces = native.split(1500, 25, cuts=[340, 700, 760, 1163], lanes=4)
    assert pieces == [(0, 340), (340, 760), (760, 1125), (1125, 1500)]


def test_no_piece_is_longer_than_forty_seconds():
    """Also where a cut lies just before one of its ends and just behind the other."""
    pieces = native.split(15_000, 25, cuts=[676, 1574])
    assert max(last - first for first, last in pieces) == 1574 - 676 <= 40 * 25


def test_cuts_of_the_footage_are_found_where_the_film_shows_them():
    """A film that runs there and back shows its cut twice."""
    footage = SimpleNamespace(shot_of=lambda: np.repeat([0, 1], 10))
    plan = SimpleNamespace(source=np.concatenate([np.arange(20), np.arange(18, -1, -1)]))
    assert native.cuts_of(plan, footage) == [10, 29]


def test_pieces_that_are_kept_stay_whole():
    """Also where a border runs through them: what it parts is drawn alike on both sides."""
    assert native.split(500, 25, [30, 55], [(40, 60), (200, 300)]) == [
        (0, 30), (30, 40), (40, 60), (60, 200), (200, 300), (300, 500)
    ]  # fmt: skip


def test_of_earlier_pieces_those_are_kept_that_would_be_drawn_just_so():
    def digest(first, last):
        return f"{first} to {last}"

    same, longer, changed = Piece(0, 10, "0 to 10"), Piece(90, 110, "90 to 110"), Piece(20, 30, "otherwise")
    overlapping, later = Piece(5, 20, "5 to 20"), Piece(30, 40, "30 to 40")
    earlier = [same, longer, changed, overlapping, later, same]
    assert native.still_true(earlier, 100, digest) == [same, later]


def test_the_engine_of_a_model_is_a_matter_of_settings(settings, tmp_path):
    assert backend_for("sync-3").name == "native"
    settings.INFERENCE_BACKENDS = {"sync-3": "tests.inference.fake.FakeBackend"}
    assert (backend_for("sync-3").name, backend_for("lipsync-2").name) == ("fake", "native")
    settings.INFERENCE_BACKENDS = {"sync-3": "no.such.engine"}
    with pytest.raises(ImportError):
        backend_for("sync-3")


def test_every_option_of_the_catalog_reaches_the_engine(tmp_path):
    from apps.catalog.registry import FACE, MODELS, OPTIONS, clean_options

    for model in MODELS:
        job = Render(tmp_path, tmp_path, model, "loop", clean_options(model, {})[0], seed=3)
        found = native.engine_settings(job)
        assert (found.model, found.sync_mode, found.seed) == (model, "loop", 3)
    assert {*native.OPTION_NAMES, FACE} == set(OPTIONS)
    speaking = clean_options("sync-3", {FACE: True})[0]
    assert native.engine_settings(Render(tmp_path, tmp_path, "sync-3", "loop", speaking)).face == {
        "kind": "active_speaker"
    }
