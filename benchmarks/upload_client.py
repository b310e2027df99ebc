"""The client's side of broken uploads: a film made on the fly, sent by raw HTTP over connections that are torn down.

A film of any size is a second of pictures and, behind its end, one large ``free`` box, which players skip. The box
holds the same random block over and over, each copy with its own number in front, so a piece in the wrong place shows.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import random
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from urllib.parse import urlsplit

import av
import numpy as np
from django.urls import reverse

BLOCK_BYTES = 1024**2
SEND_BYTES = 64 * 1024
TOKEN = "a" * 32  # of forms: the cookie and the header have to agree, no more
PATIENCE_S = 300


class Film:
    """``size`` bytes that a studio takes for a film; ``mark`` makes another film of the same size."""

    def __init__(self, folder: Path, size: int, mark: int = 0) -> None:
        path = folder / "head.mp4"
        _short_film(path)
        head = path.read_bytes()
        self.size = size
        self._head = head + struct.pack(">I4sQ", 1, b"free", size - len(head))
        self._block = random.Random(mark).randbytes(BLOCK_BYTES)

    def read(self, begin: int, end: int) -> Iterator[bytes]:
        """The bytes from ``begin`` to ``end`` in small pieces."""
        while begin < min(end, len(self._head)):
            piece = self._head[begin : min(end, begin + SEND_BYTES)]
            yield piece
            begin += len(piece)
        while begin < end:
            number, inside = divmod(begin - len(self._head), BLOCK_BYTES)
            block = struct.pack(">Q", number) + self._block[8:]
            piece = block[inside : min(inside + SEND_BYTES, inside + end - begin)]
            yield piece
            begin += len(piece)

    def sha256(self, begin: int = 0, end: int | None = None) -> hashlib._Hash:
        """Hash of all of it, or of a stretch."""
        digest = hashlib.sha256()
        for piece in self.read(begin, self.size if end is None else end):
            digest.update(piece)
        return digest


def _short_film(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for index in range(25):
            frame = av.VideoFrame.from_ndarray(np.full((120, 160, 3), 40 + 6 * index, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@dataclass
class Browser:
    """Somebody who is signed in at ``address``; ``breaks`` notes where connections were torn down."""

    address: str
    session: str
    breaks: list[int] = field(default_factory=list)
    sent: int = 0

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (lower case) and body of an answer."""
        link = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=PATIENCE_S)
        link.request(method, path, body, self._headers(headers))
        answer = link.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        link.close()
        return answer.status, *found

    def call(self, method: str, path: str, wish: dict[str, object] | None = None) -> dict[str, object]:
        """The JSON of an answer, which must be a good one."""
        status, _, body = self.ask(method, path, json.dumps(wish or {}).encode())
        if status >= 300:
            raise RuntimeError(f"{method} {path} answered {status}: {body[:300]!r}")
        return json.loads(body)

    def send(
        self, method: str, url: str, film: Film, stretch: tuple[int, int], *, cut: int | None, **headers: str
    ) -> tuple[int, dict[str, str]] | None:
        """Send a stretch of the film; with ``cut`` the connection is reset after so many bytes, and nothing answers."""
        begin, end = stretch
        parts = urlsplit(url)
        link = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE_S)
        link.putrequest(method, parts.path + (f"?{parts.query}" if parts.query else ""))
        for name, value in (headers | {"Content-Length": str(end - begin)}).items():
            link.putheader(name.replace("_", "-"), value)
        link.endheaders()
        for piece in film.read(begin, end if cut is None else begin + cut):
            link.send(piece)
            self.sent += len(piece)
        if cut is not None:
            self.breaks.append(begin + cut)
            # Close with a reset, as a network that is gone: what the other side has not read by then is lost.
            link.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            link.close()
            return None
        answer = link.getresponse()
        answer.read()
        found = answer.status, {name.lower(): value for name, value in answer.getheaders()}
        link.close()
        return found

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        own = {"Cookie": f"sessionid={self.session}; csrftoken={TOKEN}", "X-CSRFToken": TOKEN}
        return own | {name.replace("_", "-"): value for name, value in more.items()}

    def through_the_studio(self, slug: str, film: Film, cuts: list[int]) -> str:
        """By tus: all that is left in one PATCH, torn at each of ``cuts`` (bytes of the file); gives the asset's id."""
        name = base64.b64encode(b"large film.mp4").decode()
        begun = {"Tus_Resumable": "1.0.0", "Upload_Length": str(film.size), "Upload_Metadata": f"filename {name}"}
        _, found, _ = self.ask("POST", reverse("assets:tus_create", args=[slug]), **begun)
        place, waiting = found["location"], list(cuts)
        while True:
            _, found, _ = self.ask("HEAD", place, Tus_Resumable="1.0.0")
            offset = int(found["upload-offset"])
            cut = waiting.pop(0) - offset if waiting else None
            piece = {"Tus_Resumable": "1.0.0", "Upload_Offset": str(offset)}
            piece["Content_Type"] = "application/offset+octet-stream"
            headers = self._headers(piece)
            answer = self.send("PATCH", self.address + place, film, (offset, film.size), cut=cut, **headers)
            if answer is not None and answer[0] == 204:
                return answer[1]["x-asset"]
            if answer is not None and answer[0] not in (409, 423):
                raise RuntimeError(f"PATCH answered {answer[0]}")
            time.sleep(0.5)  # until the studio has noticed

    def past_the_studio(self, slug: str, film: Film, cuts: list[int]) -> str:
        """By signed parts into the bucket, the part round each of ``cuts`` torn once; gives the asset's id."""
        wish = {"name": "large film.mp4", "size": film.size, "type": "video/mp4"}
        state, waiting = self.call("POST", reverse("assets:direct_begin", args=[slug]), wish), list(cuts)
        place, part = str(state["address"]), int(state["partBytes"])
        where = [slug, place.rstrip("/").rpartition("/")[2]]
        numbers = range(1, -(-film.size // part) + 1)
        while missing := [number for number in numbers if number not in state["arrived"]]:
            for number in missing:
                begin, end = (number - 1) * part, min(number * part, film.size)
                cut = waiting.pop(0) - begin if waiting and begin < waiting[0] < end else None
                digest = base64.b64encode(film.sha256(begin, end).digest()).decode()
                wish = {"number": number, "sha256": digest}
                signed = self.call("POST", reverse("assets:direct_part", args=where), wish)
                answer = self.send("PUT", str(signed["url"]), film, (begin, end), cut=cut, **signed["headers"])
                if answer is None:
                    break  # ask how far it is, as a page that was opened again
                if answer[0] != 200:
                    raise RuntimeError(f"PUT answered {answer[0]}")
            state = self.call("GET", place)
        self.call("POST", reverse("assets:direct_finish", args=where))
        deadline = time.monotonic() + PATIENCE_S
        while not state["assetId"]:
            if time.monotonic() > deadline:
                raise TimeoutError("No worker has settled the upload.")
            time.sleep(0.5)
            state = self.call("GET", place)
        return str(state["assetId"])
