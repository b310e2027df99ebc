"""What the three kinds of step do: prepare, render one piece, assemble. Each finds out what is done already."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from django.core.files.storage import default_storage
from django.utils import timezone

from apps.assets import files
from apps.assets.checking import check_asset
from apps.assets.models import Asset, Origin, Status
from apps.assets.services import import_file, remove_for_good
from apps.generations import signals
from apps.generations.models import STAGE_EVENT, Event, Generation
from apps.generations.services import complete
from apps.inference import work
from apps.inference.backends import Backend, Piece, Render, Split, backend_for
from apps.inference.watch import Watch
from studio.errors import StudioError

SPLIT_FILE = "split.json"


def prepare(generation: Generation, watch: Watch) -> list[Piece]:
    """Analyse what is not analysed yet, plan what is not planned yet; returns the pieces that are not rendered yet."""
    watch.progress("read", 0, 1)  # at once: loading an engine's nets takes a second, and the take is no longer queued
    backend = backend_for(generation.model)
    Generation.objects.filter(pk=generation.pk).update(backend=backend.name)
    with _media(generation) as job:
        footage = work.analysis_name("footage", generation.video.sha256, _engine(backend))
        _once(footage, lambda into: backend.analyse_footage(job.video, into, watch))
        speech = work.analysis_name("speech", generation.audio.sha256, _engine(backend))
        _once(speech, lambda into: backend.analyse_speech(job.audio, into, watch))
        _once(work.plan_name(generation.pk), lambda into: _plan(backend, job, (footage, speech), into, watch))
    split = _split(generation.pk)
    signals.set_pieces(generation.pk, [piece.first for piece in split.pieces], split.frames)
    for piece in split.pieces:
        done = _is_rendered(generation.pk, piece)
        signals.set_piece(generation.pk, piece.first, piece.last - piece.first if done else 0)
    return [piece for piece in split.pieces if not _is_rendered(generation.pk, piece)]


def render(generation: Generation, piece: Piece, watch: Watch) -> None:
    """Render one piece, unless it is there."""
    if _is_rendered(generation.pk, piece):
        return
    watch.progress("lipsync", 0, piece.last - piece.first)
    backend = backend_for(generation.model)
    with (
        _media(generation) as job,
        work.open_folder(work.analysis_name("footage", generation.video.sha256, _engine(backend))) as footage,
        work.open_folder(work.plan_name(generation.pk)) as plan,
        files.scratch_folder() as scratch,
    ):
        drawn = scratch / piece.name
        backend.render(job, footage, plan, piece, drawn, watch)
        files.put(drawn, work.piece_name(generation.pk, piece.name), move=True)


def assemble(generation: Generation, watch: Watch) -> bool:
    """Join the pieces, keep the film in the library and finish the take; False where it had ended meanwhile.

    Raises ``FileNotFoundError`` where a piece is missing.
    """
    watch.progress("assemble", 0, 1)
    backend = backend_for(generation.model)
    with ExitStack() as stack:
        job = stack.enter_context(_media(generation))
        plan = stack.enter_context(work.open_folder(work.plan_name(generation.pk)))
        scratch = stack.enter_context(files.scratch_folder())
        pieces = []
        for piece in _split(generation.pk).pieces:
            name = work.piece_name(generation.pk, piece.name)
            if not default_storage.exists(name):
                raise FileNotFoundError(f"Piece {piece.name} is missing.")
            pieces.append((piece, stack.enter_context(files.as_path(name))))
        film = scratch / "result.mp4"
        outcome = backend.assemble(job, plan, pieces, film, watch)
        result = _keep_result(generation, film)
    report = outcome.report | _timings(generation, outcome.report) | {"backend": f"{backend.name} {backend.version}"}
    if complete(generation_id=generation.pk, result=result, lipsynced_s=outcome.lipsynced_s, report=report):
        return True
    if not Generation.objects.filter(pk=generation.pk, result=result).exists():
        remove_for_good(asset=result)
    return False


def _engine(backend: Backend) -> str:
    return f"{backend.name}-{backend.version}"


@contextmanager
def _media(generation: Generation) -> Iterator[Render]:
    """The job with its media as local files."""
    names = generation.video.file.name or "", generation.audio.file.name or ""
    with files.as_path(names[0]) as video, files.as_path(names[1]) as audio:
        yield Render(
            video=video,
            audio=audio,
            model=generation.model,
            sync_mode=generation.sync_mode,
            options=generation.options,
        )


def _once(name: str, make: Callable[[Path], None]) -> None:
    """Have ``make`` fill a folder that is then kept under ``name``, unless there is one."""
    if work.has_folder(name):
        return
    with files.scratch_folder() as scratch:
        into = scratch / "made"
        into.mkdir()
        make(into)
        work.keep_folder(into, name)


def _plan(backend: Backend, job: Render, analyses: tuple[str, str], into: Path, watch: Watch) -> None:
    with work.open_folder(analyses[0]) as footage, work.open_folder(analyses[1]) as speech:
        split = backend.plan(job, footage, speech, into, watch)
    pieces = [[piece.first, piece.last] for piece in split.pieces]
    (into / SPLIT_FILE).write_text(json.dumps({"frames": split.frames, "fps": split.fps, "pieces": pieces}))


def _split(generation_id: UUID) -> Split:
    with work.open_folder(work.plan_name(generation_id)) as plan:
        found = json.loads((plan / SPLIT_FILE).read_text())
    return Split(found["frames"], found["fps"], tuple(Piece(first, last) for first, last in found["pieces"]))


def _is_rendered(generation_id: UUID, piece: Piece) -> bool:
    return default_storage.exists(work.piece_name(generation_id, piece.name))


def _keep_result(generation: Generation, film: Path) -> Asset:
    """The film as a checked asset; its id follows from the generation's, so that a second run replaces the first."""
    stem = generation.project.name if generation.project else Path(generation.video.name).stem
    result = import_file(
        workspace=generation.workspace,
        user=generation.created_by,
        path=film,
        name=f"{stem}, take {generation.number}.mp4",
        origin=Origin.RESULT,
        asset_id=uuid5(generation.pk, "result"),
    )
    if check_asset(result.pk) != Status.READY:
        result.refresh_from_db()
        raise StudioError("generation_pipeline_failed", f"The result is not playable. {result.error_message}")
    result.refresh_from_db()
    return result


def _timings(generation: Generation, report: dict[str, Any]) -> dict[str, Any]:
    """Seconds of each stage as the clock saw them, over all workers, and how they compare to the film's length."""
    began = {event.detail["stage"]: event.at for event in Event.objects.filter(generation=generation, what=STAGE_EVENT)}
    borders = [*sorted(began.items(), key=lambda pair: pair[1]), ("", timezone.now())]
    timings = {
        stage: round((borders[index + 1][1] - at).total_seconds(), 3) for index, (stage, at) in enumerate(borders[:-1])
    }
    length = report.get("duration_s") or 0.0
    total = (timezone.now() - generation.started_at).total_seconds() if generation.started_at else 0.0
    return {"timings_s": timings, "real_time_factor": round(total / length, 3) if length else None}
