"""A test of the draft: a few seconds of it as segments, to judge before the whole is paid for."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.assets.models import Asset
from apps.generations.segments import INVALID
from apps.inference.engine.segments import SHORTEST_S
from apps.projects.footage import TEST_S
from apps.projects.models import Project
from studio.errors import StudioError


def test_range(project: Project, start_s: float) -> tuple[float, float]:
    """Seconds of a test from ``start_s`` on, inside what both files have; where segments have sounds of their own,
    inside the video."""
    video_s = project.video.duration_s if project.video else None
    audio_s = project.audio.heard_s if project.audio else None
    own = any(row.get("audio") for row in project.segments)
    length = min([seconds for seconds in (video_s, None if own and video_s else audio_s) if seconds] or [TEST_S])
    start = max(0.0, min(start_s, length - TEST_S))
    return round(start, 3), round(min(start + TEST_S, length), 3)


def sound_lengths(project: Project) -> dict[str | None, float]:
    """Seconds of the sounds that the draft's segments speak with, by their ids; of the soundtrack under None.

    None are told where sounds that are over are followed by silence, which can be tested too.
    """
    if project.sync_mode == "silence":
        return {}
    own = {row["audio"] for row in project.segments if row.get("audio")}
    found = {
        str(asset.pk): asset.heard_s or 0.0
        for asset in Asset.objects.filter(workspace=project.workspace_id, pk__in=own)
    }
    return found | {None: (project.audio.heard_s or 0.0) if project.audio else 0.0}


def test_segments(
    rows: Sequence[Mapping[str, Any]], start_s: float, end_s: float, lengths: Mapping[str | None, float]
) -> list[dict[str, Any]]:
    """What the draft's segments ``rows`` drive between two seconds of the film, each cut to fit.

    Raises ``StudioError`` where they leave all of it as it is. ``lengths``: see :func:`sound_lengths`.
    """
    driven = [row for row in rows if row.get("lipsync", True)]
    parts = [_cut(row, start_s, end_s) for row in driven] if driven else _around(rows, start_s, end_s)
    found = [part for part in parts if part["end_s"] - part["start_s"] >= SHORTEST_S and not _is_over(part, lengths)]
    if not found:
        raise StudioError(
            INVALID,
            "The segments leave these five seconds as they are.",
            "Move the playhead to a part that is lipsynced, then test again.",
            status=422,
            field="segments",
        )
    return found


def _cut(row: Mapping[str, Any], start_s: float, end_s: float) -> dict[str, Any]:
    """A segment without what lies outside; its own sound goes on where it stood."""
    start = max(row["start_s"], start_s)
    gone = start - row["start_s"] if row.get("audio") else 0.0
    heard = row.get("audio_start_s", 0.0) + gone
    return {**row, "start_s": start, "end_s": min(row["end_s"], end_s), "audio_start_s": round(heard, 3)}


def _is_over(part: Mapping[str, Any], lengths: Mapping[str | None, float]) -> bool:
    """Whether the sound of a part has ended before it begins: the film stays as it is there."""
    own, end_s = part.get("audio"), part.get("audio_end_s")
    from_s: float = part["audio_start_s"] if own else part["start_s"]
    if own and end_s is not None and from_s >= end_s:
        return True
    silent = (part.get("options") or {}).get("sync_mode") == "silence"
    return not silent and from_s >= lengths.get(own, from_s + 1)


def _around(gaps: Sequence[Mapping[str, Any]], start_s: float, end_s: float) -> list[dict[str, Any]]:
    """The stretches between ranges that stay as they are."""
    parts, at = [], start_s
    for gap in sorted(gaps, key=lambda gap: gap["start_s"]):
        parts.append({"start_s": at, "end_s": min(gap["start_s"], end_s)})
        at = max(at, gap["end_s"])
    return [*parts, {"start_s": at, "end_s": end_s}]
