"""A film that is looked at in parts, by whoever, gives the analysis of one pass."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from django.conf import settings

from apps.inference import engine
from apps.inference.engine import parts as splitting
from apps.inference.engine import reading
from apps.inference.engine.analysis import OWN_SOUND
from apps.inference.engine.errors import Cancelled, EngineError
from apps.inference.engine.media import stretches as split
from apps.inference.engine.media.colour import ColourTags
from apps.inference.engine.media.stretches import shown_frames, stretches
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.media.video_writer import PieceWriter

from .tiny_media import write_video


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch):
    monkeypatch.setattr(split, "STRETCH_S", 1.0)


def in_parts(video: Path, folder: Path) -> engine.FootageAnalysis:
    """Every part in a folder of its own, the last one first."""
    models = Path(settings.MODELS_DIR)
    folders = {part: folder / part for part in engine.footage_parts(video)}
    for part in reversed(folders):
        folders[part].mkdir()
        engine.analyse_part(video, part, folders[part], models=models)
    (folder / "all").mkdir()
    engine.join_parts(video, folders, folder / "all", models=models)
    return engine.FootageAnalysis.load(folder / "all")


def written(film: Path, pictures: list[np.ndarray]) -> Path:
    with PieceWriter(film, (320, 320), Fraction(25), ColourTags()) as writer:
        for picture in pictures:
            writer.write(picture)
    return film


@pytest.fixture(scope="module")
def whole(short_sample, tmp_path_factory):
    return engine.analyse_footage(
        short_sample.video, tmp_path_factory.mktemp("whole"), models=Path(settings.MODELS_DIR)
    )


def test_parts_give_the_analysis_of_one_pass(short_sample, whole, tmp_path):
    joined = in_parts(short_sample.video, tmp_path)
    assert len(engine.footage_parts(short_sample.video)) == 4  # three stretches and the own sound
    np.testing.assert_array_equal(joined.times, whole.times)
    np.testing.assert_array_equal(joined.shots, whole.shots)
    np.testing.assert_array_equal(joined.motion, whole.motion)
    assert (joined.end_s, joined.size, joined.info) == (whole.end_s, whole.size, whole.info)
    assert [len(person.rows.frames) for person in joined.people] == [len(whole.times)]
    # The tracker takes the face up anew; the mesh then lies where it lay, to fractions of a pixel (320 px wide).
    assert np.abs(joined.landmarks - whole.landmarks)[..., :2].max() < 1.0
    assert joined.crops.stored.all()
    own, before = joined.own_sound, whole.own_sound
    assert own is not None and before is not None
    np.testing.assert_array_equal(own.level_db, before.level_db)


def test_a_dissolve_across_a_border_ends_whoever_goes_into_it_at_its_middle(short_sample, tmp_path, monkeypatch):
    """The stretch that sees its end knows nobody from before its middle, and the other one does not see its end."""
    with VideoReader(short_sample.video) as reader:
        frames = [frame.yuv.copy() for frame in reader]
    other = [np.ascontiguousarray(255 - frame[::-1]) for frame in frames]
    shares = np.concatenate([np.zeros(40), np.arange(1, 17) / 17, np.ones(19)])
    mixed = [(1 - share) * one + share * late for share, one, late in zip(shares, frames, other, strict=True)]
    film = written(tmp_path / "dissolve.mp4", [np.round(picture).astype(np.uint8) for picture in mixed])
    models = Path(settings.MODELS_DIR)
    (tmp_path / "whole").mkdir()
    whole = engine.analyse_footage(film, tmp_path / "whole", models=models)
    assert 40 < len(whole.people[0].rows.frames) < 52
    monkeypatch.setattr(splitting, "stretches", lambda times, keys: [(0, 50), (50, 75)])
    joined = in_parts(film, tmp_path)
    np.testing.assert_array_equal(joined.shots, whole.shots)
    np.testing.assert_array_equal(joined.people[0].rows.frames, whole.people[0].rows.frames)


def test_where_a_border_may_be_a_cut_a_face_is_told_by_its_looks(short_sample, tmp_path, monkeypatch):
    """Somebody else who comes to the same place before the same wall was one person with who was there before."""
    with VideoReader(short_sample.video) as reader:
        frames = [cv2.cvtColor(frame.yuv, cv2.COLOR_YUV2RGB_I420) for frame in reader]
    mirrored = [frame if at < 40 else np.ascontiguousarray(frame[:, ::-1]) for at, frame in enumerate(frames)]
    film = written(tmp_path / "mirrored.mp4", [cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420) for frame in mirrored])
    monkeypatch.setattr(splitting, "stretches", lambda times, keys: [(0, 40), (40, 75)])
    in_parts(film, tmp_path)
    seen = reading.join([tmp_path / "0-40", tmp_path / "40-75"], tmp_path)
    assert not seen.cuts[1:].any()
    assert [(rows.frames[0], rows.frames[-1]) for rows in seen.tracks.values()] == [(0, 39), (40, 74)]


def test_the_lips_of_every_part_are_the_pictures_own(short_sample, whole, tmp_path):
    joined = in_parts(short_sample.video, tmp_path)
    for frame in (0, 30, 40, len(joined.times) - 1):
        one, other = joined.crops[frame], whole.crops[frame]
        top, left = max(one.y, other.y), max(one.x, other.x)
        height, width = (min(a, b) - 4 for a, b in zip(one.luma.shape, other.luma.shape, strict=True))
        shared = [crop.luma[top - crop.y :, left - crop.x :][:height, :width] for crop in (one, other)]
        np.testing.assert_array_equal(*shared)


def test_a_short_film_and_a_photo_are_one_part(tmp_path, monkeypatch, short_sample):
    monkeypatch.undo()
    assert engine.footage_parts(short_sample.video) == [splitting.WHOLE]


def test_a_film_whose_clock_lies_is_read_in_one_go(short_sample, tmp_path, monkeypatch, whole):
    times, keys = shown_frames(short_sample.video)
    monkeypatch.setattr(splitting, "shown_frames", lambda video: (times + 0.02 * (np.arange(len(times)) > 40), keys))
    joined = in_parts(short_sample.video, tmp_path)
    np.testing.assert_array_equal(joined.landmarks, whole.landmarks)


def test_nobody_in_any_part_is_said_like_in_one_pass(tmp_path):
    video = write_video(tmp_path / "grey.mp4", 75, size=(128, 96))
    with pytest.raises(EngineError) as refused:
        in_parts(video, tmp_path)
    assert refused.value.code == "generation_input_video_no_face"


def test_looking_at_a_part_can_be_stopped(short_sample, tmp_path):
    with pytest.raises(Cancelled):
        engine.analyse_part(
            short_sample.video, "25-50", tmp_path, cancelled=lambda: True, models=Path(settings.MODELS_DIR)
        )


def test_a_film_without_sound_has_no_part_for_it(tmp_path):
    assert OWN_SOUND not in engine.footage_parts(write_video(tmp_path / "mute.mp4", 100))


def test_borders_lie_where_reading_begins_at_a_key_frame_if_that_is_near(monkeypatch):
    """0.6 s and a frame for the seek and 34 frames to warm up lie between the key frame and the border."""
    times = np.arange(1000) / 25
    keys = np.isin(np.arange(1000), [0, 240, 500, 640])
    monkeypatch.setattr(split, "STRETCH_S", 10.0)
    assert stretches(times, keys) == [(0, 290), (290, 550), (550, 750), (750, 1000)]


@pytest.mark.parametrize("count", [0, 1, 20])
def test_too_few_frames_are_not_split(count):
    assert stretches(np.arange(count) / 25, np.ones(count, bool)) == [(0, count)]


def test_equal_times_are_not_split():
    times = np.arange(1000) // 2 / 25
    assert len(stretches(times, np.ones(1000, bool))) == 1


def test_nothing_before_the_key_frame_is_decoded(monkeypatch, tmp_path):
    """Key frames every second: reading of the second stretch begins at the last that leaves time to warm up."""
    film = write_video(tmp_path / "keys.mp4", 200, options={"g": "25", "keyint_min": "25", "sc_threshold": "0"})
    decoded, real = [], reading.VideoReader.__iter__

    def noted(reader):
        for frame in real(reader):
            decoded.append(frame.time)
            yield frame

    monkeypatch.setattr(reading.VideoReader, "__iter__", noted)
    first, last = stretches(*shown_frames(film))[-1]
    engine.analyse_part(film, f"{first}-{last}", tmp_path, models=Path(settings.MODELS_DIR))
    begun = round(decoded[1] * 25)  # the very first one is where time begins
    assert begun % 25 == 0
    assert begun > 0 and first - begun == 50


def test_every_frame_is_in_one_stretch(short_sample):
    found = stretches(*shown_frames(short_sample.video))
    assert found[0][0] == 0 and found[-1][1] == 75
    assert all(one[1] == other[0] for one, other in pairwise(found))
