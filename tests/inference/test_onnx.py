"""The backend onnx on a talking portrait the engine makes itself, with nets whose behaviour is known."""

from dataclasses import replace

import numpy as np
import pytest

from apps.inference.backends import Piece, Render, registry
from apps.inference.backends.onnx import OnnxBackend
from apps.inference.engine import MotionPlan
from apps.inference.engine.errors import EngineError
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.sample.make import SampleFormat, make_sample
from tests.factories import write_audio
from tests.inference.nets import write_net


class Watch:
    def progress(self, stage: str, done: int, total: int) -> None: ...

    def cancelled(self) -> bool:
        return False


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A sample of 1.2 s with its analyses, made once: (job, footage, speech)."""
    from django.conf import settings

    folder = tmp_path_factory.mktemp("onnx")
    sample = make_sample(folder / "sample", settings.MODELS_DIR, SampleFormat(size=200, seconds=1.2))
    backend = registry.load("native")
    job = Render(sample.video, sample.new_line, "lipsync-1.9.0-beta", "cut_off", {})
    footage, speech = folder / "footage", folder / "speech"
    parts = {}
    for name in backend.footage_parts(sample.video):
        parts[name] = folder / f"part-{name}"
        parts[name].mkdir()
        backend.analyse_footage(sample.video, name, parts[name], Watch())
    for path in (footage, speech):
        path.mkdir()
    backend.join_footage(sample.video, parts, footage, Watch())
    backend.analyse_speech(sample.new_line, speech, Watch())
    return job, footage, speech


@pytest.fixture
def backend_of(settings, tmp_path):
    """``backend_of("black")`` gives the backend with that net."""

    def make(what: str, **shape) -> OnnxBackend:
        settings.ONNX_FILE = str(write_net(tmp_path / f"{what}.onnx", what, **shape))
        return OnnxBackend()

    return make


def film(backend, prepared, folder) -> tuple[list[np.ndarray], MotionPlan]:
    """Rendered frames (I420) of the whole film."""
    job, footage, speech = prepared
    plan, piece = folder / f"plan-{backend.version}", folder / f"piece-{backend.version}"
    for path in (plan, piece):
        path.mkdir()
    split = backend.plan(job, footage, speech, plan, Watch())
    whole = Piece(0, split.frames)
    backend.render(job, footage, plan, whole, piece, Watch())
    out = folder / f"{backend.version}.mp4"
    outcome = backend.assemble(job, plan, [(whole, piece)], out, Watch())
    assert outcome.report["frames"] == split.frames
    with VideoReader(out) as reader:
        return [frame.yuv.copy() for frame in reader], MotionPlan.load(plan)


def test_mouths_come_from_the_net_and_the_rest_from_the_film(backend_of, prepared, tmp_path):
    same, plan = film(backend_of("same"), prepared, tmp_path)
    black, _ = film(backend_of("black", size=256), prepared, tmp_path)
    with VideoReader(prepared[0].video) as reader:
        original = [frame.yuv.copy() for frame in reader]
    assert plan.driven.any()
    height = plan.size[1]
    for index in np.flatnonzero(plan.driven & (plan.strength > 0.9)):
        source = original[plan.source[index]].astype(float)[:height]
        lips = plan.own[plan.source[index]].mean(0).astype(int)
        # A net that gives its input back changes next to nothing, one that paints black is seen, and neither
        # reaches the upper third of the picture.
        assert np.abs(same[index][:height] - source).mean() < 2.5
        assert black[index][lips[1], lips[0]] < source[lips[1], lips[0]] - 50
        assert np.abs(black[index][: height // 4] - source[: height // 4]).mean() < 2.5
    for index in np.flatnonzero(~plan.driven):
        assert np.abs(black[index][:height] - original[plan.source[index]].astype(float)[:height]).mean() < 2.5


def test_a_piece_is_made_from_the_sound_its_net_hears(backend_of, prepared, tmp_path):
    backend, (job, footage, speech) = backend_of("same"), prepared
    backend.plan(job, footage, speech, tmp_path, Watch())
    motion = MotionPlan.load(tmp_path)
    same, other = (
        backend.made_from(one, motion, tmp_path)(0, 20)
        for one in (job, replace(job, audio=write_audio(tmp_path / "tone.wav")))
    )
    assert same == backend.made_from(job, motion, tmp_path)(0, 20) != other


def test_pieces_of_one_net_are_not_taken_for_anothers(backend_of, settings):
    versions = {backend_of(what).version for what in ("same", "black")}
    settings.ONNX_FILE = "/nowhere/net.onnx"
    versions.add(OnnxBackend().version)
    assert len(versions) == 3


def test_a_card_has_its_own_queue(settings):
    assert OnnxBackend().queue == "cpu"
    settings.ONNX_DEVICE = "cuda"
    assert OnnxBackend().queue == "gpu"


def test_a_missing_file_is_said_before_anything_is_drawn(settings, prepared, tmp_path):
    settings.ONNX_FILE = "/nowhere/net.onnx"
    job, footage, speech = prepared
    with pytest.raises(EngineError, match="not on this worker") as missing:
        OnnxBackend().plan(job, footage, speech, tmp_path, Watch())
    assert "/nowhere" not in str(missing.value)  # people need not know the machine's folders


def test_it_is_chosen_by_its_name(settings, backend_of):
    backend_of("same")
    settings.INFERENCE_BACKENDS = {"lipsync-2": "onnx"}
    registry.load.cache_clear()
    try:
        assert isinstance(registry.backend_for("lipsync-2"), OnnxBackend)
        assert registry.backend_for("sync-3").name == "native"
    finally:
        registry.load.cache_clear()
