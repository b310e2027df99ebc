"""What the workbench shows: one function for each named region, used by the page and by its partial updates."""

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet, Subquery

from apps.assets.facts import media_facts, sound_facts
from apps.assets.models import Asset, Kind
from apps.billing import limits
from apps.billing.models import Plan
from apps.billing.prices import quote
from apps.billing.templatetags.money import dollars
from apps.catalog.registry import MODELS, OPTIONS, SYNC_MODES, OptionValue, output_seconds
from apps.catalog.specs import ModelSpec, OptionSpec, SyncMode
from apps.generations.models import Generation
from apps.generations.places import NOT_KNOWN, about, in_line
from apps.generations.player import STRAIGHT
from apps.generations.services import Estimate, estimate
from apps.projects.footage import footage_context, marks_of
from apps.projects.forms import KEEP, PERSON
from apps.projects.hearing import heard_facts
from apps.projects.models import Project
from apps.projects.queries import pickable
from apps.projects.rerun import lately_finished, likeness
from apps.workspaces.models import Membership, Role
from studio.templatetags.measures import clock

# The panel lists this many; a longer history is on its own page.
TAKES_SHOWN = 30
# As many sounds are offered for a segment; others are uploaded or renamed to the front.
SOUNDS_SHOWN = 30
# What a segment may set otherwise than the rest of the film, besides its sound and face.
OF_A_SEGMENT = ("temperature", "occlusion_detection_enabled")


@dataclass(frozen=True)
class ModelCard:
    """One model with the price of this job, in micro-dollars (None while a file is missing)."""

    spec: ModelSpec
    selected: bool
    micros: int | None


@dataclass(frozen=True)
class OptionRow:
    """One option as the chosen model has it; ``value`` is kept even where the model does not use it."""

    spec: OptionSpec
    state: str
    why: str
    value: OptionValue

    @property
    def is_on(self) -> bool:
        """Whether a switch is on; a face that is chosen otherwise is none of it."""
        return self.value is True

    @property
    def unswitched(self) -> str:
        """What a switch says while it is off: a person who is chosen stays chosen."""
        if not isinstance(self.value, dict):
            return "off"
        return f"{PERSON}{self.value['id']}" if self.value["kind"] == "person" else KEEP

    @property
    def field(self) -> str:
        return f"option-{self.spec.name}"

    @property
    def number(self) -> str:
        """The value as a number field takes it: a point whatever the language, no idle zeros."""
        return "" if isinstance(self.value, dict) else f"{float(self.value):g}"

    @property
    def limits(self) -> tuple[str, str, str]:
        """Minimum, maximum and step in the same way."""
        return f"{self.spec.minimum:g}", f"{self.spec.maximum:g}", f"{self.spec.step:g}"


@dataclass(frozen=True)
class ModeTile:
    mode: SyncMode
    selected: bool


def workbench_context(membership: Membership, project: Project) -> dict[str, Any]:
    """Everything the page needs. The number of queries does not depend on the number of takes."""
    listed = takes_context(project)
    return draft_context(membership, project, takes=listed["takes"]) | listed


def draft_context(membership: Membership, project: Project, *, takes: list[Generation] | None = None) -> dict[str, Any]:
    """The regions that an edit of the draft changes: files, models, options, sync modes, estimate, timeline facts.

    ``takes`` are the project's, the latest first, where they are at hand.
    """
    now = draft_estimate(project)
    seconds = result_seconds(project)
    footage = footage_context(project, now.plan)
    facts = timeline_facts(project) | heard_facts(project, now.segments) | {"marks": marks_of(footage["findings"])}
    if drives_parts(project) and project.video is not None and project.video.is_ready:
        facts["length"] = project.video.duration_s or seconds
        facts["mode"] = STRAIGHT
    facts["people"] = [
        {"id": one.id, "number": one.number, "called": one.called, "name": one.name, "seconds": one.seconds}
        for one in footage["people"]
    ]
    facts["chosen"] = footage["chosen"]
    facts["cuts"] = [mark["start"] for mark in facts["marks"] if mark["start"] == mark["end"]]
    options = option_rows(project)
    facts["test_price"] = dollars(footage["test_micros"]) if settings.BILLING else ""
    facts["choices"] = {row.spec.name: {"state": row.state, "why": row.why} for row in options}
    return footage | {
        "membership": membership,
        "ws": membership.workspace.slug,
        "project": project,
        "may_edit": membership.may(Role.EDITOR),
        "estimate": now,
        "eta": eta_sentence(now),
        "seconds": seconds,
        "like": likeness(
            project,
            lately_finished(project) if takes is None else takes,
            now.length_s or seconds,
            limits.is_marked(now.plan),
        ),
        "cards": model_cards(project, now.plan, lipsynced_seconds(project, now)),
        "options": options,
        "segment_options": [row for row in options if row.spec.name in OF_A_SEGMENT],
        "tiles": [ModeTile(mode, mode.id == project.sync_mode) for mode in SYNC_MODES.values()],
        "length_sentence": length_sentence(project, seconds),
        "facts": facts,
        "facts_json": json.dumps(facts),
        "waits": any(asset is not None and asset.status == "checking" for asset in (project.video, project.audio)),
        "billing_on": settings.BILLING,
        "segments_json": json.dumps(project.segments),
    }


