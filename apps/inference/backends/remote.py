"""Another studio, or the hosted product, renders: files go there through its official client, the film comes back.

Nothing is analysed here. A take is one piece; rendering it means waiting, so it has a queue of its own whose workers
wait for many at once.
"""

import json
import mimetypes
import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from apps.catalog.registry import FACE, output_seconds
from apps.generations import elsewhere
from apps.inference import engine
from apps.inference.backends.base import Outcome, Piece, Render, Split, Watching
from apps.inference.backends.remote_job import RemoteJob
from apps.inference.engine.errors import EngineError

FILM, SAID, NONCE = "film.mp4", "said.json", "nonce.txt"
WHOLE = "whole"
PHOTO_FPS = 25.0


class RemoteBackend:
    """Forwards takes to ``STUDIO_REMOTE_URL`` with the key ``STUDIO_REMOTE_KEY``."""

    name = "remote"
    version = "1"
    queue = "remote"

    def footage_parts(self, video: Path) -> Sequence[str]:
        return [WHOLE]

    def analyse_footage(self, video: Path, part: str, into: Path, watch: Watching) -> None:
        """Nothing: the other studio looks at it."""

    def join_footage(self, video: Path, parts: Mapping[str, Path], into: Path, watch: Watching) -> None:
        """Nothing."""

    def analyse_speech(self, audio: Path, into: Path, watch: Watching) -> None:
        """Nothing: the other studio listens to it."""

    def plan(
        self, job: Render, footage: Path, speech: Path, into: Path, watch: Watching, earlier: Sequence[Piece] = ()
    ) -> Split:
        told = elsewhere.refusals(job.model, marked=job.watermark, segmented=bool(job.segments), options=job.options)
        if told:  # what cannot be asked for there is said before anything is sent
            raise EngineError(told[0].code, told[0].message, told[0].advice)
        video, audio = engine.probe_media(job.video), engine.probe_media(job.audio)
        picture_s = audio.duration_s if video.kind == "image" else video.duration_s
        fps = float(video.fps) or PHOTO_FPS
        frames = max(1, round(output_seconds(job.sync_mode, picture_s, audio.duration_s) * fps))
        # Sent along with the request, so that a worker that dies while it waits finds its generation again.
        nonce = uuid.uuid4().hex
        (into / NONCE).write_text(nonce)
        return Split(frames, fps, (Piece(0, frames, nonce),))

    def encode_sound(self, job: Render, footage: Path, speech: Path, into: Path, watch: Watching) -> None:
        """Nothing."""

    def render(self, job: Render, footage: Path, plan: Path, piece: Piece, into: Path, watch: Watching) -> None:
        remote = RemoteJob(watch, piece.last - piece.first, (plan / NONCE).read_text())
        files = {
            role: (path.name, _media_type(path), path) for role, path in (("video", job.video), ("audio", job.audio))
        }
        said = remote.run(job.model, files, remote_options(job), into / FILM)
        (into / SAID).write_text(json.dumps(said))

    def assemble(
        self, job: Render, plan: Path, pieces: Sequence[tuple[Piece, Path]], out: Path, watch: Watching
    ) -> Outcome:
        watch.progress("assemble", 0, 1)
        (_, folder) = pieces[0]
        shutil.copyfile(folder / FILM, out)
        film, said = engine.probe_media(out), json.loads((folder / SAID).read_text())
        facts: dict[str, Any] = {"duration_s": round(film.duration_s, 3), "frames": film.frame_count}
        # A studio of this kind tells which seconds were driven; of others all that can be known is the length.
        measured = said.get("report") or {}
        report = measured | facts | {"remote": {"id": said["id"], "at": said["at"]}}
        watch.progress("assemble", 1, 1)
        return Outcome(float(measured.get("lipsynced_s", film.duration_s)), report)


def remote_options(job: Render) -> dict[str, Any]:
    """The options by the names of the API, for a choice of face that it has a name for."""
    options = {name: value for name, value in job.options.items() if name != FACE}
    face = _face(job.options.get(FACE))
    return {"sync_mode": job.sync_mode} | options | ({FACE: face} if face else {})


def _face(choice: Any) -> dict[str, Any] | None:
    if not choice:
        return None
    if choice is True:
        return {"auto_detect": True}
    if choice["kind"] == "point":
        return {"frame_number": choice["frame"], "coordinates": [choice["x"], choice["y"]]}
    return {"bounding_boxes": choice["boxes"]}


def _media_type(path: Path) -> str:
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"
