"""A neural generator that the owner supplies, with everything around it the engine's own."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from django.conf import settings

from apps.inference import engine
from apps.inference.backends.base import Piece, Render, Split, Watching
from apps.inference.backends.native import NativeBackend, engine_segments
from apps.inference.engine.generator.faces import Generated
from apps.inference.engine.generator.net import GeneratorNet
from apps.inference.engine.generator.sound import film_sound, mel_of, window_at
from apps.inference.engine.pieces import Painter
from apps.inference.engine.plan import MotionPlan
from apps.inference.engine.segments import MAIN

MEL = "mel.npy"
QUEUES = {"cpu": "cpu", "cuda": "gpu"}


class OnnxBackend(NativeBackend):
    """The engine with another painter: faces are cropped and laid back by the engine, mouths made by the file."""

    name = "onnx"

    def __init__(self) -> None:
        super().__init__()
        self.file, self.device = Path(settings.ONNX_FILE), settings.ONNX_DEVICE
        self.queue = QUEUES[self.device]
        # Pieces drawn by one net must not be taken for those of another.
        self.version = f"{engine.ENGINE_VERSION}-{_digest(self.file)}"
        self._net: GeneratorNet | None = None

    def plan(
        self, job: Render, footage: Path, speech: Path, into: Path, watch: Watching, earlier: Sequence[Piece] = ()
    ) -> Split:
        if self.device == "cpu":
            self._loaded()  # what is missing is said before anything is drawn; a cpu worker may have no card to try
        return super().plan(job, footage, speech, into, watch, earlier)

    def made_from(self, job: Render, motion: MotionPlan, into: Path) -> Callable[[int, int], str]:
        """The net hears the sound itself, so that decides the pictures too."""
        files = {one.sound(index): one.audio for index, one in enumerate(engine_segments(job)) if one.audio}
        mel = mel_of(film_sound(motion.sound, {MAIN: job.audio, **files}, motion.duration_s))
        np.save(into / MEL, mel)

        def digest(first: int, last: int) -> str:
            heard = hashlib.sha256(motion.fingerprint(first, last).encode())
            for index in first + np.flatnonzero(motion.anybody_driven[first:last]):
                heard.update(window_at(mel, float(motion.times[index])).tobytes())
            return heard.hexdigest()

        return digest

    def painter(self, plan: Path) -> Painter:
        return Generated(self._loaded(), np.load(plan / MEL, mmap_mode="r")).painter()

    def _loaded(self) -> GeneratorNet:
        """The net, loaded where it is first used: a process that has loaded it cannot be forked into workers."""
        if self._net is None:
            self._net = GeneratorNet(self.file, self.device)
        return self._net


def _digest(file: Path) -> str:
    if not file.is_file():
        return "missing"
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:12]
