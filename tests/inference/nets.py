"""Generators with Wav2Lip's interface whose behaviour is known, made on the spot."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper


def write_net(path: Path, what: str, *, size: int = 96, batch: int | str = "batch") -> Path:
    """A net that gives the face back as it is ("same"), all black ("black"), or as grey as its sound is loud ("loud").

    "loud" maps the mean of the mel window from -4..4 to 0..1.
    """
    face = helper.make_tensor_value_info("video_frames", TensorProto.FLOAT, [batch, 6, size, size])
    mel = helper.make_tensor_value_info("mel_spectrogram", TensorProto.FLOAT, [batch, 1, 80, 16])
    made = helper.make_tensor_value_info("frames", TensorProto.FLOAT, [batch, 3, size, size])
    numbers = {"start": [3], "end": [6], "axis": [1]}
    constants = [helper.make_tensor(name, TensorProto.INT64, [1], value) for name, value in numbers.items()]
    constants += [helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in _FLOATS.items()]
    graph = helper.make_graph(_NODES[what], what, [mel, face], [made], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


_FLOATS = {"zero": 0.0, "half": 0.5, "eighth": 0.125}
_KNOWN = helper.make_node("Slice", ["video_frames", "start", "end", "axis"], ["known"])
_BLACK = helper.make_node("Mul", ["known", "zero"], ["black"])
_NODES = {
    "same": [_KNOWN, helper.make_node("Identity", ["known"], ["frames"])],
    "black": [_KNOWN, helper.make_node("Mul", ["known", "zero"], ["frames"])],
    "loud": [
        _KNOWN,
        _BLACK,
        helper.make_node("ReduceMean", ["mel_spectrogram"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Mul", ["mean", "eighth"], ["scaled"]),
        helper.make_node("Add", ["scaled", "half"], ["grey"]),
        helper.make_node("Add", ["black", "grey"], ["frames"]),
    ],
}
