"""Sound and picture to the frame: what the engine's clock says on footage whose truth is known."""

from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from apps.inference.engine.face.tracker import FaceTracker
from apps.inference.engine.faces_in_time import FaceTrack, follow_face
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.sample.articulation import mouth_motion
from apps.inference.engine.sample.lines import FOLDER, NEW_LINE, OWN_LINE, load_line
from apps.inference.engine.speech.analysis import SpeechAnalysis, analyse_speech
from apps.inference.engine.speech.offset import estimate_offset

FRAME_S = 0.04


def models() -> Path:
    return Path(settings.MODELS_DIR)


@pytest.fixture(scope="module")
def seen(short_sample) -> tuple[np.ndarray, FaceTrack]:
    tracker, times, rows = FaceTracker(models()), [], []
    with VideoReader(short_sample.video) as reader:
        for frame in reader:
            times.append(frame.time)
            rows.append(tracker.track(frame.yuv))
    return np.array(times), follow_face(np.stack(rows), np.array(times), np.zeros(len(times), np.int64))


@pytest.fixture(scope="module")
def heard(short_sample) -> SpeechAnalysis:
    return analyse_speech(short_sample.video, None, models())


def test_true_footage_reads_as_in_time(seen, heard) -> None:
    times, track = seen
    found = estimate_offset(heard, times, track.params)
    assert abs(found.seconds) < FRAME_S / 2
    assert found.is_trusted


@pytest.mark.parametrize("late_s", [-0.12, -0.04, 0.08, 0.16])
def test_moved_sound_is_found_to_half_a_frame(late_s: float, seen, heard) -> None:
    """Sound that comes ``late_s`` after its picture, as if the picture had been taken that much earlier."""
    times, track = seen
    inside = (times - late_s > 0) & (times - late_s < 3)
    found = estimate_offset(heard, times[inside] - late_s, track.params[inside])
    assert found.seconds == pytest.approx(late_s, abs=FRAME_S / 2)


@pytest.mark.parametrize("name", [OWN_LINE, NEW_LINE])
def test_readout_opens_the_mouth_when_it_really_opens(name: str) -> None:
    """Prediction against truth, no picture involved: best within 20 ms of no lag; closures told from the rest."""
    line = load_line(name)
    speech = analyse_speech(FOLDER / f"{name}.flac", None, models())
    times = np.arange(0.2, line.duration_s - 0.2, 0.02)
    wanted = speech.mouth_at(times)[:, 0]
    lags = np.arange(-0.12, 0.121, 0.02)
    scores = [
        np.corrcoef(wanted, mouth_motion(line.phones, line.duration_s, times - lag).aperture)[0, 1] for lag in lags
    ]
    assert abs(lags[int(np.argmax(scores))]) < 0.021, scores
    assert max(scores) > 0.5
    spoken = (times > line.phones[0].start_s) & (times < line.phones[-1].end_s)
    shut = mouth_motion(line.phones, line.duration_s, times).aperture < 0.003
    closed = np.interp(times, np.arange(len(speech.closed)) * 0.02, speech.closed)
    ranked = np.mean(closed[shut & spoken][:, None] > closed[~shut & spoken][None])
    assert ranked > 0.7
