"""Damaged and strange inputs: a clear error or a correct film, never a crash, a hang or garbage.

STUDIO_FUZZ_INPUTS sets how many damaged inputs are tried (default 6); each has a seed, so a failure can be repeated.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from django.conf import settings

from apps.inference.engine.sample import SampleFormat, make_sample
from apps.inference.engine.settings import MODELS

from .fuzzing import Ending, Engine, check_film, check_pictures, check_refusal
from .strange_media import LEGAL, REFUSED, Base, damaged, film, load_base

DAMAGED = int(os.environ.get("STUDIO_FUZZ_INPUTS", "6"))


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    os.environ["STUDIO_MODELS"] = str(settings.MODELS_DIR)
    running = Engine()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Base:
    """Three quarters of a second of the talking sample, 18 frames."""
    folder = tmp_path_factory.mktemp("base")
    made = make_sample(folder, Path(settings.MODELS_DIR), SampleFormat(size=200, seconds=0.72))
    return load_base(made.video, made.new_line, 18)


@pytest.mark.parametrize("name", sorted(LEGAL))
def test_strange_but_legal_comes_out_right(name: str, engine: Engine, base: Base, tmp_path: Path) -> None:
    video, sound = LEGAL[name](base, tmp_path)
    ending = engine(video, sound, tmp_path / "out.mp4")
    assert ending == Ending()
    frames, size, seconds = check_film(tmp_path / "out.mp4")
    with av.open(str(video)) as container:
        given = list(container.decode(video=0))
    width, height = given[0].width, given[0].height
    assert size == (width + width % 2, height + height % 2)
    with av.open(str(sound)) as container:
        heard = sum(f.samples for f in container.decode(audio=0)) / container.streams.audio[0].sample_rate
    starts = np.array([float(frame.pts * frame.time_base) for frame in given])
    assert frames == int(np.sum(starts - starts[0] < heard - 0.003))
    longest = max(np.diff(starts).max(), 0.1)  # the picture ends at most one frame after the sound
    assert seconds <= heard + longest + 0.01


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_nothing_to_be_made_of_it_is_said(name: str, engine: Engine, base: Base, tmp_path: Path) -> None:
    video, sound = REFUSED[name](base, tmp_path)
    check_refusal(engine(video, sound, tmp_path / "out.mp4"))
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("seed", range(DAMAGED))
def test_damage_ends_in_a_film_or_a_clear_error(seed: int, engine: Engine, base: Base, tmp_path: Path) -> None:
    video, sound = damaged(base, tmp_path, seed)
    ending = engine(video, sound, tmp_path / "out.mp4", random.Random(seed).choice(MODELS))
    if ending.code:
        check_refusal(ending)
        assert not (tmp_path / "out.mp4").exists()
    else:
        frames, _, _ = check_film(tmp_path / "out.mp4")
        assert 1 <= frames <= 2 * len(base.frames)
        check_pictures(video, tmp_path / "out.mp4")


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_few_frames_are_refused_or_come_out(count: int, engine: Engine, base: Base, tmp_path: Path) -> None:
    video = film(tmp_path / "v.mp4", base.frames[8 : 8 + count], fps=Fraction(25, 4))
    ending = engine(video, base.sound, tmp_path / "out.mp4", "sync-3")
    if ending.code:
        check_refusal(ending)
    else:
        assert check_film(tmp_path / "out.mp4")[0] == count
