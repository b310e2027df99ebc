"""One generation at another studio: asked for, waited for, fetched or called off."""

import contextlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.module_loading import import_string

from apps.inference.backends.base import Watching
from apps.inference.engine.errors import Cancelled, EngineError
from studio.stopping import leave_if_stopping

try:
    import httpx
    from sync import Sync
    from sync.core.api_error import ApiError
except ImportError:  # an option: requirements-remote.txt
    Sync = None  # type: ignore[assignment,misc]

log = logging.getLogger(__name__)

UNAVAILABLE = "generation_infra_service_unavailable"
CALLED_OFF = "generation_cancelled"
SET_UP = "Tell whoever runs the studio."
POLL_S, LISTEN_S = 3.0, 0.25
# The API counts takes at once; a place may become free.
FULL_WAIT_S = 15.0
# Below the hard limit of a step (an hour), so that the end has words.
PATIENCE_S = 50 * 60
LONELY_POLLS = 20
MOST_TRIES = 20
ANSWER_WITHIN_S = 60.0
FILM_LIMIT = 20 * 1024**3
Files = Mapping[str, tuple[str, str, Path]]


@dataclass
class RemoteJob:
    """``frames`` is what the progress counts in; ``nonce`` names this take at the other studio."""

    watch: Watching
    frames: int
    nonce: str

    def __post_init__(self) -> None:
        if not settings.REMOTE_URL or not settings.REMOTE_KEY:
            raise EngineError(UNAVAILABLE, "No other studio is set up for this model.", SET_UP)
        if Sync is None:
            raise EngineError(UNAVAILABLE, "The client of the other studio is not installed.", SET_UP)
        self._base = settings.REMOTE_URL.rstrip("/")
        self._client = Sync(base_url=self._base, api_key=settings.REMOTE_KEY, timeout=ANSWER_WITHIN_S)
        self._ends = time.monotonic() + PATIENCE_S

    def run(self, model: str, files: Files, options: Mapping[str, Any], out: Path) -> dict[str, Any]:
        """Have the film made and fetch it into ``out``; returns its id, where, and the report there is.

        Raises ``EngineError`` with the other studio's own code and words, ``Cancelled``, or ``OSError`` for what may
        be over in a minute.
        """
        self.watch.progress("lipsync", 0, self.frames)
        try:
            done = self._made(model, files, options)
        except EngineError as error:
            if isinstance(error, Cancelled) or error.code != CALLED_OFF:
                raise
            # Takes with the same inputs share one generation there, and another one of them was cancelled here.
            done = self._made(model, files, options)
        self._fetch(done.output_url, out)
        self.watch.progress("lipsync", self.frames, self.frames)
        return {"id": done.id, "at": urlsplit(self._base).netloc, "report": self._report(done.id)}

    def _made(self, model: str, files: Files, options: Mapping[str, Any]) -> Any:
        """The generation of this take when it has its result; called off there where the take is cancelled here."""
        made = self._started(model, files, options)
        try:
            return self._awaited(made)
        except Cancelled:
            self._call_off(made.id)
            raise

    def _started(self, model: str, files: Files, options: Mapping[str, Any]) -> Any:
        """The generation of this take: a new one, or the one that an earlier try of this step asked for.

        One that had failed before this try began is left behind: whoever tries again wants another.
        """
        began = datetime.now(UTC)
        for attempt in range(1, MOST_TRIES + 1):
            made = self._create(model, files, options, f"{self.nonce}-{attempt}")
            if made.status not in ("FAILED", "REJECTED") or _time(made.created_at) >= began:
                return made
        raise EngineError(UNAVAILABLE, "The other studio has failed at this take again and again.", SET_UP)

    def _create(self, model: str, files: Files, options: Mapping[str, Any], key: str) -> Any:
        while True:
            self._check()
            try:
                with contextlib.ExitStack() as opened:
                    parts = {
                        role: (name, opened.enter_context(path.open("rb")), kind)
                        for role, (name, kind, path) in files.items()
                    }
                    # The client sends the field as it is; the API wants a JSON string in a form.
                    return self._client.generations.create_with_files(
                        model=model,
                        options=json.dumps(options),  # type: ignore[arg-type]
                        request_options={"additional_headers": {"Idempotency-Key": key}, "timeout_in_seconds": 600},
                        **parts,  # type: ignore[arg-type]
                    )
            except ApiError as error:
                if error.status_code != 429:
                    raise _told(error) from error
                self._wait(FULL_WAIT_S)
            except httpx.HTTPError as error:
                raise OSError(f"The other studio did not answer: {error}") from error

    def _awaited(self, made: Any) -> Any:
        """The generation when it has its result."""
        lonely = 0
        while made.status in ("PENDING", "PROCESSING"):
            self._wait(POLL_S)
            try:
                made = self._client.generations.get(
                    made.id, request_options={"additional_query_parameters": {"include": "progress"}}
                )
                lonely = 0
            except ApiError as error:
                if error.status_code is not None and error.status_code < 500 and error.status_code != 429:
                    raise _told(error) from error
                lonely += 1
            except httpx.HTTPError:
                lonely += 1
            if lonely > LONELY_POLLS:
                raise OSError("The other studio does not answer any more.")
            self._tell(made)
        if made.status == "COMPLETED" and made.output_url:
            return made
        code = made.error_code or "generation_pipeline_failed"
        raise EngineError(code, made.error or "The other studio could not make the film.", _extra(made, "suggestion"))

    def _tell(self, made: Any) -> None:
        progress = (made.model_extra or {}).get("progress") or {}
        percent = progress.get("percent")
        if isinstance(percent, int | float):
            self.watch.progress("lipsync", min(self.frames - 1, int(self.frames * percent / 100)), self.frames)

    def _fetch(self, url: str, out: Path) -> None:
        """Get the film. Its address comes from outside: unless it is the other studio's own, it is guarded like any."""
        try:
            if _origin(url) == _origin(self._base):
                with httpx.stream("GET", url, timeout=ANSWER_WITHIN_S, follow_redirects=False) as answer:
                    if answer.status_code == 200:
                        self._write(answer, out)
                        return
                    url = str(answer.next_request.url) if answer.next_request else url
                if _origin(url) == _origin(self._base):
                    raise OSError(f"The other studio's film could not be fetched: {answer.status_code}.")
        except httpx.HTTPError as error:
            raise OSError(f"The other studio's film could not be fetched: {error}") from error
        try:
            import_string(settings.FETCHER)(url, out, limit=FILM_LIMIT, seconds=max(1.0, self._ends - time.monotonic()))
        except Exception as error:  # the fetcher's own classes live in a room above this one
            raise OSError(f"The other studio's film could not be fetched: {error}") from error

    def _write(self, answer: Any, out: Path) -> None:
        size = 0
        with out.open("wb") as film:
            for block in answer.iter_bytes(256 * 1024):
                size += film.write(block)
                if size > FILM_LIMIT:
                    raise EngineError("generation_pipeline_failed", "The other studio's film is too large.", SET_UP)
                self._check()

    def _report(self, generation_id: str) -> dict[str, Any]:
        """What the other studio measured; empty where it has no such thing."""
        try:
            answer = httpx.get(
                f"{self._base}/v2/generations/{generation_id}/report", headers=self._headers(), timeout=ANSWER_WITHIN_S
            )
            report = answer.json().get("report") if answer.status_code == 200 else None
        except (httpx.HTTPError, ValueError, AttributeError):
            report = None
        return report if isinstance(report, dict) else {}

    def _call_off(self, generation_id: str) -> None:
        """Ask the other studio to stop; the hosted product cannot, and then goes on for nobody."""
        try:
            answer = httpx.post(
                f"{self._base}/v2/generations/{generation_id}/cancel", headers=self._headers(), timeout=10.0
            )
            if answer.status_code >= 400:
                log.warning("the other studio goes on with %s: it answers %s", generation_id, answer.status_code)
        except httpx.HTTPError as error:
            log.warning("the other studio could not be asked to stop %s: %s", generation_id, error)

    def _headers(self) -> dict[str, str]:
        return {"x-api-key": settings.REMOTE_KEY}

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._check()
            time.sleep(min(LISTEN_S, left))

    def _check(self) -> None:
        leave_if_stopping()
        if self.watch.cancelled():
            raise Cancelled
        if time.monotonic() > self._ends:
            raise EngineError(
                "generation_timeout", "The other studio took too long.", "Try again, or use shorter files."
            )


def _told(error: Any) -> Exception:
    """An answer of the API as what it means here."""
    status, body = error.status_code or 0, error.body
    body = body.model_dump() if hasattr(body, "model_dump") else body if isinstance(body, dict) else {}
    if status >= 500:
        return OSError(f"The other studio answers with status {status}.")
    if status in (401, 403):
        return EngineError(UNAVAILABLE, "The other studio does not accept this studio's key.", SET_UP)
    if status == 402:
        return EngineError(UNAVAILABLE, "This studio's account at the other one does not cover the take.", SET_UP)
    code = str(body.get("error_code") or body.get("errorCode") or body.get("code") or "generation_pipeline_failed")
    message = str(body.get("error") or body.get("message") or f"The other studio refused the take ({status}).")
    return EngineError(code, message, str(body.get("suggestion") or ""))


def _time(moment: Any) -> datetime:
    parsed = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment).replace("Z", "+00:00"))
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _extra(made: Any, name: str) -> str:
    return str((made.model_extra or {}).get(name) or "")
