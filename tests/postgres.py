"""A PostgreSQL server of our own for the tests, and a command that runs another one against it.

    python -m tests.postgres pytest -m database      # DATABASE_URL is set for the command that follows

The server lives in a folder that is removed at the end, listens on loopback alone, and does not wait for the disk.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USER = "studio"
SERVER_USER = "nobody"  # PostgreSQL refuses to run as root, and every Linux has this account
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",  # the cluster is thrown away
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",  # 200 threads at once in the test of the spend cap
}


def programs() -> Path | None:
    """Folder of ``initdb`` and ``pg_ctl``; None where PostgreSQL's server is not installed."""
    found = shutil.which("pg_ctl")
    if found:
        return Path(found).resolve().parent
    # Debian keeps the server's programs off the PATH, in a folder per version.
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    return debian[-1].parent if debian else None


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _run(command: list[str], folder: Path) -> None:
    account = SERVER_USER if os.geteuid() == 0 else None
    done = subprocess.run(command, cwd=folder, user=account, capture_output=True, text=True, check=False)
    if done.returncode:
        log = folder / "log"
        raise RuntimeError(f"{command[0]} failed: {done.stderr}{log.read_text() if log.exists() else ''}")


@contextmanager
def server() -> Iterator[str]:
    """Start a server and yield the ``DATABASE_URL`` of an empty database; ``RuntimeError`` where it does not start."""
    found = programs()
    if found is None:
        raise RuntimeError("PostgreSQL's server is not installed: initdb and pg_ctl were not found.")
    folder = Path(tempfile.mkdtemp(prefix="studio-postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, SERVER_USER)
        data, port = str(folder / "data"), _free_port()
        _run([str(found / "initdb"), "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync"], folder)
        options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
        options += f" -p {port} -k {folder}"
        control = [str(found / "pg_ctl"), "-D", data, "-w"]
        _run([*control, "-l", str(folder / "log"), "-o", options, "start"], folder)
        try:
            yield f"postgres://{USER}:studio@127.0.0.1:{port}/postgres"
        finally:
            _run([*control, "-m", "immediate", "stop"], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Run the command that follows with ``DATABASE_URL`` set; returns its exit status."""
    with server() as address:
        return subprocess.run(sys.argv[1:], env=os.environ | {"DATABASE_URL": address}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
