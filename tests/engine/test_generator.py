"""The neural generator's surroundings: its sound, its face, its way back into the picture; nets made on the spot."""

import sys
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from apps.inference.engine.errors import EngineError
from apps.inference.engine.generator import faces, sound
from apps.inference.engine.generator.faces import Generated, face_of, layer_of, lower_face, steady_box
from apps.inference.engine.generator.net import GeneratorNet
from apps.inference.engine.render.layers import Layer, read_box
from apps.inference.engine.segments import SoundPart
from tests.engine.synthetic import make_footage
from tests.factories import write_audio
from tests.inference.nets import write_net

RATE = 16000


def tone(hertz: float, seconds: float = 1.0, loud: float = 0.5) -> np.ndarray:
    return (loud * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


class TestSound:
    def test_eighty_frames_a_second_between_minus_four_and_four(self):
        mel = sound.mel_of(tone(440))
        assert mel.shape == (80, 81)
        assert mel.min() >= -4 and mel.max() <= 4
        assert sound.mel_of(np.zeros(RATE, np.float32)).max() == -4

    @pytest.mark.parametrize("hertz", [100, 440, 1000, 4000, 7000])
    def test_a_tone_lights_the_band_of_its_own_frequency(self, hertz):
        bins = np.arange(401) * RATE / 800
        band = int(sound.mel_of(tone(hertz))[:, 40].argmax())
        centre = float((bins * sound.mel_filters()[band]).sum() / sound.mel_filters()[band].sum())
        assert abs(centre - hertz) < max(30.0, 0.06 * hertz)

    def test_the_bands_reach_from_55_to_7600_hertz_with_unit_area(self):
        filters, bins = sound.mel_filters(), np.arange(401) * RATE / 800
        heard = bins[filters.any(0)]
        assert (heard.min(), heard.max()) == (60.0, 7580.0)
        areas = filters.sum(1) * RATE / 800
        assert areas[30:] == pytest.approx(np.ones(50), abs=0.05)  # low bands are narrower than two bins

    def test_ten_times_louder_is_a_fifth_of_the_range(self):
        quiet, loud = (sound.mel_of(tone(1000, loud=loud))[:, 40].max() for loud in (0.05, 0.5))
        assert loud - quiet == pytest.approx(8 * 20 / 100, abs=1e-3)

    def test_a_window_begins_at_the_pictures_time(self):
        mel = np.tile(np.arange(100, dtype=np.float32), (80, 1))
        assert sound.window_at(mel, 0.5)[0].tolist() == list(range(40, 56))
        assert sound.window_at(mel, 9.9)[0, -1] == 99  # the last window there is
        short = sound.window_at(mel[:, :5], 0.0)
        assert short.shape == (80, 16) and (short[:, 5:] == -4).all()

    def test_too_little_sound_is_refused(self):
        with pytest.raises(ValueError, match="50 ms"):
            sound.mel_of(np.zeros(799, np.float32))

    def test_the_films_sound_is_put_together_on_its_own_timeline(self, tmp_path):
        files = {"audio": write_audio(tmp_path / "a.wav", seconds=1.0), "segment 0": write_audio(tmp_path / "b.wav")}
        parts = [
            SoundPart("audio", 0.0, 0.5),
            SoundPart("video", 0.5, 1.0),
            SoundPart("", 1.0, 1.5),
            SoundPart("segment 0", 1.5, 2.0, from_s=0.25),
        ]
        film = sound.film_sound(parts, files, 2.5)
        loud = [
            float(np.abs(film[round(at * RATE) + 160 : round((at + 0.5) * RATE) - 160]).max())
            for at in np.arange(0, 2.5, 0.5)
        ]
        assert len(film) == 2.5 * RATE
        assert [value > 0.4 for value in loud] == [True, False, False, True, False]


class TestNet:
    @pytest.mark.parametrize("size", [96, 256])
    @pytest.mark.parametrize("batch", ["batch", 1])
    def test_the_side_follows_from_the_file(self, tmp_path, size, batch):
        net = GeneratorNet(write_net(tmp_path / "same.onnx", "same", size=size, batch=batch))
        face = np.random.default_rng(3).integers(0, 255, (size, size, 3), np.uint8)
        assert net.size == size
        assert (net(np.zeros((80, 16), np.float32), face) == face).all()

    def test_the_sound_arrives(self, tmp_path):
        net = GeneratorNet(write_net(tmp_path / "loud.onnx", "loud"))
        greys = [
            net(np.full((80, 16), level, np.float32), np.zeros((96, 96, 3), np.uint8)).mean() for level in (-4, 0, 4)
        ]
        assert greys == pytest.approx([0, 128, 255], abs=0.6)

    def test_what_is_missing_is_said(self, tmp_path, monkeypatch):
        with pytest.raises(EngineError, match="file is not on this worker") as missing:
            GeneratorNet(tmp_path / "nothing.onnx")
        assert missing.value.code == "generation_infra_service_unavailable"
        (tmp_path / "text.onnx").write_text("no net")
        with pytest.raises(EngineError, match="cannot be loaded"):
            GeneratorNet(tmp_path / "text.onnx")
        net = write_net(tmp_path / "same.onnx", "same")
        with pytest.raises(EngineError, match="no CUDA"):
            GeneratorNet(net, "cuda")
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
        with pytest.raises(EngineError, match="ONNX Runtime is not installed"):
            GeneratorNet(net)

    def test_another_kind_of_net_is_refused(self, tmp_path):
        from onnx import TensorProto, helper, save

        picture = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 96, 96])
        same = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 96, 96])
        graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [picture], [same])
        save(
            helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
            str(tmp_path / "x.onnx"),
        )
        with pytest.raises(EngineError, match="Wav2Lip's inputs"):
            GeneratorNet(tmp_path / "x.onnx")


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_card_that_cannot_be_used_is_said_though_the_package_knows_it(tmp_path, monkeypatch):
    """Without driver or libraries ONNX Runtime draws on the processor and says nothing, ten times slower."""
    import onnxruntime

    known = [*onnxruntime.get_available_providers(), "CUDAExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: known)
    with pytest.raises(EngineError, match="no CUDA"):
        GeneratorNet(write_net(tmp_path / "net.onnx", "same"), "cuda")


@pytest.fixture
def footage(tmp_path):
    return make_footage(tmp_path, 8, fps=Fraction(25))[1]


def plan_for(footage, **changes):
    count = footage.frame_count
    facts = {
        "source": np.arange(count),
        "times": np.arange(count) / 25,
        "strength": np.ones(count, np.float32),
        "object_masks": None,
        "to_canvas": None,
    }
    return SimpleNamespace(**facts | changes)


def painted(footage, net, frame=3, **changes):
    """(before, after) of one frame as I420."""
    size = footage.size
    before = np.random.default_rng(5).integers(90, 110, (size[1] * 3 // 2, size[0]), np.uint8)
    after = before.copy()
    mel = np.full((80, 100), 1.0, np.float32)
    Generated(net, mel).painter()(after, footage, plan_for(footage, **changes), frame, False)
    return before, after


class Net:
    """Stands for a loaded net."""

    size = 96

    def __init__(self, answer):
        self.answer, self.heard = answer, None

    def __call__(self, mel, face):
        self.heard = mel
        return self.answer(face)


def white(face):
    return np.full_like(face, 255)


class TestFaces:
    def test_a_face_comes_back_as_it_went(self):
        smooth = np.add.outer(np.linspace(60, 160, 96), np.linspace(0, 40, 96)).astype(np.uint8)
        layer = Layer(smooth, np.full((48, 48, 2), 120, np.uint8))
        back = layer_of(face_of(layer, 96), (96, 96))
        assert np.abs(back.luma.astype(int) - layer.luma).max() <= 2
        assert np.abs(back.chroma.astype(int) - 120).max() <= 2

    def test_only_the_lower_face_changes(self, footage):
        before, after = painted(footage, Net(white))
        box = steady_box(footage, 3, footage.size)
        changed = np.argwhere(before[: footage.size[1]] != after[: footage.size[1]])
        points = footage.landmarks[3]
        assert len(changed) > 500
        nose, chin = points[2, 1], points[152, 1]
        assert changed[:, 0].min() >= nose - 2
        assert changed[:, 0].max() <= chin + 0.5 * (chin - nose)
        assert changed[:, 1].min() >= box[0] and changed[:, 1].max() < box[0] + box[2]
        mouth = points[[13, 14], :2].mean(0).astype(int)
        assert after[mouth[1], mouth[0]] > before[mouth[1], mouth[0]] + 50

    def test_strength_eases_the_change(self, footage):
        _, full = painted(footage, Net(white))
        before, half = painted(footage, Net(white), strength=np.full(8, 0.5, np.float32))
        _, none = painted(footage, Net(white), strength=np.zeros(8, np.float32))
        mouth = footage.landmarks[3, [13, 14], :2].mean(0).astype(int)
        values = [int(picture[mouth[1], mouth[0]]) for picture in (before, half, full)]
        assert values[1] - values[0] == pytest.approx((values[2] - values[0]) / 2, abs=2)
        assert (none == before).all()

    def test_what_is_in_front_stays_in_front(self, footage):
        from apps.inference.engine.render.occlusion import CANVAS

        own = footage.landmarks[:, :, :2]
        everywhere = np.packbits(np.ones((CANVAS, CANVAS), np.uint8))
        low, high = own[3].min(0), own[3].max(0)
        to_canvas = (own[3] - low) / (high - low) * CANVAS
        masks = np.tile(everywhere, (8, 1))
        before, after = painted(footage, Net(white), object_masks=masks, to_canvas=to_canvas, own=own)
        _, free = painted(footage, Net(white))
        mouth = footage.landmarks[3, [13, 14], :2].mean(0).astype(int)
        assert after[mouth[1], mouth[0]] == before[mouth[1], mouth[0]] != free[mouth[1], mouth[0]]
        assert (before != after).sum() < 0.1 * (before != free).sum()

    def test_the_net_hears_the_frames_own_time(self, footage):
        net = Net(white)
        mel = np.tile(np.arange(100, dtype=np.float32), (80, 1))
        picture = np.full((footage.size[1] * 3 // 2, footage.size[0]), 100, np.uint8)
        Generated(net, mel).painter()(picture, footage, plan_for(footage, times=np.full(8, 0.25)), 3, False)
        assert net.heard[0, 0] == 20

    @pytest.mark.parametrize("missed", [range(10, 11), range(8, 13), range(6, 15)])
    def test_a_face_that_is_missed_for_a_moment_is_painted_where_it_was_on_its_way(self, tmp_path, missed):
        """It is driven all the same: a black square was painted, and from six frames on the take failed."""
        _, seen = make_footage(tmp_path / "seen", 20)
        _, footage = make_footage(tmp_path / "missed", 20, unseen=missed)
        _, wanted = painted(seen, Net(white), frame=10)
        _, after = painted(footage, Net(white), frame=10)
        assert np.abs(after.astype(int) - wanted).mean() < 1

    def test_a_tiny_face_is_left_alone(self, footage, monkeypatch):
        monkeypatch.setattr(faces, "SMALLEST_SIDE", 5000)
        before, after = painted(footage, Net(white))
        assert (before == after).all()

    def test_the_box_is_steadied_over_neighbours(self, footage):
        footage.landmarks[4] += 40.0
        alone = footage.landmarks[3, :, 0].min()
        assert steady_box(footage, 3, footage.size)[0] == pytest.approx(alone + 40 / 5, abs=2.5)

    def test_the_mask_ends_softly_at_the_nose(self, footage):
        points = footage.landmarks[3, :, :2].astype(np.float64)
        mask = lower_face(points, 100.0, (footage.size[1], footage.size[0]))
        nose, lip = points[2].astype(int), points[14].astype(int)
        assert mask[nose[1] - 3, nose[0]] == 0
        assert mask[lip[1], lip[0]] > 0.95
        assert read_box(np.zeros((300, 200), np.uint8), (0, 0, 16, 16)).luma.shape == (16, 16)
