"""A net of Wav2Lip's interface and about its size, with random weights: it draws nonsense at the price of a real one.

Encoder of the face, encoder of the sound, decoder with what the encoder saw at each size joined in (Prajwal et al., "A
lip sync expert is all you need", 2020). Weights have the variance that keeps a signal's strength through layers with a
rectifier (He et al., 2015), so that differences of arithmetic are not lost in zeros.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Channels and further layers of the same size after each halving of the picture.
DOWN = ((32, 2), (64, 3), (128, 2), (256, 2), (512, 1))
FIRST, DEEPEST = 16, 512
SOUND = ((32, (1, 1), 2), (64, (3, 1), 2), (128, (3, 3), 2), (256, (3, 2), 1))  # channels, step, further layers


@dataclass
class Graph:
    """Nodes and weights as they are added."""

    chance: np.random.Generator
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, kind: str, inputs: list[str], **attributes: object) -> str:
        """One more node; its output's name."""
        name = f"{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def weight(self, shape: tuple[int, ...], fan: int) -> str:
        """A random tensor of this shape."""
        name = f"w{len(self.weights)}"
        values = self.chance.normal(0, np.sqrt(2 / fan), shape).astype(np.float32)
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def conv(
        self, data: str, into: tuple[int, int], side: int = 3, step: tuple[int, int] = (1, 1), edge: int | None = None
    ) -> str:
        """Convolution and rectifier from ``into[0]`` to ``into[1]`` channels."""
        before, after = into
        pads = [side // 2 if edge is None else edge] * 4
        made = self.add(
            "Conv", [data, self.weight((after, before, side, side), before * side * side)], strides=step, pads=pads
        )
        return self.add("Relu", [made])

    def up(self, data: str, into: tuple[int, int]) -> str:
        """Twice the size."""
        before, after = into
        weight = self.weight((before, after, 3, 3), before * 9 // 4)
        attributes = {"strides": (2, 2), "pads": [1] * 4, "output_padding": [1, 1]}
        return self.add("Relu", [self.add("ConvTranspose", [data, weight], **attributes)])


def write_generator(folder: Path, side: int, seed: int = 1) -> Path:
    """A net for faces of ``side`` pixels (a multiple of 32) as an ONNX file in ``folder``."""
    graph = Graph(np.random.default_rng(seed))
    made = _net(graph, side)
    face = helper.make_tensor_value_info("face", TensorProto.FLOAT, ["batch", 6, side, side])
    mel = helper.make_tensor_value_info("mel", TensorProto.FLOAT, ["batch", 1, 80, 16])
    out = helper.make_tensor_value_info(made, TensorProto.FLOAT, ["batch", 3, side, side])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "generator", [mel, face], [out], graph.weights),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.checker.check_model(model)
    path = folder / f"random-{side}.onnx"
    onnx.save(model, str(path))
    return path


def _net(graph: Graph, side: int) -> str:
    seen, last = [(graph.conv("face", (6, FIRST), 7), FIRST)], FIRST
    for channels, further in DOWN:
        data = graph.conv(seen[-1][0], (last, channels), step=(2, 2))
        for _ in range(further):
            data = graph.conv(data, (channels, channels))
        seen.append((data, channels))
        last = channels
    bottom = graph.conv(seen[-1][0], (last, DEEPEST), side // 32, edge=0)
    data = graph.add("Concat", [bottom, _heard(graph)], axis=1)
    data = graph.add("Resize", [data, "", _scales(graph, side // 32)], mode="nearest")
    data = graph.conv(data, (2 * DEEPEST, DEEPEST))
    last = DEEPEST
    for number, (skip, channels) in enumerate(reversed(seen)):
        data = graph.add("Concat", [data, skip], axis=1)
        if number == len(seen) - 1:
            data = graph.conv(data, (last + channels, 32))
            break
        smaller = seen[len(seen) - 2 - number][1]
        data = graph.conv(graph.up(data, (last + channels, 2 * smaller)), (2 * smaller, 2 * smaller))
        last = 2 * smaller
    picture = graph.add("Conv", [data, graph.weight((3, 32, 1, 1), 32)])
    return graph.add("Sigmoid", [picture])


def _heard(graph: Graph) -> str:
    """The sound as (batch, 512, 1, 1)."""
    data, last = graph.conv("mel", (1, 32)), 32
    for channels, step, further in SOUND:
        data = graph.conv(data, (last, channels), step=step)
        for _ in range(further):
            data = graph.conv(data, (channels, channels))
        last = channels
    return graph.conv(graph.add("GlobalAveragePool", [data]), (last, DEEPEST), 1)


def _scales(graph: Graph, times: int) -> str:
    graph.weights.append(numpy_helper.from_array(np.array([1, 1, times, times], np.float32), "scales"))
    return "scales"
