"""Many clients of an HTTP server in one cheap thread: plain sockets that stay open, so that the clients take little of
the machine they measure.
"""

import selectors
import socket
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

READ_BYTES = 256 * 1024
LOST_AFTER_S = 30.0
LATE = "no answer"


@dataclass
class Seen:
    """Seconds of each answer by what was asked for, and what else came: statuses above 399 and broken connections."""

    seconds: dict[str, list[float]]
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def answers(self) -> int:
        return sum(map(len, self.seconds.values()))


def request_bytes(path: str, key: str) -> bytes:
    """A GET as it goes over the wire."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nx-api-key: {key}\r\nAccept: */*\r\n\r\n".encode()


class Client:
    """One client: asks for each of ``requests`` (bytes by kind) in turn, every ``pause`` seconds from ``begins`` on or,
    where the pause is zero, as soon as it has its answer. Times are of the monotonic clock.
    """

    def __init__(self, port: int, requests: Mapping[str, bytes], *, begins: float, pause: float) -> None:
        self.port, self.requests, self.pause = port, list(requests.items()), pause
        self.due = begins
        self.asked = 0
        self.waits = False
        self.answer = bytearray()
        self.connect()

    def connect(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=LOST_AFTER_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)

    @property
    def kind(self) -> str:
        return self.requests[self.asked % len(self.requests)][0]

    def ask(self) -> None:
        self.socket.send(self.requests[self.asked % len(self.requests)][1])
        self.waits = True

    def receive(self) -> int | None:
        """Status of the answer; None while some of it is missing. Raises ``OSError`` where the server hung up."""
        block = self.socket.recv(READ_BYTES)
        if not block:
            raise ConnectionResetError
        self.answer += block
        head, found, body = self.answer.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]):
            return None
        return int(head[9:12])

    def go_on(self, now: float) -> None:
        """Be ready for the next request: a paced one is due when it was meant to be, however late the last answer."""
        self.answer.clear()
        self.waits = False
        self.asked += 1
        self.due = self.due + self.pause if self.pause else now


def load(port: int, requests: Mapping[str, bytes], *, clients: int, seconds: float, pause: float = 0.0) -> Seen:
    """So many clients for so long. Paced ones begin one after another within a pause, as programs that know nothing
    of each other do.
    """
    began = time.monotonic()
    ends = began + seconds
    crowd = [Client(port, requests, begins=began + pause * number / clients, pause=pause) for number in range(clients)]
    seen = Seen({kind: [] for kind in requests})
    with selectors.DefaultSelector() as selector:
        for client in crowd:
            selector.register(client.socket, selectors.EVENT_READ, client)
        while (now := time.monotonic()) < ends or any(client.waits for client in crowd):
            if now > ends + LOST_AFTER_S:
                seen.errors[LATE] += sum(client.waits for client in crowd)
                break
            idle = [client for client in crowd if not client.waits]
            for client in idle:
                if client.due <= now < ends:
                    client.ask()
            next_due = min((client.due for client in idle if not client.waits), default=now + 1)
            for ready, _ in selector.select(max(0.0, min(next_due - time.monotonic(), 1.0))):
                _answered(ready.data, selector, seen)
    for client in crowd:
        client.socket.close()
    return seen


def _answered(client: Client, selector: selectors.BaseSelector, seen: Seen) -> None:
    try:
        status = client.receive()
    except (OSError, ValueError) as error:
        seen.errors[type(error).__name__] += 1
        selector.unregister(client.socket)
        client.socket.close()
        client.connect()
        selector.register(client.socket, selectors.EVENT_READ, client)
        client.go_on(time.monotonic())
        return
    if status is None:
        return
    now = time.monotonic()
    if status >= 400:
        seen.errors[str(status)] += 1
    seen.seconds[client.kind].append(now - client.due)
    client.go_on(now)
