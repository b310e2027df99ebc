"""What the steps do: prepare, look, plan, render one piece, assemble. Each finds out what is done already."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.utils import timezone

from apps.assets import files
from apps.assets.checking import check_asset
from apps.assets.models import Asset, Origin, Status
from apps.assets.services import import_file, remove_for_good
from apps.generations import signals
from apps.generations.models import STAGE_EVENT, Event, Generation
from apps.generations.services import complete
from apps.inference import drawn, keeping, work
from apps.inference.backends import Backend, Piece, Render, RenderSegment, Split, backend_for
from apps.inference.engine.errors import Cancelled
from apps.inference.lanes import lanes_of
from apps.inference.watch import Watch
from studio.errors import StudioError

SPLIT_FILE = "split.json"
FOOTAGE, SPEECH = "footage", "speech"


def prepare(generation: Generation, watch: Watch) -> list[str]:
    """Find out what has not been looked at yet: names for :func:`look`. Each may run on another worker."""
    watch.progress("read", 0, 1)  # at once: loading an engine's nets takes a second, and the take is no longer queued
    backend = backend_for(generation.model)
    key = keeping.key_of(generation, backend)
    Generation.objects.filter(pk=generation.pk).update(backend=backend.name, work_key=key)
    looks = [f"{FOOTAGE}/{part}" for part in _parts(generation, backend)]
    signals.set_parts(generation.pk, dict.fromkeys(looks, 1.0))
    looks = [look for look in looks if not _is_looked_at(generation, backend, look)]
    return looks + [name for name, sound in _sounds(generation).items() if not work.has_folder(_speech(sound, backend))]


def look(generation: Generation, name: str, watch: Watch) -> None:
    """Look at one part of the footage, or listen to one of the sounds."""
    backend = backend_for(generation.model)
    sound = _sounds(generation).get(name)
    if sound is not None:
        with files.as_path(sound.file.name or "") as audio:
            _once(_speech(sound, backend), lambda into: backend.analyse_speech(audio, into, watch))
        return
    with _media(generation) as job:
        if not _is_looked_at(generation, backend, name):
            part = name.removeprefix(f"{FOOTAGE}/")
            folder = work.part_name(_footage(generation, backend), part)
            _once(folder, lambda into: backend.analyse_footage(job.video, part, into, watch))


def plan(generation: Generation, watch: Watch, joined: Callable[[], object] = lambda: None) -> list[Piece]:
    """Join what was seen and plan what is not planned yet; returns the pieces that are not rendered yet.

    ``joined`` is called in between: from there on other steps can look at what was seen.
    """
    backend = backend_for(generation.model)
    key = keeping.key_of(generation, backend)
    with _media(generation) as job:
        _join_footage(generation, backend, job, watch)
        joined()
        watch.progress("speech", 1, 1)  # was listened to beside the reading
        watch.progress("plan", 0, 1)
        _once(work.plan_name(key), lambda into: _plan(generation, backend, job, into, watch))
    split = _split(key)
    missing = drawn.note(generation, backend, split.pieces)
    there = split.frames - sum(piece.last - piece.first for piece in missing)
    signals.set_pieces(generation.pk, [piece.first for piece in split.pieces], split.frames, there)
    for piece in split.pieces:
        signals.set_piece(generation.pk, piece.first, 0 if piece in missing else piece.last - piece.first)
    return missing


def encode_sound(generation: Generation, watch: Watch) -> None:
    """Make the soundtrack, beside the planning; where nobody comes to it in time, :func:`assemble` makes it."""
    backend = backend_for(generation.model)
    with _media(generation) as job, _analyses(generation, backend, job) as (footage, speech, heard):
        name = work.sound_name(generation.work_key)
        _once(name, lambda into: backend.encode_sound(heard, footage, speech, into, watch))


def render(generation: Generation, first: int, watch: Watch) -> None:
    """Render the piece that begins at frame ``first``, unless it is there."""
    backend = backend_for(generation.model)
    piece = next(piece for piece in drawn.pieces_of(generation) if piece.first == first)
    folder = drawn.folder_of(generation, piece)
    if work.has_folder(folder):
        return
    watch.progress("lipsync", 0, piece.last - piece.first)
    with (
        _media(generation) as job,
        work.open_folder(_footage(generation, backend)) as footage,
        work.open_folder(work.plan_name(generation.work_key)) as planned,
    ):
        _once(folder, lambda into: backend.render(job, footage, planned, piece, into, watch))


def assemble(generation: Generation, watch: Watch) -> bool:
    """Join the pieces, keep the film in the library and finish the take; False where it had ended meanwhile.

    Raises ``work.Missing`` where a piece is missing.
    """
    watch.progress("assemble", 0, 1)
    backend = backend_for(generation.model)
    with ExitStack() as stack:
        job = stack.enter_context(_media(generation))
        planned = stack.enter_context(work.open_folder(work.plan_name(generation.work_key)))
        if work.has_folder(sound := work.sound_name(generation.work_key)):
            job = replace(job, soundtrack=stack.enter_context(work.open_folder(sound)))
        scratch = stack.enter_context(files.scratch_folder())
        pieces = [
            (piece, stack.enter_context(work.open_folder(drawn.folder_of(generation, piece))))
            for piece in drawn.pieces_of(generation)
        ]
        film = scratch / "result.mp4"
        outcome = backend.assemble(job, planned, pieces, film, watch)
        if watch.cancelled():  # what is not in the library need not be taken out again
            raise Cancelled
        result = _keep_result(generation, film)
    report = outcome.report | _timings(generation, outcome.report) | drawn.report_of(generation)
    report |= {"backend": f"{backend.name} {backend.version}"}
    if complete(generation_id=generation.pk, result=result, lipsynced_s=outcome.lipsynced_s, report=report):
        keeping.release(generation)
        return True
    if not Generation.objects.filter(pk=generation.pk, result=result).exists():
        remove_for_good(asset=result)
    return False


def _footage(generation: Generation, backend: Backend) -> str:
    return work.analysis_name(FOOTAGE, generation.video.sha256, drawn.engine_of(backend))


def _speech(sound: Asset, backend: Backend) -> str:
    return work.analysis_name(SPEECH, sound.sha256, drawn.engine_of(backend))


def _sounds(generation: Generation) -> dict[str, Asset]:
    """The main soundtrack and those of segments, by the names under which they are listened to."""
    further = {row.asset.sha256: row.asset for row in generation.segment_sounds.select_related("asset")}
    further.pop(generation.audio.sha256, None)
    return {SPEECH: generation.audio} | {f"{SPEECH}/{sha256}": sound for sha256, sound in further.items()}


def _parts(generation: Generation, backend: Backend) -> list[str]:
    """The parts in which the footage is to be looked at; none where that is done."""
    if work.has_folder(_footage(generation, backend)):
        return []
    with _media(generation) as job:
        return list(backend.footage_parts(job.video))


def _is_looked_at(generation: Generation, backend: Backend, name: str) -> bool:
    footage = _footage(generation, backend)
    return work.has_folder(footage) or work.has_folder(work.part_name(footage, name.removeprefix(f"{FOOTAGE}/")))


def _join_footage(generation: Generation, backend: Backend, job: Render, watch: Watch) -> None:
    """Make one analysis of all parts; another take of the same video may have done so meanwhile."""
    footage = _footage(generation, backend)
    if work.has_folder(footage):
        return
    with ExitStack() as stack:
        parts = {}
        for part in backend.footage_parts(job.video):
            try:
                parts[part] = stack.enter_context(work.open_folder(work.part_name(footage, part)))
            except work.Missing:
                if work.has_folder(footage):
                    return
                raise
        _once(footage, lambda into: backend.join_footage(job.video, parts, into, watch))
    work.forget_parts(footage)


@contextmanager
def _media(generation: Generation) -> Iterator[Render]:
    """The job with its media as local files."""
    rows = {str(row.asset_id): row.asset for row in generation.segment_sounds.select_related("asset")}
    with ExitStack() as stack:
        video, audio, *sounds = (
            stack.enter_context(files.as_path(asset.file.name or ""))
            for asset in (generation.video, generation.audio, *rows.values())
        )
        paths = dict(zip(rows, sounds, strict=True))
        yield Render(
            video=video,
            audio=audio,
            model=generation.model,
            sync_mode=generation.sync_mode,
            options=generation.options,
            segments=tuple(RenderSegment(**row | {"audio": paths.get(row["audio"])}) for row in generation.segments),
            watermark=generation.watermark,
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


@contextmanager
def _analyses(generation: Generation, backend: Backend, job: Render) -> Iterator[tuple[Path, Path, Render]]:
    """What was seen and heard, and the job with what was heard in the sounds of its segments."""
    with ExitStack() as stack:
        footage = stack.enter_context(work.open_folder(_footage(generation, backend)))
        heard = {
            str(sound.pk): stack.enter_context(work.open_folder(_speech(sound, backend)))
            for sound in (generation.audio, *(row.asset for row in generation.segment_sounds.select_related("asset")))
        }
        segments = [
            replace(segment, speech=heard.get(row["audio"]))
            for segment, row in zip(job.segments, generation.segments, strict=True)
        ]
        yield footage, heard[str(generation.audio.pk)], replace(job, segments=tuple(segments))


def _plan(generation: Generation, backend: Backend, job: Render, into: Path, watch: Watch) -> None:
    with _analyses(generation, backend, job) as (footage, speech, heard):
        job = replace(heard, lanes=lanes_of(generation.model))
        split = backend.plan(job, footage, speech, into, watch, drawn.before(generation, backend))
    pieces = [[piece.first, piece.last, piece.made_from] for piece in split.pieces]
    (into / SPLIT_FILE).write_text(json.dumps({"frames": split.frames, "fps": split.fps, "pieces": pieces}))


def _split(key: str) -> Split:
    with work.open_folder(work.plan_name(key)) as planned:
        found = json.loads((planned / SPLIT_FILE).read_text())
    return Split(found["frames"], found["fps"], tuple(Piece(*row) for row in found["pieces"]))


def _keep_result(generation: Generation, film: Path) -> Asset:
    """The film as a checked asset."""
    stem = generation.project.name if generation.project else Path(generation.video.name).stem
    result = import_file(
        workspace=generation.workspace,
        user=generation.created_by,
        path=film,
        name=f"{stem}, take {generation.number}.mp4",
        origin=Origin.RESULT,
        asset_id=keeping.result_id(generation.pk),
        move=True,
        # From its first moment on: it is in the library before the take is finished.
        visibility=generation.project.visibility if generation.project else "",
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
