"""What a take of the draft will sound like, part by part, by the engine's own rules: the preview plays it."""

from typing import Any

import numpy as np

from apps.assets.facts import sound_facts
from apps.assets.models import Kind
from apps.generations.segments import Segments
from apps.inference.engine.segments import MAIN, ORIGINAL
from apps.inference.engine.sound_plan import sound_parts
from apps.inference.engine.sync_modes import build_timeline, own_timeline
from apps.projects.models import Project

# Files without a rate are photos; they have no sound of their own whose place a rate would decide.
DEFAULT_FPS = 25.0
NAMES = {MAIN: "voice", ORIGINAL: "original", "": ""}


def heard_facts(project: Project, asked: Segments | None) -> dict[str, Any]:
    """``heard``: the parts of the result's sound without gaps, each with ``source``, ``start``, ``end`` and ``from``
    (seconds); a source is "voice" (the main soundtrack), "original", the id of a segment's sound, or "" (silence).
    ``sounds``: the files of the segments by their ids. Both are empty where no segments are asked for or they cannot be
    used: then the main soundtrack is heard throughout.
    """
    if asked is None or project.video is None or project.audio is None:
        return {"heard": [], "sounds": {}}
    names = NAMES | {f"segment {index}": row["audio"] for index, row in enumerate(asked.rows)}
    heard = [
        {"source": names[part.source], "start": part.start_s, "end": part.end_s, "from": part.from_s}
        for part in sound_parts(asked.spans, _timeline(project, asked), _times(project), _has_original(project))
    ]
    slug = project.workspace.slug
    return {"heard": heard, "sounds": {key: sound_facts(slug, asset) for key, asset in asked.sounds.items()}}


def _has_original(project: Project) -> bool:
    assert project.video is not None
    return project.video.kind == Kind.VIDEO and project.video.has_sound


def _times(project: Project) -> Any:
    """Seconds at which the film's frames begin, as if its rate were even: nothing here is nearer than a frame."""
    assert project.video is not None
    fps = project.video.fps or DEFAULT_FPS
    return np.arange(max(1, round((project.video.duration_s or 0.0) * fps))) / fps


def _timeline(project: Project, asked: Segments) -> Any:
    """The film as it is where segments are driven, else as the sync mode has it."""
    assert project.video is not None and project.audio is not None
    times = _times(project)
    if any(row["lipsync"] for row in asked.rows) or not _has_original(project):
        return own_timeline(times, asked.length_s)
    fps, picture_s = project.video.fps or DEFAULT_FPS, project.video.duration_s or 0.0
    return build_timeline(times, picture_s, project.audio.heard_s or 0.0, project.sync_mode, fps)
