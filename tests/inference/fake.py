"""An engine for tests: writes small real files, notes every call, and fails as it is told.

It runs in other processes too (a Celery worker), so it is told through a file and notes into one.
"""

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.inference.backends import Outcome, Piece, Render, Split
from apps.inference.backends.base import Watching
from apps.inference.engine.errors import Cancelled, EngineError
from tests.factories import write_video

PATH = "tests.inference.fake.FakeBackend"
FPS = 25
PIECES = (Piece(0, 10), Piece(10, 25))
PARTS = ("a", "b")


def tell(**orders) -> None:
    """Orders for the engine: ``fail_in`` a step, ``how`` (engine, disk, bug, kill), ``times``; ``wait_s`` in rendering,
    or only ``wait_in`` one step; ``made_from`` names what its two pieces are made from."""
    (Path(settings.DATA_DIR) / "fake.json").write_text(json.dumps(orders))
    (Path(settings.DATA_DIR) / "fake.log").write_text("")
    (Path(settings.DATA_DIR) / "fake.frames").write_text("")


def _orders() -> dict[str, Any]:
    return json.loads((Path(settings.DATA_DIR) / "fake.json").read_text())


def frames_drawn() -> int:
    """Frames that all renders together have drawn since the last orders."""
    return (Path(settings.DATA_DIR) / "fake.frames").stat().st_size


def calls() -> list[str]:
    """What the engine was asked to do, in order."""
    return (Path(settings.DATA_DIR) / "fake.log").read_text().split()


class FakeBackend:
    name = "fake"
    version = "1"
    queue = "cpu"

    def footage_parts(self, video: Path) -> Sequence[str]:
        return PARTS

    def analyse_footage(self, video: Path, part: str, into: Path, watch: Watching) -> None:
        self._step(f"footage-{part}", watch, "read")
        (into / "seen.txt").write_text(part)

    def join_footage(self, video: Path, parts: Mapping[str, Path], into: Path, watch: Watching) -> None:
        assert {name: (folder / "seen.txt").read_text() for name, folder in parts.items()} == {
            part: part for part in PARTS
        }
        self._step("join", watch, "read")
        (into / "footage.txt").write_text(video.name)

    def analyse_speech(self, audio: Path, into: Path, watch: Watching) -> None:
        self._step("speech", watch, "speech")
        (into / "speech.txt").write_text(audio.name)

    def plan(
        self, job: Render, footage: Path, speech: Path, into: Path, watch: Watching, earlier: Sequence[Piece] = ()
    ) -> Split:
        assert (footage / "footage.txt").exists()
        assert (speech / "speech.txt").exists()
        self._step("plan", watch, "plan")
        (into / "plan.txt").write_text(job.model)
        made_from = _orders().get("made_from", ["", ""])
        return Split(
            25, FPS, tuple(Piece(one.first, one.last, name) for one, name in zip(PIECES, made_from, strict=True))
        )

    def encode_sound(self, job: Render, footage: Path, speech: Path, into: Path, watch: Watching) -> None:
        assert (footage / "footage.txt").exists()
        self._step("sound", watch, "read")
        (into / "sound.txt").write_text(job.model)

    def render(self, job: Render, footage: Path, plan: Path, piece: Piece, into: Path, watch: Watching) -> None:
        assert (plan / "plan.txt").read_text() == job.model
        self._step(f"render-{piece.first}", watch, "lipsync", piece.last - piece.first)
        write_video(into / "film.mp4", seconds=(piece.last - piece.first) / FPS)

    def assemble(
        self, job: Render, plan: Path, pieces: Sequence[tuple[Piece, Path]], out: Path, watch: Watching
    ) -> Outcome:
        there = [(piece.first, piece.last) for piece, folder in pieces if (folder / "film.mp4").stat().st_size]
        assert there == [(piece.first, piece.last) for piece in PIECES]
        if job.soundtrack is not None:
            assert (job.soundtrack / "sound.txt").read_text() == job.model
            self._step("assemble-with-sound", watch, "assemble")
        self._step("assemble", watch, "assemble")
        write_video(out, seconds=1, sound=True)
        self._step("proof", watch, "proof")
        return Outcome(0.8, {"frames": 25, "duration_s": 1.0, "lipsynced_s": 0.8})

    def _step(self, step: str, watch: Watching, stage: str, frames: int = 4) -> None:
        orders = _orders()
        with (Path(settings.DATA_DIR) / "fake.log").open("a") as log:
            log.write(f"{step}\n")
        if step == orders.get("fail_in") and calls().count(step) <= orders.get("times", 99):
            self._fail(orders["how"])
        for frame in range(frames + 1):
            if watch.cancelled():
                raise Cancelled
            watch.progress(stage, frame, frames)
            if stage == "lipsync":
                with (Path(settings.DATA_DIR) / "fake.frames").open("a") as drawn:
                    drawn.write(".")
            waits = stage == "lipsync" and step == orders.get("wait_in", step)
            time.sleep(orders.get("wait_s", 0) / frames if waits else 0)

    def _fail(self, how: str) -> None:
        if how == "engine":
            raise EngineError("generation_input_video_no_face", "There is no face in this video.", "Use another.")
        if how == "disk":
            raise OSError("No space left on device")
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise ZeroDivisionError("a bug")
