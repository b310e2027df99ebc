"""The benchmark's own measures: each says the right thing on a film made to have that fault."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from django.conf import settings

from apps.inference.engine.sample.lines import OWN_LINE, load_line
from benchmarks import contact_sheet, footage, measures, sample_opening

from .strange_media import film, wav


@pytest.fixture(scope="module")
def seen(short_sample) -> footage.Seen:
    found = footage.look(short_sample.video, Path(settings.MODELS_DIR))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def frames(short_sample) -> list[np.ndarray]:
    with av.open(str(short_sample.video)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.fixture
def driver(short_sample) -> footage.Driver:
    motion = short_sample.motion
    return footage.Driver("truth", short_sample.new_line, motion.times_s, motion.aperture, 0.0)


@pytest.mark.parametrize("lag", [-2, 0, 3])
def test_lag_is_found_and_positive_when_the_picture_is_late(lag: int, driver, seen) -> None:
    moved = np.roll(seen.opening, lag)
    assert measures.agreement(driver.times, driver.opening, seen.times, moved).lag == lag


def test_shifted_movement_does_not_agree(driver, seen) -> None:
    right = measures.agreement(driver.times, driver.opening, seen.times, seen.opening)
    wrong = measures.agreement(driver.times, measures.shifted(driver), seen.times, seen.opening)
    assert right.r0 > 0.8
    assert wrong.r0 < 0.4


def test_closed_frames_are_less_open_than_the_rest(driver, seen) -> None:
    shut, apart = measures.closure(driver, seen, 0)
    assert shut < apart / 2


def test_mouth_that_moves_in_a_pause_is_told(seen, tmp_path: Path) -> None:
    line = load_line(OWN_LINE).samples[: 3 * 24000]
    quiet = line.copy()
    quiet[round(0.9 * 24000) : round(1.9 * 24000)] *= 1e-4
    in_speech = measures.opening_in_silence(wav(tmp_path / "quiet.wav", quiet, 24000), seen)
    assert in_speech is not None
    assert in_speech > 0.04
    assert measures.opening_in_silence(wav(tmp_path / "line.wav", line[: 2 * 24000], 24000), seen) is None


def test_each_fault_of_the_picture_moves_its_own_figure(short_sample, frames, seen, tmp_path: Path) -> None:
    lips = slice(170, 215), slice(120, 195)
    rng = np.random.default_rng(2)

    def changed(fault) -> measures.Picture:
        made = []
        for index, frame in enumerate(frames[:40]):
            picture = frame.copy()
            fault(picture, index)
            made.append(picture)
        made_film = film(tmp_path / "changed.mp4", made, crf=4)
        shown = footage.look(made_film, Path(settings.MODELS_DIR))
        assert shown is not None
        return measures.compare(short_sample.video, made_film, seen, shown)

    def blur(picture, index) -> None:
        picture[lips] = cv2.GaussianBlur(picture[lips], (0, 0), 2)

    def flicker(picture, index) -> None:
        picture[150:260, 80:230] = np.clip(picture[150:260, 80:230] + 12.0 * (index % 2), 0, 255)

    def dirt(picture, index) -> None:
        picture[:40] = np.clip(picture[:40] + rng.normal(0, 12, (40, 320, 1)), 0, 255)

    same = changed(lambda picture, index: None)
    assert same.sharpness == pytest.approx(1, abs=0.15)
    assert same.flicker == pytest.approx(1, abs=0.1)
    assert same.psnr_db > 40
    assert changed(blur).sharpness < 0.6
    assert changed(flicker).flicker > 1.5
    assert changed(dirt).psnr_db < same.psnr_db - 6


def test_contact_sheet_has_four_rows_a_still(short_sample) -> None:
    sheet = contact_sheet.contact_sheet(short_sample.video, short_sample.video, 5)
    cell, gap = contact_sheet.CELL, contact_sheet.GAP
    assert sheet.shape[1] == 5 * (cell + 2 * gap)
    assert sheet.shape[0] == 2 * cell + 2 * (cell * 3 // 4) + 4 * gap + gap
    rows = [sheet[top : top + cell - 8, :cell] for top in (gap, gap + cell + gap)]
    assert np.abs(rows[0][20:].astype(int) - rows[1][20:]).mean() < 1, "the two stills of one film differ"


def test_readings_are_straightened_by_the_rising_curve_nearest_to_the_truth() -> None:
    readings = np.array([0.10, 0.06, 0.12, 0.08, 0.14])
    truth = np.array([0.05, 0.00, 0.03, 0.01, 0.09])  # .10 and .12 are the wrong way round
    at, opening = sample_opening.straightened(readings, truth)
    np.testing.assert_allclose(at, [0.06, 0.08, 0.10, 0.12, 0.14])
    np.testing.assert_allclose(opening, [0.0, 0.01, 0.04, 0.04, 0.09])


@pytest.mark.parametrize(
    ("drawn", "planned", "kept"),
    [
        ([0.02, 0.05, 0.02, 0.03], [0.02, 0.03, 0.02, 0.03], True),
        ([0.02, 0.16, 0.02, 0.03], [0.02, 0.16, 0.02, 0.03], False),  # one frame far from the truth
        ([0.06, 0.06, 0.06, 0.06], [0.06, 0.06, 0.06, 0.06], False),  # every frame a little
        ([0.02, 0.09, 0.02, 0.03], [0.02, 0.02, 0.02, 0.03], False),  # one frame not drawn as planned
        ([0.02, np.nan, 0.02, 0.03], [0.02, 0.03, 0.02, 0.03], False),  # one frame without a reading
    ],
)
def test_the_opening_keeps_its_bars_at_every_frame(drawn: list[float], planned: list[float], kept: bool) -> None:
    truth = np.array([0.02, 0.02, 0.02, 0.03])
    assert sample_opening.holds(np.array(drawn), np.array(planned), truth) is kept
