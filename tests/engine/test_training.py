"""The training command, end to end on the project's own talking portrait, and the shipped readout on real mouths."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from apps.inference.engine.face.canonical import canonicalise
from apps.inference.engine.face.mouth_params import APERTURE, LOWER_LIP, mouth_params
from apps.inference.engine.face.tracker import FaceTracker
from apps.inference.engine.media.audio import read_mono
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.sample import Sample
from apps.inference.engine.speech.analysis import SpeechReader
from apps.inference.engine.speech.offset import estimate_offset
from apps.inference.engine.speech.readout import load_readout
from apps.inference.engine.speech.training.__main__ import main

MODELS = Path(settings.MODELS_DIR)


def test_a_folder_of_clips_becomes_a_readout(short_sample: Sample, tmp_path, capsys):
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("ada_1.mp4", "ada_2.mp4", "bo.mp4"):
        shutil.copy(short_sample.video, folder / name)
    (folder / "broken.mp4").write_bytes(b"no film")
    output = tmp_path / "own.npz"
    options = ["--models", str(MODELS), "--without-encoder", "--sound-late", "0", "-o", str(output)]
    assert main([str(folder), *options]) == 0
    said = capsys.readouterr().out
    assert "ada_1.mp4: speaker ada" in said
    assert "bo.mp4: speaker bo" in said
    assert "broken.mp4: left out." in said
    assert "That is little" in said
    assert "Agreement with speakers left out" in said
    facts = load_readout(output).facts
    assert (facts["clips"], facts["speakers"]) == (3, 2)
    # The clips are copies of one, so the speaker left out is known all the same.
    assert facts["left_out"][APERTURE] > 0.8


def test_a_folder_without_clips_is_refused_in_plain_words(tmp_path, capsys):
    assert main([str(tmp_path), "--models", str(MODELS), "-o", str(tmp_path / "own.npz")]) == 1
    assert "can be learnt from" in capsys.readouterr().err
    assert not (tmp_path / "own.npz").exists()


def test_too_little_speech_is_said(short_sample: Sample, tmp_path, capsys):
    folder = tmp_path / "clips"
    folder.mkdir()
    shutil.copy(short_sample.video, folder / "ada_1.mp4")
    assert main([str(folder), "--models", str(MODELS), "--sound-late", "0", "-o", str(tmp_path / "own.npz")]) == 1
    said = capsys.readouterr()
    assert "s of speech; at least 5 s are needed." in said.err
    assert not (tmp_path / "own.npz").exists()


@pytest.mark.media
def test_the_shipped_readout_follows_a_real_mouth_it_has_never_seen(sample_media: Path):
    """A generated woman whose clip was not trained on: .70 with the 468-point mesh; the wrong sound stays near zero."""
    clip = sample_media / "video" / "p11_generated_woman_pip_512.mp4"
    tracker, rows, times = FaceTracker(MODELS), [], []
    with VideoReader(clip) as reader:
        for frame in reader:
            if frame.time >= 8:
                break
            rows.append(tracker.track(frame.yuv))
            times.append(frame.time)
    params, at = mouth_params(canonicalise(np.stack(rows)).shapes), np.array(times)
    own = SpeechReader(MODELS).read(read_mono(clip, limit_s=8.5))
    offset = estimate_offset(own, at, params)
    assert offset.is_trusted
    assert abs(offset.seconds) < 0.05
    predicted = own.mouth_at(at + offset.seconds)
    for column in (APERTURE, LOWER_LIP):
        assert np.corrcoef(predicted[:, column], params[:, column])[0, 1] > 0.55
    other = SpeechReader(MODELS).read(read_mono(sample_media / "audio" / "pa1_speech_16k_mono.wav", limit_s=8.5))
    assert not estimate_offset(other, at, params).is_trusted
    assert np.corrcoef(other.mouth_at(at)[:, APERTURE], params[:, APERTURE])[0, 1] < 0.3