def segment_sounds(membership: Membership, project: Project) -> list[Asset]:
    """Files that a segment may speak with: those it speaks with now, then the newest of the library."""
    used = {row["audio"] for row in project.segments if row.get("audio")}
    newest = list(pickable(membership, "audio").only("pk", "name", "duration_s", "sound_s")[:SOUNDS_SHOWN])
    missing = used - {str(asset.pk) for asset in newest}
    return newest + list(Asset.objects.in_library(project.workspace).filter(pk__in=missing)) if missing else newest


def takes_context(project: Project) -> dict[str, Any]:
    """The newest takes; how many there are in all comes with them."""
    takes = takes_of(project)
    number = takes.order_by().values("project").annotate(count=Count("pk")).values("count")
    shown = list(takes.annotate(in_all=Subquery(number))[: TAKES_SHOWN + 1])
    return {"takes": shown[:TAKES_SHOWN], "more_takes": shown[0].in_all if len(shown) > TAKES_SHOWN else 0}


def takes_of(project: Project) -> QuerySet[Generation]:
    """Takes as lists show them, newest first."""
    takes = Generation.objects.filter(project=project, deleted_at=None).order_by("-number")
    return takes.select_related("result").defer("report", "result__peaks")


def model_cards(project: Project, plan: Plan, seconds: float | None) -> list[ModelCard]:
    return [
        ModelCard(
            spec=spec,
            selected=spec.id == project.model,
            micros=None if seconds is None else quote(model=spec.id, plan=plan, seconds=seconds).micros,
        )
        for spec in MODELS.values()
    ]


def option_rows(project: Project) -> list[OptionRow]:
    """A row for every option there is; what changes with the model is its state, never its place."""
    support = MODELS[project.model].options
    return [
        OptionRow(spec, support[name].state, support[name].why, project.options.get(name, spec.default))
        for name, spec in OPTIONS.items()
    ]


def draft_estimate(project: Project) -> Estimate:
    return estimate(
        workspace=project.workspace,
        video=project.video,
        audio=project.audio,
        model=project.model,
        sync_mode=project.sync_mode,
        options=project.options,
        segments=project.segments,
    )


def result_seconds(project: Project) -> float | None:
    """Length of the result without segments, where both files are known. A photo is shown as long as the sound."""
    video, audio = project.video, project.audio
    if video is None or audio is None or not (video.is_ready and audio.is_ready):
        return None
    picture_s = audio.heard_s if video.kind == Kind.IMAGE else video.duration_s
    if picture_s is None or audio.heard_s is None:
        return None
    return output_seconds(project.sync_mode, picture_s, audio.heard_s)


def lipsynced_seconds(project: Project, now: Estimate) -> float | None:
    """Seconds of the draft that are lipsynced and paid for, with whatever model."""
    return result_seconds(project) if now.segments is None else now.segments.seconds


def drives_parts(project: Project) -> bool:
    """Whether segments say what is lipsynced; the result is then as long as the video."""
    return any(row.get("lipsync", True) for row in project.segments)


def length_sentence(project: Project, seconds: float | None) -> str:
    """What the sync mode does to these two files, with the resulting length."""
    if seconds is None or project.video is None or project.audio is None:
        return SYNC_MODES[project.sync_mode].sentence
    video_s, audio_s = project.video.duration_s or 0.0, project.audio.heard_s or 0.0
    length = clock(seconds, 1)
    if project.video.kind == Kind.IMAGE:
        return f"The photo is shown as long as the soundtrack lasts: {length}."
    if drives_parts(project):
        return f"With segments the result is as long as the video: {clock(video_s, 1)}."
    if abs(video_s - audio_s) < 0.05:
        return f"Picture and sound are equally long: {length}."
    longer = video_s > audio_s
    match project.sync_mode:
        case "cut_off":
            return f"Ends with the shorter one, the {'soundtrack' if longer else 'video'}: {length}."
        case "silence" if longer:
            return f"Quiet after the soundtrack, {length} in all."
        case "silence":
            return f"Holds the last picture until the soundtrack ends: {length}."
        case "remap":
            return f"The picture runs at {video_s / audio_s:.2f}× to fit the soundtrack: {length}."
    if longer:
        return f"Ends with the soundtrack: {length}."
    return f"The picture plays {'forward and back' if project.sync_mode == 'bounce' else 'again'} until {length}."


def eta_sentence(now: Estimate) -> str:
    """Place in the queue and time until the take is ready; empty while something is in the way."""
    if now.refusals:
        return ""
    return f"{in_line(now.queue_ahead)}, {NOT_KNOWN if now.eta_s is None else f'about {about(now.eta_s)}'}"


def draft_in_words(project: Project) -> str:
    """The draft in one line, to compare it with what is on the page."""
    parts = [project.model, SYNC_MODES[project.sync_mode].label.lower()]
    parts += [asset.name for asset in (project.video, project.audio) if asset is not None]
    return ", ".join(parts)


def timeline_facts(project: Project) -> dict[str, Any]:
    """What the timeline's script draws from: lengths, frame rate, addresses of the files and their peaks."""
    return {
        "mode": project.sync_mode,
        "video": media_facts(project.workspace.slug, project.video),
        "audio": sound_facts(project.workspace.slug, project.audio),
    }
