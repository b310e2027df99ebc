"""A file of the library as scripts see it."""

from typing import Any

from django.urls import reverse

from apps.assets.models import Asset, Kind


def media_facts(ws: str, asset: Asset | None) -> dict[str, Any] | None:
    """One file as scripts see it; None until it has been checked. Lengths in seconds, sizes in pixels."""
    if asset is None or not asset.is_ready:
        return None
    address = [ws, asset.pk]
    return {
        "id": str(asset.pk),
        "kind": asset.kind,
        "name": asset.name,
        "seconds": asset.duration_s or 0.0,
        "fps": asset.fps or 25.0,
        "width": asset.width,
        "height": asset.height,
        "sound": asset.has_sound,
        "bytes": asset.size,
        "src": reverse("assets:file", args=address),
        "peaks": reverse("assets:peaks", args=address) if asset.peaks else "",
        "thumbnail": reverse("assets:thumbnail", args=address) if asset.thumbnail else "",
        "captions": reverse("assets:captions", args=address) if asset.captions else "",
        "faces": reverse("assets:faces", args=address) if asset.kind == Kind.VIDEO else "",
    }


def sound_facts(ws: str, asset: Asset | None) -> dict[str, Any] | None:
    """The same of a file that is only heard: as long as its sound."""
    facts = media_facts(ws, asset)
    return None if facts is None or asset is None else facts | {"seconds": asset.heard_s or 0.0}
