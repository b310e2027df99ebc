"""What the player's script is told about a take."""

from typing import Any

from apps.assets.facts import media_facts
from apps.assets.models import Asset
from apps.generations.models import Generation

# Ways of looking at two films, as the address names them; the player's script knows the same (player.js).
VIEWS = ("side", "wipe", "blink", "mouth", "result", "original")
# The sync mode in which picture and result run side by side, as they do in any where segments say what is lipsynced.
STRAIGHT = "cut_off"


def view_asked_for(asked: str, facts: dict[str, Any]) -> str:
    """How the page shows the films from its first drawing on, so that nothing moves once its script is there: what the
    address asks for where this take has it, else the result alone."""
    comparable = asked in VIEWS and facts["original"] is not None
    return asked if comparable and (asked != "mouth" or facts["mouth"]) else "result"


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
        "mode": STRAIGHT if any(row.get("lipsync", True) for row in one.segments) else one.sync_mode,
        "number": one.number,
        "soundtrack_s": one.audio.heard_s or 0.0,
        "straight": against is not None,
        "with": against.number if against is not None else 0,
        "original": media_facts(slug, other),
        "result": media_facts(slug, one.result),
        "mouth": (one.report or {}).get("mouth") or None,
    }
