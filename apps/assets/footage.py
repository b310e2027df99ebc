"""The footage check of an asset: free, runs by itself once the file is ready, and never stands in its way."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.assets.models import Asset, CheckStatus, FootageCheck, Kind
from apps.assets.naming import asset_folder
from apps.inference.engine.versions import ENGINE_VERSION
from studio.celery import app as celery_app

# Longer files are looked through by the workers that render, or short ones would wait behind them.
LONG_S = 180
# A check that has not answered by then was lost with its worker.
LOST_AFTER = timedelta(minutes=20)
# What fits under a face.
PERSON_NAME = 60


def check_of(asset: Asset) -> FootageCheck | None:
    """The check of a ready asset, asked for where there is none that holds; None for others."""
    if not asset.is_ready or asset.deleted_at is not None:
        return None
    check = FootageCheck.objects.filter(asset=asset).first()
    return check if check is not None and holds(check) else request_check(asset)


def holds(check: FootageCheck) -> bool:
    """Whether a check need not be asked for anew: it is not lost, and counts people as takes do.

    Another version of the engine may see them otherwise, and the one who was chosen by number would be somebody else.
    """
    if check.status in (CheckStatus.WAITING, CheckStatus.RUNNING):
        return check.requested_at >= timezone.now() - LOST_AFTER
    several = len((check.result or {}).get("people", [])) > 1
    return not (check.is_ready and several and check.engine_version not in ("", ENGINE_VERSION))


def request_check(asset: Asset) -> FootageCheck:
    """Have an asset looked through, anew where it was before; the last result stays until the new one is there."""
    fresh = {"status": CheckStatus.WAITING, "requested_at": timezone.now(), "error_code": "", "error_message": ""}
    check, _ = FootageCheck.objects.update_or_create(asset=asset, defaults=fresh)
    long = asset.kind != Kind.AUDIO and (asset.duration_s or 0) > LONG_S
    task = "inference.check_long_footage" if long else "inference.check_footage"
    transaction.on_commit(lambda: celery_app.send_task(task, args=[str(asset.pk)]), robust=True)
    return check


def name_person(check: FootageCheck, person: int, name: str) -> None:
    """Call somebody that a check has found by a name, in every project with this file; an empty one takes it away."""
    name = " ".join("".join(letter for letter in name if letter.isprintable()).split())[:PERSON_NAME]
    with transaction.atomic():
        now = FootageCheck.objects.select_for_update().get(pk=check.pk)
        names = {key: kept for key, kept in now.names.items() if key != str(person)}
        check.names = names | ({str(person): name} if name else {})
        FootageCheck.objects.filter(pk=check.pk).update(names=check.names)


def head_name(asset: Asset, person: int) -> str:
    """Where the picture of a person's head is stored."""
    return f"{asset_folder(asset.workspace_id, asset.pk)}/person-{person}.webp"


def faces_name(asset: Asset) -> str:
    """Where it is stored in which place of the picture the faces are, over time."""
    return f"{asset_folder(asset.workspace_id, asset.pk)}/faces.json"
