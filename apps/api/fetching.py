"""Fetching inputs by URL: guarded addresses, a size and a time limit, broken connections taken up again."""

import re
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from apps.api.addresses import AddressRefused, Target, redirected, target_of
from apps.assets.naming import clean_name

BLOCK_BYTES = 256 * 1024
REDIRECTS = 5
TRIES = 3
CONNECT_S, SILENCE_S = 5.0, 10.0
MOVED = (301, 302, 303, 307, 308)
RANGE = re.compile(r"bytes (\d+)-")


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

    Raises ``FetchFailed``, ``TooLarge`` (more than ``limit`` bytes) or ``TooSlow`` (not whole after ``seconds``).
    """
    ends = time.monotonic() + seconds
    target.write_bytes(b"")
    tag = ""
    for attempt in range(TRIES):
        try:
            tag = _try(url, target, tag, limit, ends)
            break
        except (HTTPError, OSError) as error:
            if attempt + 1 == TRIES:
                raise FetchFailed("The connection broke off.") from error
    size = target.stat().st_size
    if not size:
        raise FetchFailed("The address gives an empty file.")
    return Fetched(clean_name(unquote(urlsplit(url).path)), size)


def _try(url: str, target: Path, tag: str, limit: int, ends: float) -> str:
    """One go at the file, from where the last one broke off; returns the mark of the file's version."""
    have = target.stat().st_size if tag else 0
    headers = {"Range": f"bytes={have}-", "If-Range": tag} if have else {}
    answer = _opened(url, headers, ends)
    try:
        if answer.status not in (200, 206):
            raise FetchFailed(f"The address answers with status {answer.status}.")
        starts = RANGE.match(answer.headers.get("Content-Range", "")) if answer.status == 206 else None
        have = int(starts.group(1)) if starts else 0
        announced = answer.headers.get("Content-Length", "")
        if announced.isdigit() and have + int(announced) > limit:
            raise TooLarge
        _write(answer, target, have, limit, ends)
        return answer.headers.get("ETag", "")
    finally:
        answer.close()


def _write(answer: urllib3.BaseHTTPResponse, target: Path, have: int, limit: int, ends: float) -> None:
    with target.open("r+b") as file:
        file.seek(have)
        file.truncate()
        for block in answer.stream(BLOCK_BYTES, decode_content=False):
            have += len(block)
            if have > limit:
                raise TooLarge
            file.write(block)
            if time.monotonic() > ends:
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
        url = redirected(target, location)
    raise FetchFailed(f"The address redirects more than {REDIRECTS} times.")


def _asked(target: Target, headers: dict[str, str], ends: float) -> urllib3.BaseHTTPResponse:
    left = ends - time.monotonic()
    if left <= 0:
        raise TooSlow
    timeout = urllib3.Timeout(connect=min(CONNECT_S, left), read=min(SILENCE_S, max(1.0, left)))
    ours = {"Host": target.host_header, "User-Agent": "lipsync-studio", "Accept-Encoding": "identity"}
    return target.pool(timeout).urlopen(
        "GET", target.path, headers=ours | headers, redirect=False, preload_content=False, assert_same_host=False
    )
