"""What a program asks every second costs the same few queries, however many rows there are."""

import pytest

from apps.api.models import Call, CallState
from tests.factories import AssetFactory, GenerationFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("path", "queries"), [("generate/{id}", 2), ("generations", 3), ("generations?limit=2", 3)])
@pytest.mark.parametrize("with_segments", [False, True])
def test_looking_costs_few_queries(api, owner, workspace, django_assert_num_queries, path, queries, with_segments):
    """Key with membership, and generations; a list looks at waiting calls too. Where there are segments, their sounds
    take one query for all.
    """
    rows = [GenerationFactory(workspace=workspace, report={"long": "x" * 1000}) for _ in range(3)]
    if with_segments:
        for row in rows:
            sound = AssetFactory(workspace=workspace, audio=True)
            row.segments = [segment(str(sound.pk))]
            row.save()
            row.segment_sounds.create(asset=sound)
    call_of(rows[0], owner)
    address = path.format(id=rows[0].pk)
    api("GET", address)  # notes that the key was used, once a minute
    with django_assert_num_queries(queries + with_segments) as asked:
        found = api("GET", address).json()
    assert not any('"report"' in query["sql"] for query in asked.captured_queries)
    first = found if isinstance(found, dict) else found[0]
    assert all(item["url"].startswith("http") for item in first["input"])
    assert len(first["input"]) == 2 + with_segments
    assert isinstance(found, list) or found["synthesizedAudioUrl"]


def call_of(row, user) -> None:
    """Make the row one that came over the API, with a sound that was spoken for it."""
    items = [{"type": "video", "assetId": str(row.video_id)}, {"type": "audio", "assetId": str(row.audio_id)}]
    items += [{"type": "audio", "assetId": part["audio"]} for part in row.segments]
    Call.objects.create(
        pk=row.pk,
        generation=row,
        workspace=row.workspace,
        user=user,
        body={"model": row.model, "input": items},
        assets={"audio": str(row.audio_id)},
        speeches={"audio": str(row.pk)},
        state=CallState.ADMITTED,
    )


def segment(sound: str) -> dict:
    row = {"start_s": 0.0, "end_s": 2.0, "lipsync": True, "audio": sound, "audio_start_s": 0.0, "audio_end_s": None}
    return row | {"face": None, "options": {}}
