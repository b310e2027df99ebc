"""A film made in pieces is the film made in one: pictures to the encoder's noise, sound sample by sample."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from django.conf import settings

from apps.inference import engine
from apps.inference.backends import Piece, Render
from apps.inference.backends.registry import load
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.sample.make import SampleFormat, make_sample

# Two encodings of one picture at crf 17 differ by this much at most; a wrong frame is 15 dB below.
LEAST_PSNR_DB = 38.0


class Called:
    """A watch whose take was cancelled: after so many questions it says so."""

    def __init__(self, answers: int = 0) -> None:
        self._left = answers

    def progress(self, stage: str, done: int, total: int) -> None: ...

    def cancelled(self) -> bool:
        self._left -= 1
        return self._left < 0


class Quiet:
    """A watch that nobody looks at."""

    def progress(self, stage: str, done: int, total: int) -> None: ...

    def cancelled(self) -> bool:
        return False


def made(sample, folder: Path, pieces: int) -> Path:
    """The film of the sample's new line, rendered in so many pieces."""
    job = Render(sample.video, sample.new_line, "lipsync-2", "cut_off", {"temperature": 0.5})
    footage, speech, plan = (folder / name for name in ("footage", "speech", "plan"))
    backend = load("native")
    for into in (footage, speech, plan):
        into.mkdir(parents=True)
    engine.analyse_footage(job.video, footage, models=settings.MODELS_DIR)
    backend.analyse_speech(job.audio, speech, Quiet())
    frames = backend.plan(job, footage, speech, plan, Quiet()).frames
    borders = [round(frames * index / pieces) for index in range(pieces + 1)]
    rendered = []
    for first, last in pairwise(borders):
        piece = Piece(first, last)
        into = folder / piece.name
        into.mkdir()
        backend.render(job, footage, plan, piece, into, Quiet())
        rendered.append((piece, into))
    backend.assemble(job, plan, rendered, folder / "film.mp4", Quiet())
    return folder / "film.mp4"


def pictures(film: Path) -> list[np.ndarray]:
    with VideoReader(film) as reader:
        return [frame.yuv.astype(np.float64) for frame in reader]


def sound(film: Path) -> np.ndarray:
    with av.open(str(film)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return make_sample(tmp_path_factory.mktemp("sample"), settings.MODELS_DIR, SampleFormat(size=240, seconds=2.0))


@pytest.fixture(scope="module")
def films(tmp_path_factory, sample) -> tuple[Path, Path]:
    return tuple(made(sample, tmp_path_factory.mktemp(f"in-{count}"), count) for count in (1, 5))


def test_every_picture_is_the_same_to_the_encoders_noise(films):
    whole, pieces = map(pictures, films)
    assert len(whole) == len(pieces)
    worst = min(10 * np.log10(255**2 / np.mean((one - other) ** 2)) for one, other in zip(whole, pieces, strict=True))
    assert worst > LEAST_PSNR_DB


def test_every_sample_of_the_sound_is_the_same(films):
    np.testing.assert_array_equal(*map(sound, films))


def test_a_soundtrack_made_beside_the_plan_gives_the_same_film(films, sample, tmp_path):
    folder, backend = films[0].parent, load("native")
    job = Render(sample.video, sample.new_line, "lipsync-2", "cut_off", {"temperature": 0.5})
    (tmp_path / "sound").mkdir()
    backend.encode_sound(job, folder / "footage", folder / "speech", tmp_path / "sound", Quiet())
    pieces = [(Piece(0, 50), folder / Piece(0, 50).name)]
    job = replace(job, soundtrack=tmp_path / "sound")
    backend.assemble(job, folder / "plan", pieces, tmp_path / "film.mp4", Quiet())
    assert (tmp_path / "film.mp4").read_bytes() == films[0].read_bytes()


@pytest.mark.parametrize("step", ["analyse_speech", "encode_sound", "plan", "assemble"])
def test_a_cancel_is_heard_in_steps_that_tell_no_frames(films, sample, tmp_path, step):
    """Of a film of ten minutes each of them takes a quarter of a minute."""
    backend, folder = load("native"), films[0].parent
    job = Render(
        sample.video, sample.new_line, "lipsync-2", "cut_off", {"temperature": 0.5, "occlusion_detection": True}
    )
    called = Called(answers=1)
    with pytest.raises(engine.Cancelled):
        if step == "analyse_speech":
            backend.analyse_speech(sample.new_line, tmp_path, Called())
        elif step == "encode_sound":
            (tmp_path / "sound").mkdir()
            backend.encode_sound(job, folder / "footage", folder / "speech", tmp_path / "sound", Called())
        elif step == "plan":
            backend.plan(job, folder / "footage", folder / "speech", tmp_path, called)
        else:
            pieces = [(Piece(0, 50), folder / Piece(0, 50).name)]
            backend.assemble(job, folder / "plan", pieces, tmp_path / "film.mp4", called)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size]
