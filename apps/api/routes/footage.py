"""The footage check: what is to be known of a file before anything is spent on it."""

from typing import Any

from apps.api import answers
from apps.api.errors import ApiError
from apps.api.intake import asset_by_id
from apps.api.routing import Caller, Param, route
from apps.assets.footage import check_of
from apps.catalog.registry import model_spec

MODEL = Param("model", {"type": "string"}, "advice for this model alone; without it, for each model by its id")
CODES = ("asset_not_found", "invalid_asset_id_format", "asset_not_ready", "generation_unsupported_model")


@route(
    "GET",
    "assets/{asset_id}/check",
    summary="Check a file before it is used",
    tag="Assets",
    query=(MODEL,),
    gives=answers.FootageCheck,
    codes=CODES,
)
def check(caller: Caller, asset_id: str) -> dict[str, Any]:
    """Free. It runs by itself once a file is here; while `status` is WAITING or RUNNING, ask again in a second."""
    asset = asset_by_id(caller.membership, asset_id)
    model = caller.request.GET.get("model") or None
    if model:
        model_spec(model)
    found = check_of(asset)
    if found is None:
        raise ApiError("asset_not_ready", field="asset_id")
    result = found.result or {}
    return {
        "assetId": str(asset.pk),
        "status": found.status.upper(),
        "error": found.error_message or None,
        "errorCode": found.error_code or None,
        "durationSeconds": result.get("duration_s"),
        "suggestedModel": result.get("suggested_model"),
        "cutsSeconds": result.get("cuts_s", []),
        "findings": [_finding(finding, model) for finding in result.get("findings", [])],
        "people": [_person(person) for person in result.get("people", [])],
    }


def _finding(finding: dict[str, Any], model: str | None) -> dict[str, Any]:
    advice = finding["advice"]
    return {
        "kind": finding["kind"],
        "severity": finding["severity"].upper(),
        "startSeconds": finding["start_s"],
        "endSeconds": finding["end_s"],
        "reason": finding["reason"],
        "advice": {model: advice[model]} if model and model in advice else {} if model else advice,
        "fixes": finding["fixes"],
    }


def _person(person: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": person["id"],
        "firstSeconds": person["first_s"],
        "lastSeconds": person["last_s"],
        "seconds": person["seconds"],
        "share": person["share"],
        "seenAtSeconds": person["thumbnail_time_s"],
        "box": person["box"],
        "fixed": person["fixed"],
    }
