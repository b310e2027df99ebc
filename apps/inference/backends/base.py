"""What the studio asks of an engine. Steps hand folders and files on, so that each can run on another machine.

An engine raises ``EngineError`` for what a person can act on and ``Cancelled`` when the watch says so. Everything else
it raises is taken for a fault. Each step may run twice and must give the same result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


class Watching(Protocol):
    """How an engine tells how far it is and hears that it shall stop (see ``apps/inference/watch.py``)."""

    def progress(self, stage: str, done: int, total: int) -> None: ...

    def cancelled(self) -> bool: ...


@dataclass(frozen=True)
class Piece:
    """Output frames [``first``, ``last``).

    ``made_from`` is a digest of all that decides their pictures, of one video and by one version of the engine: pieces
    with the same one are the same, whatever else of a take has changed. Empty: every input of the take decides.
    """

    first: int
    last: int
    made_from: str = ""

    @property
    def name(self) -> str:
        """Which frames they are, in letters."""
        return f"{self.first:07d}-{self.last:07d}"


@dataclass(frozen=True)
class RenderSegment:
    """Seconds [``start_s``, ``end_s``) of the result, see ``engine/segments.py``.

    ``options`` are those of the catalog (and ``sync_mode``) that differ here; ``speech`` is what ``analyse_speech``
    left of ``audio``, while planning.
    """

    start_s: float
    end_s: float
    lipsync: bool = True
    audio: Path | None = None
    audio_start_s: float = 0.0
    audio_end_s: float | None = None
    face: Mapping[str, Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    speech: Path | None = None


@dataclass(frozen=True)
class Render:
    """One job: the media as local files, and what the person chose. ``options`` are complete, see the catalog.

    ``watermark`` is not the person's choice but their plan's: every frame has to carry the studio's name. An engine
    that cannot mark a film raises ``EngineError`` (plan_feature_unavailable) in ``plan``, and never leaves it out.

    An engine that cannot do ``segments`` raises ``EngineError`` (generation_input_segments_invalid) in ``plan``.
    ``lanes`` is how many pieces can be drawn at once, for whoever splits the work. ``soundtrack`` is what
    ``encode_sound`` left, while assembling; None where nobody came to it.
    """

    video: Path
    audio: Path
    model: str
    sync_mode: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    segments: tuple[RenderSegment, ...] = ()
    watermark: bool = False
    lanes: int = 2
    soundtrack: Path | None = None


@dataclass(frozen=True)
class Split:
    """What the plan came to: frames of the result, and the pieces it is rendered in."""

    frames: int
    fps: float
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Outcome:
    """A finished film: the seconds whose mouth is new (what is charged) and the report, plain values for JSON."""

    lipsynced_s: float
    report: dict[str, Any]


class Backend(Protocol):
    """An engine. ``version`` changes whenever kept analyses of an older one must not be used.

    ``queue`` is where its rendering waits for a worker: ``cpu``, ``gpu``, or ``remote`` where another machine renders
    and the worker only waits for it. The other steps run on ``cpu`` whatever the engine.
    """

    name: str
    version: str
    queue: str

    def footage_parts(self, video: Path) -> Sequence[str]:
        """Names (letters, digits, hyphens) of the parts in which a video is looked at, each by any worker.

        The same for the same video at every call; at least one.
        """

    def analyse_footage(self, video: Path, part: str, into: Path, watch: Watching) -> None:
        """Look at one part of a video and write what was seen into the empty folder ``into``."""

    def join_footage(self, video: Path, parts: Mapping[str, Path], into: Path, watch: Watching) -> None:
        """Make one analysis of the folders of all parts, in the empty folder ``into``; it is kept with the video."""

    def analyse_speech(self, audio: Path, into: Path, watch: Watching) -> None:
        """Listen to a soundtrack once; what was heard is written into the empty folder ``into`` and kept with it."""

    def plan(
        self, job: Render, footage: Path, speech: Path, into: Path, watch: Watching, earlier: Sequence[Piece] = ()
    ) -> Split:
        """Decide every frame of the result, write it into ``into`` and say how rendering is split.

        ``earlier`` are pieces that other takes of this video have drawn; those that this plan would make just so
        (``made_from``) become part of the split and are not drawn again.
        """

    def encode_sound(self, job: Render, footage: Path, speech: Path, into: Path, watch: Watching) -> None:
        """Make the film's soundtrack beside the planning, on a worker that waits, in the empty folder ``into``.

        Asked with what ``plan`` is asked with. An engine without use for it leaves the folder empty.
        """

    def render(self, job: Render, footage: Path, plan: Path, piece: Piece, into: Path, watch: Watching) -> None:
        """Draw one piece into the empty folder ``into``: the film, and what else ``assemble`` wants to know of it."""

    def assemble(
        self, job: Render, plan: Path, pieces: Sequence[tuple[Piece, Path]], out: Path, watch: Watching
    ) -> Outcome:
        """Join the pieces (folders) and the soundtrack into ``out`` (MP4) and measure how well it went."""
