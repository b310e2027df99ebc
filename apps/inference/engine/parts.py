"""The analysis of a long video in parts, so that many machines can look at it at once; the result is the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from .analysis import (
    OWN_SOUND,
    FootageAnalysis,
    analyse_footage,
    concluded,
    probe_footage,
    read_own_sound,
    require_face,
)
from .crops import CropWriter
from .face.people import PeopleTracker
from .media.stretches import shown_frames, stretches
from .model_files import models_folder
from .progress import Monitor, Progress
from .reading import CROPS, FACTS, ClockBroken, join, read

WHOLE = "whole"


def footage_parts(video: Path) -> list[str]:
    """Names of the parts in which ``video`` can be looked at by :func:`analyse_part`, on many machines at once."""
    info = probe_footage(video)
    borders = stretches(*shown_frames(video))
    if info.kind == "image" or len(borders) == 1:
        return [WHOLE]
    return [*(f"{first}-{last}" for first, last in borders), *([OWN_SOUND] if info.acodec else [])]


def analyse_part(
    video: Path,
    part: str,
    workdir: Path,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    models: Path | None = None,
) -> None:
    """Look at one of the parts that :func:`footage_parts` names; what was seen is left in ``workdir``.

    Leaves nothing where the file's clock is broken: :func:`join_parts` then reads it in one go.
    """
    if part == WHOLE:
        analyse_footage(video, workdir, progress=progress, cancelled=cancelled, models=models)
        return
    if part == OWN_SOUND:
        read_own_sound(video, workdir, models)
        return
    first, last = (int(border) for border in part.split("-"))
    times, _ = shown_frames(video)
    monitor = Monitor(progress, cancelled)

    def on_frame(index: int) -> None:
        if index % 5 == 0:
            monitor.step("read", max(0, index - first), last - first)

    try:
        with CropWriter(workdir / CROPS) as crops:
            tracker = PeopleTracker(models_folder(models))
            seen = read(video, tracker, crops, len(times), stretch=(first, last), times=times, on_frame=on_frame)
    except ClockBroken:
        return
    seen.save(workdir)
    monitor.step("read", last - first, last - first)


def join_parts(
    video: Path,
    parts: Mapping[str, Path],
    workdir: Path,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    models: Path | None = None,
) -> FootageAnalysis:
    """One analysis in ``workdir`` from the folders of all parts; raises like :func:`analyse_footage`."""
    if WHOLE in parts:
        shutil.copytree(parts[WHOLE], workdir, dirs_exist_ok=True)
        return FootageAnalysis.load(workdir)
    pictures = sorted((name for name in parts if name != OWN_SOUND), key=lambda name: int(name.split("-")[0]))
    folders = [parts[name] for name in pictures]
    if not all((folder / FACTS).is_file() for folder in folders):
        return analyse_footage(video, workdir, progress=progress, cancelled=cancelled, models=models)
    footage = concluded(join(folders, workdir), probe_footage(video), workdir)
    if OWN_SOUND in parts and (parts[OWN_SOUND] / OWN_SOUND).is_dir():
        shutil.copytree(parts[OWN_SOUND] / OWN_SOUND, workdir / OWN_SOUND)
    require_face(footage)
    return footage
