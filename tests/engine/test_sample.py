"""The project's own talking sample: what it claims about itself is true."""

import hashlib
import itertools
import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from apps.inference.engine.errors import EngineError
from apps.inference.engine.face.landmarks import APERTURE_PAIRS, EYE_CORNERS
from apps.inference.engine.face.tracker import FaceTracker
from apps.inference.engine.sample import SampleFormat, make_sample
from apps.inference.engine.sample.articulation import LIP_CLOSURES, closures, mouth_motion
from apps.inference.engine.sample.lines import NEW_LINE, OWN_LINE, RATE, Phone, load_line
from apps.inference.engine.sample.mouth import Mouth, MouthPose
from apps.inference.engine.sample.portrait import load_portrait

TINY = SampleFormat(size=160, seconds=0.6)


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def sound(path: Path) -> tuple[np.ndarray, float, int]:
    """Samples, time of the first, rate."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    start = float(frames[0].pts * frames[0].time_base)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]), start, frames[0].sample_rate


@pytest.mark.parametrize("name", [OWN_LINE, NEW_LINE])
def test_phones_follow_one_another_inside_the_recording(name: str) -> None:
    line = load_line(name)
    starts = [phone.start_s for phone in line.phones]
    assert starts == sorted(starts)
    assert line.phones[-1].end_s < line.duration_s
    for phone, following in zip(line.phones, line.phones[1:], strict=False):
        assert phone.start_s < phone.end_s <= following.start_s
        if phone.release_s is not None:
            assert phone.start_s < phone.release_s <= phone.end_s


@pytest.mark.parametrize("name", [OWN_LINE, NEW_LINE])
def test_phone_times_agree_with_the_sound(name: str) -> None:
    """Where the table says nobody speaks it is quiet; a voiceless stop is quieter before its burst than just after."""
    line = load_line(name)

    def level(start_s: float, end_s: float) -> float:
        part = line.samples[round(start_s * RATE) : round(end_s * RATE)]
        return 10 * np.log10(float(np.mean(part**2)) + 1e-12)

    speech = level(line.phones[0].start_s, line.phones[-1].end_s)
    spoken = [line.phones[0].start_s, *[p.end_s for p in line.phones]]
    begins = [*[p.start_s for p in line.phones], line.duration_s]
    pauses = [(a, b) for a, b in zip(spoken, begins, strict=True) if b - a > 0.25]
    assert pauses
    assert all(level(a + 0.06, b - 0.06) < speech - 30 for a, b in pauses)
    bursts = [p for p in line.phones if p.name in ("P", "T", "K") and p.release_s and p.release_s - p.start_s > 0.03]
    rises = [
        level(p.release_s - 0.003, p.release_s + 0.012) - level(p.start_s + 0.01, p.release_s - 0.008) for p in bursts
    ]
    assert len(bursts) >= 5
    assert np.mean(np.array(rises) > 3) >= 0.8, rises


@pytest.mark.parametrize("name", [OWN_LINE, NEW_LINE])
def test_lips_are_shut_at_every_p_b_m_and_apart_at_open_vowels(name: str) -> None:
    line = load_line(name)
    for start, end in closures(line.phones):
        inside = mouth_motion(line.phones, line.duration_s, np.linspace(start, end, 5))
        assert float(inside.aperture.max()) < 1e-6
    openest = [
        mouth_motion(line.phones, line.duration_s, np.linspace(phone.start_s, phone.end_s, 9)).aperture.max()
        for phone in line.phones
        if phone.name in ("AA", "AE", "AY", "AW") and phone.stress
    ]
    assert min(openest) > 0.05
    assert {phone.name for phone in line.phones} >= LIP_CLOSURES


def test_mouth_rests_shut_before_and_after_speech() -> None:
    line = load_line(OWN_LINE)
    ends = mouth_motion(line.phones, line.duration_s, np.array([0.0, 0.1, line.duration_s - 0.1, line.duration_s]))
    assert float(ends.aperture.max()) < 1e-3


def test_neighbouring_phones_colour_one_another() -> None:
    """An S before W is already narrower than an S before IY."""
    times = np.array([0.45])

    def narrowing(vowel: str) -> float:
        phones = [Phone("S", 0, 0.40, 0.50), Phone(vowel, 1, 0.50, 0.70)]
        return float(mouth_motion(phones, 1.0, times).narrowing[0])

    assert narrowing("W") > narrowing("IY") + 0.005


def test_drawn_opening_is_the_one_asked_for(models_dir: Path) -> None:
    """Count the rows of the dark and the teeth between the lips: they grow by what the pose says."""
    portrait = load_portrait(models_dir, 640)
    mouth = Mouth(portrait)
    shut, x = mouth.draw(MouthPose(0.0, 0.0, 0.0)), round(float(portrait.points([(223.5, 143.0)])[0][0]))
    rows = slice(*np.round(portrait.points([(223.5, 138.0), (223.5, 170.0)])[:, 1]).astype(int))

    def seam_to_lip(aperture: float) -> float:
        """Rows between the lips in the middle column: nearly black there or white and colourless (teeth)."""
        column = mouth.draw(MouthPose(aperture, 0.0, 0.0))[rows, x]
        light, colour = column.mean(1), column.max(1) - column.min(1)
        return float(np.sum((light < 75) | ((light > 120) & (colour < 0.22 * light))))

    skin = shut[rows, x]
    assert float(skin.mean(1).min()) > 75, "closed lips show a gap"
    for aperture in (0.08, 0.12, 0.16):
        asked = aperture * portrait.eye_distance
        assert seam_to_lip(aperture) == pytest.approx(asked, abs=0.015 * portrait.eye_distance + 2)


def test_the_same_sample_every_time(tmp_path: Path, models_dir: Path) -> None:
    digests = []
    for name in ("first", "second"):
        made = make_sample(tmp_path / name, models_dir, TINY)
        digests.append(
            [hashlib.sha256(path.read_bytes()).hexdigest() for path in (made.video, made.new_line, made.truth)]
        )
    assert digests[0] == digests[1]


def test_sound_starts_with_the_picture_and_is_the_line(short_sample) -> None:
    samples, start_s, rate = sound(short_sample.video)
    with av.open(str(short_sample.video)) as container:
        first = next(container.decode(video=0))
        assert float(first.pts * first.time_base) == 0.0
        assert float(container.streams.video[0].duration * container.streams.video[0].time_base) == pytest.approx(3.0)
    line = short_sample.own.samples
    at = np.arange(len(line)) * rate / RATE
    decoded = np.interp(at, np.arange(len(samples)) + start_s * rate, samples)
    spectrum = np.fft.rfft(decoded, 2 * len(line)) * np.conj(np.fft.rfft(line, 2 * len(line)))
    lag = int(np.argmax(np.fft.irfft(spectrum)))
    assert lag == 0
    assert len(samples) >= 3.0 * rate - 1


def test_truth_names_every_frame_and_phone(short_sample) -> None:
    truth = json.loads(short_sample.truth.read_text())
    frames = pictures(short_sample.video)
    assert len(frames) == 75 == len(truth["frames"]["aperture"])
    assert frames[0].shape == (320, 320, 3)
    assert truth["frames"]["times_s"] == pytest.approx(np.arange(75) / 25)
    assert truth["lines"][OWN_LINE]["phones"][0]["name"] == "DH"
    assert truth["lines"][OWN_LINE]["closures_s"]


def test_tracker_sees_the_true_opening_without_delay(short_sample, models_dir: Path) -> None:
    tracker = FaceTracker(models_dir)
    seen = []
    for picture in pictures(short_sample.video):
        points = tracker.track(picture)
        assert points is not None
        eyes = np.linalg.norm(points[EYE_CORNERS[0]] - points[EYE_CORNERS[1]])
        seen.append(np.mean([np.linalg.norm(points[a] - points[b]) for a, b in APERTURE_PAIRS]) / eyes)
    true = short_sample.motion.aperture
    agreement = {
        lag: np.corrcoef(true[max(0, -lag) : len(true) - max(0, lag)], seen[max(0, lag) : len(seen) - max(0, -lag)])[
            0, 1
        ]
        for lag in range(-3, 4)
    }
    assert max(agreement, key=agreement.get) == 0, agreement
    assert agreement[0] > 0.8


def test_head_moves_and_grain_changes(short_sample) -> None:
    frames = [picture[60:150].astype(np.float32) for picture in pictures(short_sample.video)]
    grain = [float(np.abs(a - b).mean()) for a, b in itertools.pairwise(frames)]
    assert min(grain) > 0.3, "a frame repeats the one before"
    smooth = [cv2.GaussianBlur(frame, (0, 0), 3) for frame in frames]
    drift = [float(np.abs(frame - smooth[0]).mean()) for frame in smooth]
    assert max(drift) > 2.0, "the head stands still (grain alone, blurred, stays below .5)"


def test_missing_portrait_is_said(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as told:
        make_sample(tmp_path / "out", tmp_path, TINY)
    assert told.value.code == "generation_infra_storage_error"
    assert "astronaut.png" in told.value.message
