"""Which video goes with which soundtrack: from a choice in the library or from a CSV file."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.assets.models import Asset, Kind, Status
from apps.billing.models import Plan
from apps.billing.prices import quote
from apps.catalog.registry import output_seconds
from apps.desk.services import LINES_MOST, problem_of
from apps.workspaces.access import visible_to
from apps.workspaces.models import Membership
from studio.errors import StudioError

CSV_LIMIT = 1024**2
# Files of a kind on the page of a new batch; more are found by a name.
OFFERED = 48
HEADER = ["video", "audio"]


@dataclass(frozen=True)
class Pair:
    """A line before it is started: its length and price where both files can be used, else what is in the way."""

    video: Asset
    audio: Asset
    seconds: float
    micros: int
    problem: StudioError | None

    @property
    def value(self) -> str:
        """As a hidden field carries it."""
        return f"{self.video.pk}:{self.audio.pk}"


@dataclass(frozen=True)
class Offer:
    """Files of one kind to choose from: those chosen already, then what a search finds. ``more`` match besides."""

    kind: str
    text: str
    files: list[Asset]
    chosen: set[str]
    more: bool


def offered(membership: Membership, kind: str, text: str, ids: Iterable[str]) -> Offer:
    """What the page of a new batch shows of "video" (photos among them) or "audio"; newest first."""
    kinds = [Kind.AUDIO] if kind == "audio" else [Kind.VIDEO, Kind.IMAGE]
    usable = _ready(membership).filter(kind__in=kinds)
    chosen = list(usable.filter(pk__in=[one for one in ids if _is_id(one)]))
    rest = usable.exclude(pk__in=[asset.pk for asset in chosen])
    found = list((rest.filter(name__icontains=text) if text else rest)[: OFFERED + 1])
    return Offer(kind, text, chosen + found[:OFFERED], {str(asset.pk) for asset in chosen}, len(found) > OFFERED)


def _ready(membership: Membership) -> QuerySet[Asset]:
    """Usable files of the library that this member sees, newest first."""
    return Asset.objects.in_library(membership.workspace).filter(visible_to(membership), status=Status.READY)


def chosen(membership: Membership, ids: Iterable[str]) -> list[tuple[Asset, Asset]]:
    """Every chosen video with every chosen sound; raises ``StudioError`` where that is more than a batch takes."""
    found = _ready(membership).filter(pk__in={text for text in ids if _is_id(text)})
    assets = sorted(found, key=lambda asset: asset.name)
    pictures = [asset for asset in assets if asset.kind in (Kind.VIDEO, Kind.IMAGE)]
    sounds = [asset for asset in assets if asset.kind == Kind.AUDIO]
    lines = len(pictures) * len(sounds)
    if lines > LINES_MOST:  # priced and drawn, those of a thousand files would be a quarter of a million
        message = f"{len(pictures)} videos with {len(sounds)} sounds make {lines} lines."
        raise StudioError("batch_size_invalid", message, f"Keep it to {LINES_MOST}.")
    return [(video, audio) for video in pictures for audio in sounds]


def from_values(membership: Membership, values: Iterable[str]) -> list[tuple[Asset, Asset]]:
    """Pairs as hidden fields carry them; raises ``StudioError`` for a file that is not there any more."""
    split = [value.partition(":")[::2] for value in list(values)[: LINES_MOST + 1]]
    wanted = {text for pair in split for text in pair if _is_id(text)}
    found = Asset.objects.in_library(membership.workspace).filter(visible_to(membership), pk__in=wanted)
    assets = {str(asset.pk): asset for asset in found}
    try:
        return [(assets[video], assets[audio]) for video, audio in split]
    except KeyError as error:
        raise StudioError("asset_not_found", "A file of this batch is gone.", "Choose the files again.") from error


def from_csv(membership: Membership, data: bytes) -> list[tuple[Asset, Asset]]:
    """Pairs from a file with the columns video and audio, each a name or an id of the library."""
    if len(data) > CSV_LIMIT:
        raise StudioError("batch_csv_too_large", "The CSV file is larger than 1 MB.", "Split it.", status=413)
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig").replace("\x00", "")), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise StudioError("batch_csv_invalid", "The file is no CSV in UTF-8.", "Export it again as CSV.") from error
    if not rows or [cell.strip().lower() for cell in rows[0]] != HEADER:
        raise StudioError(
            "batch_csv_header", "The first line of the CSV is not “video,audio”.", "Put these two names there."
        )
    lines = [(number, row) for number, row in enumerate(rows[1:], 2) if any(cell.strip() for cell in row)]
    if len(lines) > LINES_MOST:
        raise StudioError("batch_size_invalid", f"The CSV has {len(lines)} lines.", f"Keep it to {LINES_MOST}.")
    cells = {cell.strip() for _, row in lines for cell in row}
    named = Q(name__in=cells) | Q(pk__in=[cell for cell in cells if _is_id(cell)])
    assets = {str(asset.pk): asset for asset in _ready(membership).filter(named)}
    names: dict[str, list[Asset]] = {}
    for asset in assets.values():
        names.setdefault(asset.name, []).append(asset)
    return [_csv_pair(number, row, assets, names) for number, row in lines]


def _csv_pair(
    number: int, row: list[str], assets: dict[str, Asset], names: dict[str, list[Asset]]
) -> tuple[Asset, Asset]:
    if len(row) != len(HEADER):
        raise StudioError(
            "batch_csv_line", f"Line {number} has {len(row)} cells.", "Each line has a video and an audio."
        )
    found = []
    for cell in row:
        text = cell.strip()
        matching = [assets[text]] if text in assets else names.get(text, [])
        if len(matching) != 1:
            what = "is not in the library" if not matching else "is the name of several files"
            raise StudioError("batch_csv_line", f"Line {number}: “{text[:80]}” {what}.", "Name it as the library does.")
        found.append(matching[0])
    return found[0], found[1]


def priced_pairs(pairs: Iterable[tuple[Asset, Asset]], *, model: str, sync_mode: str, plan: Plan) -> list[Pair]:
    """What each line would be."""
    lines = []
    for video, audio in pairs:
        problem = problem_of(video, audio, model)
        sound = audio.heard_s or 0.0
        picture = sound if video.kind == Kind.IMAGE else video.duration_s or 0.0
        seconds = 0.0 if problem else output_seconds(sync_mode, picture, sound)
        lines.append(Pair(video, audio, seconds, quote(model=model, plan=plan, seconds=seconds).micros, problem))
    return lines


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
