"""Environment of the test suite, set before Django reads its settings (loaded as a pytest plug-in).

Each pytest process (and each xdist worker) has a data folder of its own that is removed at the end.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

DATA = Path(tempfile.mkdtemp(prefix="studio-test-"))

for name in [name for name in os.environ if name.startswith(("STUDIO_", "S3_")) or name == "EMAIL_URL"]:
    if name not in ("STUDIO_MEDIA_SAMPLES", "STUDIO_MODELS", "STUDIO_FUZZ_INPUTS"):
        del os.environ[name]

(DATA / "static").mkdir()
os.environ["STUDIO_DATA"] = str(DATA)
os.environ["STUDIO_TEST_RUN"] = "1"
os.environ.setdefault("STUDIO_MODELS", str(Path(__file__).resolve().parent.parent / "var" / "models"))
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's event loop runs beside the test's own database calls

# Each process has a server of its own: a worker that one test started must not take the work of another's.
from studio.redis_server import RedisServer  # noqa: E402

server = RedisServer(DATA / "redis")
server.start()
os.environ["REDIS_URL"] = server.url


@atexit.register
def clean_up() -> None:
    """Stop the server and remove the folder; at a hard end of the process too, and harmless when done twice."""
    server.stop()
    shutil.rmtree(DATA, ignore_errors=True)


def pytest_unconfigure() -> None:
    """The end of the session: xdist ends its processes without running exit handlers."""
    clean_up()
