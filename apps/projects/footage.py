"""The footage check as the workbench shows it: a row for each finding, in the words for the chosen model."""

from dataclasses import dataclass, field
from typing import Any

from apps.assets.footage import check_of, holds
from apps.assets.models import Asset, CheckStatus, FootageCheck
from apps.billing.models import Plan
from apps.billing.prices import quote
from apps.catalog.registry import FACE, MODELS, OPTIONS
from apps.projects.models import Project
from apps.projects.people import chosen_person, people_of, who_is_driven

TITLES = {
    "no_face": "No face",
    "several_people": "Several people",
    "small_face": "Face is small",
    "large_face": "Face is large",
    "profile": "Head is turned",
    "obstruction": "Mouth is covered",
    "mouth_cut_off": "Mouth is cut off",
    "captions": "Captions on the face",
    "scene_cut": "Cut",
    "still_image": "Picture stands still",
    "still_lips": "Lips are still",
    "silent_lips": "Lips never move",
    "dark": "Face is dark",
    "blurred": "Out of focus",
    "low_resolution": "Few pixels",
    "interlaced": "Interlaced",
    "no_sound": "No sound",
    "silent_sound": "Sound is silent",
    "quiet_sound": "Sound is quiet",
    "clipped_sound": "Sound is clipped",
    "music": "Music in the sound",
    "sound_offset": "Sound is shifted",
    "too_long": "Too long",
}
SIGNS = {"info": ("info", "pic"), "warning": ("triangle-alert", "warn"), "blocking": ("octagon-alert", "bad")}
PENDING = (CheckStatus.WAITING, CheckStatus.RUNNING)
# A test render: long enough to judge a sentence, short enough to cost next to nothing.
TEST_S = 5.0


@dataclass(frozen=True)
class Fix:
    """A button that mends a finding; the page's script does it to the draft, so that it can be undone."""

    label: str
    action: str
    value: str = ""
    start_s: float = 0.0
    end_s: float = 0.0


@dataclass(frozen=True)
class Row:
    """One finding; ``whole`` where it concerns the film from end to end and has no place on the timeline."""

    title: str
    start_s: float
    end_s: float
    icon: str
    tone: str
    sentence: str
    whole: bool
    of_sound: bool = False
    fixes: list[Fix] = field(default_factory=list)


def footage_context(project: Project, plan: Plan) -> dict[str, Any]:
    """The panels *Footage check* and *Speakers*: their state, rows, people, and the price of a test."""
    checks = [_check(asset) for asset in (project.video, project.audio)]
    shown = [check for check in checks if check is not None]
    people = people_of(checks[0], project)
    settled = who_is_driven(people, project)
    rows = [
        row
        for index, check in enumerate(checks)
        if check
        for row in rows_of(check, project, of_sound=index == 1, settled=settled)
    ]
    suggested = _suggested(checks[0], project)
    return {
        "check_state": _state(shown),
        "check_failed": next((check for check in shown if check.status == CheckStatus.FAILED), None),
        "findings": rows,
        "to_look_at": sum(row.tone != "pic" for row in rows),
        "suggested": suggested,
        "people": people,
        "sounds_apart": any(person.sound for person in people),
        "chosen": chosen_person(project),
        "follows_speaker": project.options.get(FACE) is True,
        "test_seconds": TEST_S,
        "test_micros": quote(model=project.model, plan=plan, seconds=TEST_S).micros,
    }


def _check(asset: Asset | None) -> FootageCheck | None:
    """The check of a file; one that came along with the project costs no query while it holds."""
    if asset is None:
        return None
    known = getattr(asset, "footage_check", None)
    return known if known is not None and holds(known) else check_of(asset)


def _state(checks: list[FootageCheck]) -> str:
    """``none``, ``waiting``, ``ready`` or ``failed``, over both files."""
    if not checks:
        return "none"
    if any(check.status in PENDING for check in checks):
        return "waiting"
    return "failed" if any(check.status == CheckStatus.FAILED for check in checks) else "ready"


def _suggested(check: FootageCheck | None, project: Project) -> str:
    """The model that the check would start with, where it is another one than the chosen."""
    found = (check.result or {}).get("suggested_model", "") if check else ""
    return found if found in MODELS and found != project.model else ""


def rows_of(check: FootageCheck, project: Project, *, of_sound: bool = False, settled: str = "") -> list[Row]:
    """Findings of one file, worst first within the film's order; ``settled`` says who is driven where that is clear."""
    result = check.result or {}
    length = float(result.get("duration_s") or 0.0)
    return [_row(finding, project, length, of_sound, settled) for finding in result.get("findings", [])]


def _row(finding: dict[str, Any], project: Project, length: float, of_sound: bool, settled: str) -> Row:
    start, end = float(finding["start_s"]), float(finding["end_s"])
    icon, tone = SIGNS.get(str(finding.get("severity")), SIGNS["info"])
    kind = str(finding["kind"])
    sentence = f"{finding.get('reason', '')} {finding.get('advice', {}).get(project.model, '')}".strip()
    fixes = [] if of_sound else [fix for raw in finding.get("fixes", []) if (fix := _fix(raw, project)) is not None]
    title = TITLES.get(kind, kind.replace("_", " ").capitalize())
    if kind == "several_people" and settled:
        (icon, tone), sentence, fixes = SIGNS["info"], f"{finding.get('reason', '')} {settled}", []
    return Row(title, start, end, icon, tone, sentence, end - start >= length - 0.1, of_sound, fixes)


def _fix(raw: dict[str, Any], project: Project) -> Fix | None:
    """A fix that would change something in this draft; None for the others."""
    match raw.get("action"):
        case "exclude_range":
            return Fix("Leave as it is", "exclude", start_s=float(raw["start_s"]), end_s=float(raw["end_s"]))
        case "use_model" if raw.get("model") in MODELS and raw["model"] != project.model:
            offered = project.model in raw.get("models", MODELS)
            return Fix(f"Use {raw['model']}", "model", str(raw["model"])) if offered else None
        case "set_option" if raw.get("option") in OPTIONS:
            name = str(raw["option"])
            settable = MODELS[project.model].options[name].state == "available"
            if settable and not project.options.get(name, OPTIONS[name].default):
                return Fix(f"Turn on {OPTIONS[name].label.lower()}", "option", name)
    return None


def marks_of(rows: list[Row]) -> list[dict[str, Any]]:
    """What the strip under the timeline draws; cuts are kept apart, since edges snap to them."""
    return [
        {"start": row.start_s, "end": row.end_s, "tone": row.tone, "title": row.title, "says": row.sentence}
        for row in rows
        if not row.whole and not row.of_sound
    ]
