"""What the player's script is told about a take."""

from typing import Any

from apps.assets.facts import media_facts
from apps.assets.models import Asset
from apps.generations.models import Generation


def player_facts(one: Generation, *, slug: str, against: Generation | None = None) -> dict[str, Any]:
    """Both films, the sync mode that maps the original to the result, and where the mouth is.

    ``against`` is another take to compare with, which runs straight beside this one; None compares with the source
    video. ``slug`` names the workspace in the addresses of the files.
    """
    assert one.result is not None
    other: Asset = one.video
    if against is not None and against.result is not None:
        other = against.result
    return {
        "mode": one.sync_mode,
        "number": one.number,
        "soundtrack_s": one.audio.duration_s or 0.0,
        "straight": against is not None,
        "with": against.number if against is not None else 0,
        "original": media_facts(slug, other),
        "result": media_facts(slug, one.result),
        "mouth": (one.report or {}).get("mouth") or None,
    }
