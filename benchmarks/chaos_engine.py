"""Our own engine in short stretches and pieces, so that a clip of three seconds has many steps that can be killed."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings

from apps.inference.backends import Piece, Render, native
from apps.inference.backends.base import Watching
from apps.inference.engine.media import stretches

PATH = "benchmarks.chaos_engine.ShortPieces"


def log_file() -> Path:
    """A line for each piece whose drawing ended: the folder of the plan, and the piece."""
    return Path(settings.DATA_DIR) / "drawn.log"


class ShortPieces(native.NativeBackend):
    """Notes which pieces were finished, to tell whether one was drawn twice."""

    def __init__(self) -> None:
        super().__init__()
        native.PIECE_S = 0.75
        stretches.STRETCH_S = 1.0

    def render(self, job: Render, footage: Path, plan: Path, piece: Piece, into: Path, watch: Watching) -> None:
        super().render(job, footage, plan, piece, into, watch)
        line = f"{plan.parent.name} {piece.name}\n".encode()
        descriptor = os.open(log_file(), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(descriptor, line)  # one call: lines of several workers do not mix
        finally:
            os.close(descriptor)
