"""Pages of a library with 10,000 files and of a project with 1,000 takes.

    python -m tests.postgres python -m benchmarks.pages [--assets 10000] [--takes 1000]

fills an empty PostgreSQL and prints, for each page, its queries, the median, fastest and slowest of 21 requests in
milliseconds on the server's side (from the request handed to Django to the drawn page), the web process's own share of
them, and the kB of scripts and styles that a first visit loads, compressed as they are served: what the page names, and
what those modules import.
"""

import argparse
import os
import re
import statistics
import tempfile
from datetime import timedelta
from pathlib import Path

from studio.redis_server import RedisServer

FOLDER = tempfile.TemporaryDirectory(prefix="studio-pages-")
REDIS = RedisServer(Path(FOLDER.name) / "redis")
REDIS.start()
os.environ |= {"STUDIO_DATA": FOLDER.name, "REDIS_URL": REDIS.url}
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.page_requests import measure  # noqa: E402

REQUESTS = 21
MOST_QUERIES, MOST_MS, MOST_KB = 11, 50, 150
LOADED = re.compile(r'<script[^>]*\bsrc="/static/([^"]+)"|<link rel="stylesheet" href="/static/([^"]+)"')
IMPORTED = re.compile(r'\b(?:from|import)\s*"\./([\w.-]+\.js)"')


def fill(assets: int, takes: int) -> tuple[Client, dict[str, str]]:
    """Somebody signed in, and the address of each page by a name."""
    from apps.accounts.models import User
    from apps.assets.models import Asset
    from apps.generations.models import Generation
    from apps.projects.models import Project
    from apps.workspaces.services import create_workspace

    ada = User.objects.create_user("bench@studio.example", "open-the-studio-1")
    house = create_workspace(name="Bench", owner=ada, slug="bench")
    now = timezone.now()
    facts = {"workspace": house, "created_by": ada, "status": "ready", "duration_s": 30.0, "size": 10**7}
    film = {"kind": "video", "width": 1920, "height": 1080, "fps_num": 25, "fps_den": 1, "thumbnail": "t.webp"}
    sound = {"kind": "audio", "audio_codec": "pcm_s16le", "sample_rate": 48_000, "channels": 2}
    files = Asset.objects.bulk_create(
        Asset(name=f"scene {number}", created_at=now - timedelta(minutes=number), **facts, **(sound, film)[number % 2])
        for number in range(assets)
    )
    video, audio, result = files[1], files[0], files[3]
    project = Project.objects.create(workspace=house, created_by=ada, name="Film", video=video, audio=audio)
    Generation.objects.bulk_create(
        Generation(
            workspace=house,
            project=project,
            number=number,
            created_by=ada,
            created_at=now - timedelta(minutes=takes - number),
            status="COMPLETED",
            report={},
            charged_seconds=30.0,
            video=video,
            audio=audio,
            result=result,
            model="lipsync-2",
            sync_mode="cut_off",
        )
        for number in range(1, takes + 1)
    )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    client = Client(headers={"host": "localhost"})
    client.force_login(ada)
    library, place = reverse("assets:library", args=["bench"]), ["bench", project.pk]
    return client, {
        "library": library,
        "library as a list, by name": f"{library}?view=list&sort=name",
        "library, searched": f"{library}?q=777",
        "library, one project's files": f"{library}?project={project.pk}",
        "projects": reverse("projects:list", args=["bench"]),
        "workbench": reverse("projects:workbench", args=place),
        "all takes": reverse("projects:takes", args=place),
        "a take": reverse("generations:take", args=[*place, takes]),
    }


def loaded_kb(html: str) -> float:
    """kB (1000 bytes) of a page's scripts and styles and of all they import, gzipped as they lie ready for serving."""
    from django.conf import settings

    left = [Path(settings.STATIC_ROOT) / (script or style) for script, style in LOADED.findall(html)]
    seen: set[Path] = set()
    total = 0
    while left:
        path = left.pop()
        if path in seen:
            continue
        seen.add(path)
        packed = path.with_name(f"{path.name}.gz")
        total += (packed if packed.exists() else path).stat().st_size
        if path.suffix == ".js":
            left += [path.parent / name for name in IMPORTED.findall(path.read_text())]
    return total / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=int, default=10_000)
    parser.add_argument("--takes", type=int, default=1_000)
    wanted = parser.parse_args()
    for command in ("collectstatic", "migrate", "load_plans"):
        call_command(command, **({"interactive": False} if command == "collectstatic" else {}), verbosity=0)
    client, addresses = fill(wanted.assets, wanted.takes)
    print(f"{connection.vendor}, {wanted.assets:,} files, {wanted.takes:,} takes")
    print(f"{'page':32} queries  median  fastest  slowest  web process  ms      kB")
    for name, address in addresses.items():
        loaded = loaded_kb(client.get(address).text)
        queries, took, worked = measure(client, address, REQUESTS)
        median = statistics.median(took)
        late = " over" if queries > MOST_QUERIES or median >= MOST_MS or loaded >= MOST_KB else ""
        times = f"{median:7.0f} {min(took):8.0f} {max(took):8.0f} {worked:12.0f}"
        print(f"{name:32} {queries:7} {times} {loaded:11.0f}{late}", flush=True)


if __name__ == "__main__":
    try:
        main()
    finally:
        REDIS.stop()
        FOLDER.cleanup()
