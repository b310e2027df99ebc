"""The plan of a run: for every output frame what is shown, and where every point of the face shall be.

Rendering needs nothing but the plan, the video and the stored lips, so pieces can be drawn anywhere, in any order,
with the same result.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kept_arrays import read_array
from .lettering.lines import Rows, lines_at, no_lines
from .media.fields import Fields
from .segments import SoundPart
from .settings import EngineSettings

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

# Why a frame is left as it was; the number is what ``passed`` holds.
REASONS = ("", "no_face", "turned_away", "still_mouth", "outside_range", "obstructed", "mouth_cut_off")
# A drawn mouth is looked at together with so many frames to either side.
LOOKED_AT, LOOKED_AT_S = 16, 0.27  # frames, and seconds: beyond 60 frames a second these are more
LOOKED_AGAIN = 48  # with `reasoning`
MAPPED_FROM = 1 << 20  # bytes
DRIVEN, NO_FACE, TURNED_AWAY, STILL_MOUTH, OUTSIDE_RANGE, OBSTRUCTED, CUT_OFF = range(len(REASONS))


@dataclass
class MotionPlan:
    """N output frames over F source frames; Q mesh points (warp points, then ring).

    ``source`` (N,) and ``times`` (N,) seconds; the film ends at ``duration_s``. ``passed`` (N,) indexes ``REASONS``;
    ``strength`` (N,) 0..1 eases the change at the borders of what is left alone. ``target`` (N, Q, 2) where the points
    shall be, ``own`` (F, Q, 2) where they are, ``eyes`` (F,) eye distance, all in pixels. ``exemplar`` (N,) the source
    frame that lends its mouth (-1: none), ``other`` and ``weight`` (N,) the second one at a join and the share of the
    first, ``inside`` (N,) its share between the lips; ``joins`` (J,) output frames. ``params`` (N, 6) planned and
    ``own_params`` (F, 6) found mouth parameters, in eye distances. ``interior`` is "whole", "inner" or "painted";
    ``detail`` how much detail the lips shall show.
    ``opens`` (P, 2) is how the warp points move as the mouth opens by one unit, along the eyes and down the face.
    ``object_masks`` (F, 648) packed masks of what is in front of the mouth, zero where nothing is, on the canvas that
    ``to_canvas`` leads to. ``glide`` (N,) is the source frame from which a loop that starts again glides over, -1 where
    nothing does, and ``glide_share`` (N,) how far it is gone.

    ``depth`` (F, Q) is how far from the camera the points of a turned head lie (eye distances, NaN in frames that show
    it from the front; None where all do).

    ``lettering`` (m, 6) are lines of letters before faces in source frames (:mod:`.lettering.lines`; None: there are
    none): faces are drawn behind them.

    ``fields`` is how the pictures are woven, see :mod:`.media.fields`.

    ``person`` is whose face this is, as the analysis counts (None: whom it looks at by itself); ``others`` are plans
    for further faces on the same timeline, drawn into the same frames. ``sound`` says what is heard when, ``segments``
    what was asked of each range (``start_s``, ``end_s`` and more, see :func:`.film_plan.plan_motion`).
    """

    settings: EngineSettings
    fps: Fraction
    size: tuple[int, int]
    duration_s: float
    interior: str
    source: Indices
    times: NDArray[np.float64]
    passed: NDArray[np.uint8]
    strength: Floats
    own: Floats
    eyes: Floats
    target: Floats
    exemplar: Indices
    other: Indices
    weight: Floats
    inside: Floats
    joins: Indices
    params: Floats
    own_params: Floats
    triangles: Indices
    opens: Floats
    detail: tuple[float, float] | None = None
    depth: NDArray[np.float16] | None = None
    object_masks: NDArray[np.uint8] | None = None
    to_canvas: NDArray[np.float64] | None = None
    lettering: Rows | None = None
    glide: Indices | None = None
    glide_share: Floats | None = None
    fields: Fields = ""
    warnings: list[dict[str, str]] = field(default_factory=list)
    person: int | None = None
    others: list[MotionPlan] = field(default_factory=list)
    sound: list[SoundPart] = field(default_factory=list)
    segments: list[dict[str, Any]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.source)

    @property
    def layers(self) -> list[MotionPlan]:
        """The plan of every face, this one first."""
        return [self, *self.others]

    @property
    def driven(self) -> NDArray[np.bool_]:
        """(N,): frames in which this face's mouth is new."""
        return self.passed == DRIVEN

    @property
    def anybody_driven(self) -> NDArray[np.bool_]:
        """(N,): frames in which some mouth is new."""
        return np.any([layer.driven for layer in self.layers], axis=0)

    @property
    def why_left(self) -> NDArray[np.uint8]:
        """(N,) index into ``REASONS`` of why nobody's mouth is new, ``DRIVEN`` where somebody's is.

        The reason of a face that was asked for counts before “outside_range”.
        """
        reasons = np.stack([layer.passed for layer in self.layers])
        asked = (reasons != OUTSIDE_RANGE).argmax(axis=0)
        why = np.take_along_axis(reasons, asked[None], axis=0)[0]
        return np.asarray(np.where(self.anybody_driven, DRIVEN, why), np.uint8)

    @property
    def foremost(self) -> Indices:
        """(N,): the number among ``layers`` of the face that is measured and shown: the first one that is driven."""
        return np.asarray(np.argmax([layer.driven for layer in self.layers], axis=0), np.int64)

    def glides_from(self, index: int) -> int:
        """The source frame from which output frame ``index`` glides over, or -1."""
        return -1 if self.glide is None else int(self.glide[index])

    def lines(self, index: int) -> Rows:
        """Lines of letters (k, 6) before faces of output frame ``index``."""
        return no_lines() if self.lettering is None else lines_at(self.lettering, int(self.source[index]))

    def fingerprint(self, first: int, last: int) -> str:
        """Hex digest of all that decides the pictures of frames [``first``, ``last``) of one and the same video.

        Equal digests mean equal pictures, whatever else of the plan has changed.
        """
        alike = self.fps, self.size, self.fields, self.settings.watermark, self.settings.looks_again, first, last
        digest = hashlib.sha256(repr(alike).encode())
        for layer in self.layers:
            _add(digest, layer, layer.looked_at(first, last))
        return digest.hexdigest()

    @property
    def around(self) -> int:
        """How many frames to either side a drawn mouth is looked at with (see :attr:`.first_look.FirstLook.ahead`)."""
        return max(LOOKED_AT, math.ceil(LOOKED_AT_S * self.fps))

    def looked_at(self, first: int, last: int) -> slice:
        """Frames on which the pictures [``first``, ``last``) of this face depend: some more of the same stretches."""
        if self.settings.looks_again:
            return slice(max(0, first - LOOKED_AGAIN), min(len(self), last + LOOKED_AGAIN))
        start, stop = max(0, first - self.around), min(len(self), last + self.around)
        rests = np.flatnonzero(~self.driven)
        before, after = rests[rests <= first], rests[rests >= last - 1]
        return slice(max(start, before[-1] if len(before) else 0, 0), min(stop, after[0] + 1 if len(after) else stop))

    def save(self, folder: Path) -> None:
        """Write ``plan.json``, a file for each array, and further faces into folders of their own."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = [name for name, value in vars(self).items() if isinstance(value, np.ndarray)]
        for name in arrays:
            np.save(folder / f"{name}.npy", getattr(self, name))
        facts: dict[str, Any] = {
            "settings": self.settings.to_dict(), "fps": str(self.fps), "size": self.size,
            "duration_s": self.duration_s, "interior": self.interior, "detail": self.detail, "person": self.person,
            "fields": self.fields,
            "warnings": self.warnings, "sound": [asdict(part) for part in self.sound], "segments": self.segments,
            "others": len(self.others), "arrays": arrays,
        }  # fmt: skip
        (folder / "plan.json").write_text(json.dumps(facts))
        for index, other in enumerate(self.others):
            other.save(folder / f"face-{index + 1}")

    @classmethod
    def load(cls, folder: Path) -> MotionPlan:
        """The inverse of :meth:`save`; what is written to the arrays does not reach the files."""
        facts = json.loads((folder / "plan.json").read_text())
        facts["settings"] = EngineSettings.from_dict(facts["settings"])
        facts["fps"] = Fraction(facts["fps"])
        facts["size"] = tuple(facts["size"])
        facts["detail"] = tuple(facts["detail"]) if facts["detail"] else None
        facts["sound"] = [SoundPart(**part) for part in facts["sound"]]
        facts["others"] = [cls.load(folder / f"face-{index + 1}") for index in range(facts["others"])]
        arrays: dict[str, Any] = {name: _loaded(folder / f"{name}.npy") for name in facts.pop("arrays")}
        return cls(**facts, **arrays)


def _loaded(file: Path) -> NDArray[Any]:
    """An array of a plan. Large ones stay on disk: a piece needs its own part of them alone."""
    mapped = file.stat().st_size > MAPPED_FROM
    return np.asarray(read_array(file, mmap_mode="c" if mapped else None))


def _add(digest: Any, plan: MotionPlan, frames: slice) -> None:
    """Feed ``digest`` with what ``plan`` draws into ``frames``."""
    driven = plan.driven[frames]
    source, lent = plan.source[frames], np.stack([plan.exemplar[frames], plan.other[frames]])
    digest.update(repr((plan.person, plan.interior, plan.detail)).encode())
    for values in (driven, source):
        digest.update(np.ascontiguousarray(values).data)
    shown = source[driven]
    used = [plan.target[frames][driven], plan.strength[frames][driven], plan.weight[frames][driven], lent[:, driven],
            plan.inside[frames][driven],
            plan.params[frames][driven, 0], plan.own[shown], plan.eyes[shown], plan.own_params[shown],
            plan.own[np.maximum(lent[:, driven], 0)], plan.opens]  # fmt: skip
    if plan.glide is not None and plan.glide_share is not None:
        used += [plan.glide[frames], plan.glide_share[frames]]
    if plan.depth is not None and np.isfinite(plan.depth[shown]).any():
        used.append(plan.depth[shown])
    if plan.lettering is not None:
        used.append(plan.lettering[np.isin(plan.lettering[:, 0], shown)])
    if plan.object_masks is not None:
        seen = plan.object_masks[np.union1d(shown, np.maximum(lent[:, driven], 0))]
        used += [seen, plan.to_canvas] if seen.any() else []
    for values in used:
        digest.update(np.ascontiguousarray(values).data)
