"""Runs the footage check of an asset on a worker; the analysis it makes is kept for the takes of that file."""

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.utils import timezone

from apps.assets import files
from apps.assets.footage import faces_name, head_name
from apps.assets.models import Asset, CheckStatus, FootageCheck, Kind
from apps.inference import work
from apps.inference.backends.native import NativeBackend
from apps.inference.engine.analysis import FootageAnalysis, analyse_footage
from apps.inference.engine.errors import EngineError
from apps.inference.engine.footage.check import check_footage, check_sound
from apps.inference.engine.footage.findings import FootageCheck as Checked
from apps.inference.engine.footage.heard import Sound, listen
from apps.inference.engine.footage.places import face_places
from apps.inference.engine.people import head_file
from apps.inference.engine.speech.analysis import SpeechAnalysis, analyse_speech
from apps.inference.running import TRANSIENT

log = logging.getLogger(__name__)

# A second message for the same asset within this time finds a worker at it.
TAKEN_FOR = timedelta(minutes=15)
FAILED_CODE = "generation_unknown_error"


def run_check(asset_id: UUID, *, redelivered: bool = False) -> None:
    """Look through one asset and store what was found; a file that cannot be checked stays usable."""
    check = _claimed(asset_id, redelivered)
    if check is None:
        return
    try:
        found = _look(check.asset)
    except TRANSIENT:
        _store(check, status=CheckStatus.WAITING)
        raise
    except EngineError as error:
        _fail(check, error.code, str(error))
        return
    except SoftTimeLimitExceeded:
        _fail(check, "generation_timeout", "The file takes too long to look through. It can be used all the same.")
        return
    except Exception:
        log.exception("check of asset %s failed", asset_id)
        _fail(check, FAILED_CODE, "The file could not be looked through. It can be used all the same.")
        return
    result = found.to_dict()
    _store(check, status=CheckStatus.READY, result=result, engine_version=found.version, finished_at=timezone.now())


def give_up(asset_id: UUID) -> None:
    """End a check that has killed its worker again and again; the file can be used all the same."""
    for check in FootageCheck.objects.filter(asset=asset_id).exclude(status=CheckStatus.READY):
        _fail(check, FAILED_CODE, "Looking through the file stopped the program that does it, each time.")


def _claimed(asset_id: UUID, redelivered: bool) -> FootageCheck | None:
    """The check, where this worker shall do it: nobody is at it, or whoever was has died."""
    rows = FootageCheck.objects.filter(asset=asset_id, asset__deleted_at=None)
    now = timezone.now()
    free = rows.filter(status=CheckStatus.WAITING) | rows.filter(
        status=CheckStatus.RUNNING, started_at__lt=now if redelivered else now - TAKEN_FOR
    )
    if not FootageCheck.objects.filter(pk__in=free.values("pk")).update(status=CheckStatus.RUNNING, started_at=now):
        return None
    return rows.select_related("asset").first()


def _fail(check: FootageCheck, code: str, message: str) -> None:
    _store(check, status=CheckStatus.FAILED, error_code=code, error_message=message, finished_at=timezone.now())


def _store(check: FootageCheck, **values: Any) -> None:
    FootageCheck.objects.filter(pk=check.pk).update(**values)


def _look(asset: Asset) -> Checked:
    with files.as_path(asset.file.name or "") as path:
        if asset.kind == Kind.AUDIO:
            return check_sound(_heard(path, asset))
        name = work.analysis_name("footage", asset.sha256, _engine())
        if not work.has_folder(name):
            _analyse(path, name)
        with work.open_folder(name) as folder:
            footage = FootageAnalysis.load(folder)
            own = listen(path, settings.MODELS_DIR, footage.own_sound) if footage.info.acodec else None
            found = check_footage(footage, own_sound=own)
            for person in footage.people:
                if head_file(folder, person.id).is_file():
                    files.put(head_file(folder, person.id), head_name(asset, person.id))
            _keep_faces(asset, footage)
    return found


def _keep_faces(asset: Asset, footage: FootageAnalysis) -> None:
    """Where the faces are, beside the heads: the workbench draws its boxes from it."""
    with files.scratch_folder() as scratch:
        places = scratch / "faces.json"
        places.write_text(json.dumps(face_places(footage), separators=(",", ":")))
        files.put(places, faces_name(asset))


def _analyse(path: Path, name: str) -> None:
    """Make and keep the analysis of a video; one that shows no face is kept too, since it says where the cuts are."""
    with files.scratch_folder() as scratch:
        into = scratch / "made"
        try:
            analyse_footage(path, into, models=settings.MODELS_DIR)
        except EngineError:
            if not (into / "footage.json").is_file():
                raise
        work.keep_folder(into, name)


def _heard(path: Path, asset: Asset) -> Sound:
    name = work.analysis_name("speech", asset.sha256, _engine())
    if not work.has_folder(name):
        with files.scratch_folder() as scratch:
            into = scratch / "made"
            into.mkdir()
            analyse_speech(path, into, settings.MODELS_DIR)
            work.keep_folder(into, name)
    with work.open_folder(name) as folder:
        sound = listen(path, settings.MODELS_DIR, SpeechAnalysis.load(folder))
    if sound is None:
        raise EngineError("generation_input_audio_invalid", "No sound can be decoded.", "Export the file again.")
    return sound


def _engine() -> str:
    return f"{NativeBackend.name}-{NativeBackend.version}"
