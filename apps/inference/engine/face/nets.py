"""A LiteRT net with one picture in and named tensors out."""

from __future__ import annotations

import math

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Net:
    """Runs one .tflite model given as bytes; not safe to share between threads.

    Black is ``black`` to it, white 1.
    """

    def __init__(self, content: bytes, threads: int = 1, black: float = 0.0) -> None:
        self._interpreter = Interpreter(model_content=content, num_threads=threads)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.tensor(self._interpreter.get_input_details()[0]["index"])
        self._outputs = [detail["index"] for detail in self._interpreter.get_output_details()]
        self._black, self._white = np.float32(black), np.float32(1)

    def __call__(self, patch: Floats) -> list[Floats]:
        """All outputs for one RGB patch (S, S, 3) in 0..1, in the model's order."""
        np.multiply(patch, self._white - self._black, out=self._input()[0])  # into the net's own memory
        if self._black:
            np.add(self._input(), self._black, out=self._input())
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]


def sigmoid(value: float) -> float:
    """Logistic function; the argument is held within ±80 so that it never overflows."""
    return 1.0 / (1.0 + math.exp(-max(-80.0, min(80.0, value))))
