"""The official Python client, unchanged, against a real studio: every method, happy and failing."""

import httpx
import pytest
from sync import Sync
from sync.common import Audio, GenerationOptions, Video
from sync.common.errors import BadRequestError, NotFoundError, UnauthorizedError
from sync.core.api_error import ApiError

from apps.generations.models import Generation, Status

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def sync(studio, key) -> Sync:
    return Sync(base_url=studio, api_key=key)


def test_it_generates_from_files(sync, clip, voice):
    with clip.open("rb") as video, voice.open("rb") as audio:
        made = sync.generations.create_with_files(
            model="lipsync-2", video=video, audio=audio, options='{"sync_mode": "loop", "temperature": 0.8}'
        )
    assert made.status == "PENDING" and made.model == "lipsync-2"
    row = Generation.objects.get(pk=made.id)
    assert (row.sync_mode, row.options["temperature"], row.status) == ("loop", 0.8, Status.PENDING)
    assert (row.video.kind, row.audio.kind) == ("video", "audio")
    assert [item.type for item in made.input] == ["video", "audio"]
    assert httpx.get(made.input[0].url).content == clip.read_bytes()
