"""The whole run on the project's own talking sample, whose true mouth is known."""

from pathlib import Path

import numpy as np
import pytest
from django.conf import settings as studio

from apps.inference import engine
from apps.inference.engine.analysis import OWN_SOUND
from apps.inference.engine.media.probe import probe_media
from apps.inference.engine.progress import STAGES

from .tiny_media import write_wav

pytestmark = pytest.mark.filterwarnings("ignore")


def run(sample, tmp_path, model, **options):
    return engine.lipsync(
        sample.video, options.pop("audio", sample.new_line), tmp_path / "out.mp4", engine.EngineSettings(model=model),
        models=Path(studio.MODELS_DIR), **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def result(short_sample, tmp_path_factory):
    calls = []
    folder = tmp_path_factory.mktemp("run")
    report = run(short_sample, folder, "lipsync-2", progress=lambda *step: calls.append(step), workdir=folder / "work")
    return report, calls, folder


def test_the_film_has_the_length_rate_and_size_of_the_footage(short_sample, result):
    report, _, folder = result
    before, after = probe_media(short_sample.video), probe_media(folder / "out.mp4")
    assert (after.width, after.height, after.fps) == (before.width, before.height, before.fps)
    assert (after.vcodec, after.acodec, report.frames) == ("h264", "aac", after.frame_count)
    assert report.driven_frames == report.frames
    assert not report.passed


def test_the_picture_follows_the_plan(result):
    report, _, _ = result
    assert report.agreement > 0.8
    assert abs(report.median_offset_ms) <= 40


def test_stages_come_in_order_and_end_complete(result):
    _, calls, _ = result
    order = list(dict.fromkeys(stage for stage, _, _ in calls))
    assert order == list(STAGES)
    last = {stage: (done, total) for stage, done, total in calls}
    assert all(
        done == total for stage, (done, total) in last.items() if stage in ("read", "lipsync", "assemble", "proof")
    )


def test_what_was_seen_while_drawing_is_what_the_finished_film_shows(result):
    report, _, folder = result
    again = engine.measure(folder / "out.mp4", engine.MotionPlan.load(folder / "work"), models=Path(studio.MODELS_DIR))
    assert (again.agreement, again.per_second, again.gates) == (report.agreement, report.per_second, report.gates)


def test_the_report_is_plain_data(result):
    import json

    report, _, _ = result
    values = json.loads(json.dumps(report.to_dict()))
    assert values["model"] == "lipsync-2"
    assert set(values["timings_s"]) == set(STAGES)
    assert len(values["per_second"]) == int(np.ceil(report.duration_s))


def test_the_mouth_rests_where_nobody_speaks(short_sample, result, tmp_path):
    """Half a second of silence is put in front: the planned mouth is closed there."""
    from apps.inference.engine.media.audio import read_mono

    _, _, folder = result
    quiet = np.concatenate([np.zeros(12000, np.float32), read_mono(short_sample.new_line)])
    footage = engine.FootageAnalysis.load(folder / "work")
    speech = engine.analyse_speech(write_wav(tmp_path / "q.wav", quiet), tmp_path, Path(studio.MODELS_DIR))
    plan = engine.plan_motion(footage, speech, engine.EngineSettings(), tmp_path)
    silent, spoken = plan.params[:12, 0], plan.params[20:, 0]
    assert silent.max() < np.percentile(spoken, 40)


def test_a_run_can_be_cancelled_and_leaves_no_film(short_sample, tmp_path):
    with pytest.raises(engine.Cancelled) as stop:
        run(short_sample, tmp_path, "sync-3", cancelled=lambda: True)
    assert stop.value.code == "generation_cancelled"
    assert not list(tmp_path.glob("out*"))


def test_a_model_that_learns_no_voice_does_not_listen_to_the_footage(short_sample, result, tmp_path):
    run(short_sample, tmp_path, "lipsync-1.9.0-beta", workdir=tmp_path)
    _, _, folder = result
    assert (folder / "work" / OWN_SOUND).is_dir()
    assert not (tmp_path / OWN_SOUND).exists()


def test_silent_sound_is_refused(short_sample, tmp_path):
    silence = write_wav(tmp_path / "silence.wav", np.zeros(16000, np.float32))
    with pytest.raises(engine.EngineError) as refusal:
        run(short_sample, tmp_path, "lipsync-2", audio=silence)
    assert refusal.value.code == "generation_input_audio_silent"


def test_a_picture_talks_with_sync_3_and_is_refused_by_the_others(short_sample, tmp_path):
    import av

    with av.open(str(short_sample.video)) as container:
        next(container.decode(video=0)).to_image().save(tmp_path / "still.png")
    models = Path(studio.MODELS_DIR)
    footage = engine.analyse_footage(tmp_path / "still.png", tmp_path / "f", models=models)
    speech = engine.analyse_speech(short_sample.new_line, tmp_path / "s", models)
    plan = engine.plan_motion(footage, speech, engine.EngineSettings(model="sync-3"), tmp_path / "p")
    assert (plan.interior, bool(plan.driven.all())) == ("painted", True)
    assert plan.duration_s == pytest.approx(speech.duration_s, abs=0.05)
    with pytest.raises(engine.EngineError) as refusal:
        engine.plan_motion(footage, speech, engine.EngineSettings(model="lipsync-2"), tmp_path / "p")
    assert refusal.value.code == "generation_input_video_invalid"
