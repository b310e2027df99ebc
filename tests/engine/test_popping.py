"""The measure of popping finds what is planted, and only there."""

from pathlib import Path

import av
import numpy as np
import pytest
from django.conf import settings

from apps.inference.engine.face.landmarks import LIPS
from apps.inference.engine.faces_in_time import follow_face
from benchmarks import footage, popping, slow_strip

from .strange_media import film

AT = 65  # the frame in which something is planted, where the mouth hardly moves
COUNT = 75


@pytest.fixture(scope="module")
def frames(short_sample) -> list[np.ndarray]:
    with av.open(str(short_sample.video)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)][:COUNT]


@pytest.fixture(scope="module")
def seen(short_sample) -> footage.Seen:
    found = footage.look(short_sample.video, Path(settings.MODELS_DIR))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def ratios(short_sample, frames, seen, tmp_path_factory):
    """Pops and flashes of the sample with something white in the mouth in the given frames."""
    template = seen.track.faces.template
    times, landmarks = seen.times[:COUNT], seen.landmarks[:COUNT]
    shown = footage.Seen(times, landmarks, follow_face(landmarks, times, np.zeros(COUNT, np.int64)))
    usual = popping.Usual.of(popping.steps_of(short_sample.video, seen, template))

    def of(planted: range) -> tuple[np.ndarray, np.ndarray]:
        made = [frame.copy() for frame in frames]
        for index in planted:
            x, y = seen.landmarks[index, LIPS, :2].mean(0).astype(int)
            made[index][y - 5 : y + 5, x - 15 : x + 15] = 235
        path = film(tmp_path_factory.mktemp("film") / "made.mp4", made, crf=4)
        steps = popping.steps_of(path, shown, template)
        return usual.pops(steps), usual.flashes(steps)

    return of


def test_what_comes_for_one_frame_pops_twice_and_flashes_once(ratios) -> None:
    (pops, flashes), (own_pops, own_flashes) = ratios(range(AT, AT + 1)), ratios(range(0))
    assert set(np.argsort(own_pops - pops)[:2].tolist()) == {AT, AT + 1}
    assert int(np.argmax(flashes - own_flashes)) == AT
    assert min(pops[AT], pops[AT + 1], flashes[AT]) > 1
    assert max(own_pops[AT], own_flashes[AT]) < 0.5


def test_what_comes_and_stays_pops_without_a_flash(ratios) -> None:
    (pops, flashes), (own_pops, own_flashes) = ratios(range(AT, COUNT)), ratios(range(0))
    assert int(np.argmax(pops - own_pops)) == AT
    assert pops[AT] > 1
    assert np.abs(flashes - own_flashes).max() < 0.5


def test_a_strip_shows_every_second_mouth_in_rows(short_sample) -> None:
    stills = slow_strip.slow_strip(short_sample.video, 4, 17, 2)
    assert len(stills) == 7
    width, height = slow_strip.CELL
    assert slow_strip.in_rows(stills, 4).shape == (2 * height, 4 * width, 3)
