"""A generator's file, run by ONNX Runtime: 16 mel frames and a face with its lower half missing give a whole face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import EngineError
from .sound import BANDS, SPAN

Floats = NDArray[np.float32]

PROVIDERS = {"cpu": ["CPUExecutionProvider"], "cuda": ["CUDAExecutionProvider", "CPUExecutionProvider"]}
UNAVAILABLE = "generation_infra_service_unavailable"
SET_UP = "Tell whoever runs the studio: the page “Backends” of its documentation says what to install."
NO_CUDA = "ONNX Runtime finds no CUDA on this worker."
USUAL_SIZE = 96


class GeneratorNet:
    """Wav2Lip's interface: mel (1, 1, 80, 16) in -4..4 and picture (1, 6, S, S) in 0..1 give (1, 3, S, S) in 0..1.

    The six channels are the face with its lower half black, then the face as it is, each blue, green, red; S is 96, or
    256 for the larger variant, as the file says. Inputs are told apart by their shape, not by their names.
    """

    def __init__(self, file: Path, device: str = "cpu", threads: int = 1) -> None:
        """Raises ``EngineError`` where the file, the package or the device is missing, or the file is another net."""
        runtime = _runtime()
        if not file.is_file():
            raise EngineError(UNAVAILABLE, "The neural generator's file is not on this worker.", SET_UP)
        if device == "cuda":
            _find_cuda(runtime)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = runtime.InferenceSession(str(file), options, providers=PROVIDERS[device])
        except Exception as error:  # the runtime's own classes share no base below Exception
            raise EngineError(UNAVAILABLE, "The neural generator's file cannot be loaded.", SET_UP) from error
        if PROVIDERS[device][0] not in self._session.get_providers():  # it falls back to the processor without a word
            raise EngineError(UNAVAILABLE, NO_CUDA, SET_UP)
        self._mel, self._face, self.size = self._inputs()
        self._output = self._session.get_outputs()[0].name

    def _inputs(self) -> tuple[str, str, int]:
        """Names of both inputs and the side of the picture."""
        mel = face = None
        size = USUAL_SIZE
        for one in self._session.get_inputs():
            shape = one.shape
            if len(shape) == 4 and list(shape[2:]) == [BANDS, SPAN]:
                mel = one.name
            elif len(shape) == 4 and shape[1] == 6:
                face = one.name
                size = shape[2] if isinstance(shape[2], int) else USUAL_SIZE
        if mel is None or face is None:
            raise EngineError(UNAVAILABLE, "The neural generator's file does not have Wav2Lip's inputs.", SET_UP)
        return mel, face, size

    def __call__(self, mel: Floats, face: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A new face (S, S, 3) for ``mel`` (80, 16) and ``face`` (S, S, 3), both pictures blue, green, red."""
        known = face.astype(np.float32).transpose(2, 0, 1) / np.float32(255)
        masked = known.copy()
        masked[:, self.size // 2 :] = 0
        inputs: dict[str, Any] = {self._mel: mel[None, None], self._face: np.concatenate([masked, known])[None]}
        made = self._session.run([self._output], inputs)[0]
        if made.shape != (1, 3, self.size, self.size):
            raise EngineError(UNAVAILABLE, f"The neural generator gave a picture of shape {made.shape}.", SET_UP)
        picture = np.nan_to_num(np.asarray(made[0], np.float32)).transpose(1, 2, 0)
        return np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def _find_cuda(runtime: Any) -> None:
    if PROVIDERS["cuda"][0] not in runtime.get_available_providers():
        raise EngineError(UNAVAILABLE, NO_CUDA, SET_UP)
    runtime.preload_dlls()  # CUDA and cuDNN where pip put them; else the system's are looked for


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineError(UNAVAILABLE, "ONNX Runtime is not installed on this worker.", SET_UP) from error
    return onnxruntime
