"""A LiteRT net with one picture in and named tensors out."""

from __future__ import annotations

import math

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Net:
    """Runs one .tflite model given as bytes; not safe to share between threads."""

    def __init__(self, content: bytes, threads: int = 1) -> None:
        self._interpreter = Interpreter(model_content=content, num_threads=threads)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.tensor(self._interpreter.get_input_details()[0]["index"])
        self._outputs = [detail["index"] for detail in self._interpreter.get_output_details()]

    def __call__(self, patch: Floats) -> list[Floats]:
        """All outputs for one patch (S, S, 3), in the model's order."""
        np.copyto(self._input()[0], patch)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]


def sigmoid(value: float) -> float:
    """Logistic function; the argument is held within ±80 so that it never overflows."""
    return 1.0 / (1.0 + math.exp(-max(-80.0, min(80.0, value))))
