"""Fetching inputs by URL: guarded addresses, a size and a time limit, broken connections taken up again."""

import re
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from apps.api.addresses import AddressRefused, Target, redirected, target_of
from apps.assets.files import keep_room
from apps.assets.naming import clean_name
from studio.stopping import leave_if_stopping

BLOCK_BYTES = 256 * 1024
REDIRECTS = 5
TRIES = 3
CONNECT_S, SILENCE_S = 5.0, 10.0
MOVED = (301, 302, 303, 307, 308)
RANGE = re.compile(r"bytes ([0-9]{1,18})-")
LENGTH = re.compile(r"[0-9]{1,18}\Z")


class FetchFailed(Exception):
    """The address did not give a file; the text says why."""


class TooSlow(Exception):
    """The time was up before the file was here."""


class TooLarge(Exception):
    """The file is larger than is taken."""


@dataclass(frozen=True)
class Fetched:
    """A file that is here: its name as the address has it, and its bytes."""

    name: str
    size: int


def fetch(url: str, target: Path, *, limit: int, seconds: float) -> Fetched:
    """Write what lies at ``url`` to ``target``.

    Raises ``FetchFailed``, ``TooLarge`` (more than ``limit`` bytes), ``TooSlow`` (not whole after ``seconds``) or
    ``StudioError`` (no room on the disk).
    """
    if seconds <= 0:
        raise TooSlow
    download = _Download(url, target, limit, time.monotonic() + seconds)
    target.write_bytes(b"")
    for attempt in range(TRIES):
        try:
            download.go_on()
            break
        except (HTTPError, OSError) as error:
            leave_if_stopping()
            if attempt + 1 == TRIES:
                raise FetchFailed("The connection broke off.") from error
    size = target.stat().st_size
    if not size:
        raise FetchFailed("The address gives an empty file.")
    return Fetched(clean_name(unquote(urlsplit(url).path)), size)


@dataclass
class _Download:
    """A file on its way. ``tag`` marks its version; with one, a broken connection is taken up where it ended."""

    url: str
    target: Path
    limit: int
    ends: float
    tag: str = ""

    def go_on(self) -> None:
        have = self.target.stat().st_size if self.tag else 0
        headers = {"Range": f"bytes={have}-", "If-Range": self.tag} if have else {}
        answer = _opened(self.url, headers, self.ends)
        try:
            if answer.status not in (200, 206):
                raise FetchFailed(f"The address answers with status {answer.status}.")
            self.tag = answer.headers.get("ETag", "")
            starts = RANGE.match(answer.headers.get("Content-Range", "")) if answer.status == 206 else None
            begins = int(starts.group(1)) if starts else 0
            if begins > have:
                raise FetchFailed("The address gives another part of the file than was asked for.")
            have = begins
            announced = answer.headers.get("Content-Length", "")
            if LENGTH.match(announced) and have + int(announced) > self.limit:
                raise TooLarge
            self._write(answer, have)
        finally:
            answer.close()

    def _write(self, answer: urllib3.BaseHTTPResponse, have: int) -> None:
        with self.target.open("r+b") as file:
            file.seek(have)
            file.truncate()
            # read1 gives what is here, so that little is lost with a connection that breaks off
            while block := answer.read1(BLOCK_BYTES, decode_content=False):
                have += len(block)
                if have > self.limit:
                    raise TooLarge
                keep_room(self.target.parent)
                file.write(block)
                leave_if_stopping()
                if time.monotonic() > self.ends:
                    raise TooSlow
            if time.monotonic() > self.ends:  # hung up, which looks like the end where no length was announced
                raise TooSlow


def _opened(url: str, headers: dict[str, str], ends: float) -> urllib3.BaseHTTPResponse:
    """The answer of the address, through redirects; each hop is checked and pinned anew."""
    for _ in range(REDIRECTS + 1):
        try:
            target = target_of(url)
        except AddressRefused as refused:
            raise FetchFailed(str(refused)) from refused
        answer = _asked(target, headers, ends)
        location = answer.headers.get("Location")
        if answer.status not in MOVED or not location:
            return answer
        answer.close()
        try:
            url = redirected(target, location)
        except ValueError as error:
            raise FetchFailed("The address redirects to one that cannot be read.") from error
    raise FetchFailed(f"The address redirects more than {REDIRECTS} times.")


def _asked(target: Target, headers: dict[str, str], ends: float) -> urllib3.BaseHTTPResponse:
    left = ends - time.monotonic()
    if left <= 0:
        raise TooSlow
    timeout = urllib3.Timeout(connect=min(CONNECT_S, left), read=min(SILENCE_S, max(1.0, left)))
    ours = {"Host": target.host_header, "User-Agent": "lipsync-studio", "Accept-Encoding": "identity"}
    return target.pool(timeout, seconds=max(1.0, left)).urlopen(
        "GET", target.path, headers=ours | headers, redirect=False, preload_content=False, assert_same_host=False
    )
