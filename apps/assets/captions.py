"""Captions of a film: SubRip or WebVTT is read, and written anew as plain WebVTT.

Only times and plain words are taken over. What a file may hold besides (styles, markup, positions, scripts of other
players) stays behind, so that what is served is ours.
"""

import html
import re
from dataclasses import dataclass
from pathlib import Path

from apps.assets import files
from apps.assets.models import Asset
from apps.assets.naming import asset_folder
from studio.errors import StudioError

# A film of ten hours has about 10,000 captions and 600 kB.
MOST_BYTES, MOST_CUES, MOST_LETTERS = 2 * 1024**2, 20_000, 500
TIME = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
LINE = re.compile(rf"^\s*{TIME}\s*-->\s*{TIME}")
MARKUP = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}")


@dataclass(frozen=True)
class Cue:
    """Words from one second to another."""

    start_s: float
    end_s: float
    text: str


def read_captions(raw: bytes) -> list[Cue]:
    """The cues of a .srt or .vtt file in order of time; raises ``StudioError`` (captions_unreadable, 422)."""
    if len(raw) > MOST_BYTES:
        raise _refusal("The captions are larger than 2 MB.")
    cues: list[Cue] = []
    lines = _decoded(raw).splitlines()
    place = 0
    while place < len(lines) and len(cues) < MOST_CUES:
        found = LINE.match(lines[place])
        place += 1
        if not found:
            continue
        words = []
        while place < len(lines) and lines[place].strip():
            words.append(lines[place].strip())
            place += 1
        start, end = _seconds(found.groups()[:4]), _seconds(found.groups()[4:])
        text = html.unescape(MARKUP.sub("", "\n".join(words))).replace("\x00", "")[:MOST_LETTERS].strip()
        if text and end > start:
            cues.append(Cue(start, end, text))
    if not cues:
        raise _refusal("No captions with times were found in the file.")
    return sorted(cues, key=lambda cue: cue.start_s)


def to_vtt(cues: list[Cue]) -> str:
    """WebVTT with nothing but times and escaped words; an empty line in a text would end its cue."""
    blocks = []
    for cue in cues:
        words = "\n".join(line for line in html.escape(cue.text, quote=False).splitlines() if line.strip())
        blocks.append(f"{_clock(cue.start_s)} --> {_clock(cue.end_s)}\n{words}\n")
    return "WEBVTT\n\n" + "\n".join(blocks)


def keep_captions(*, asset: Asset, raw: bytes) -> int:
    """Put captions beside an asset, in the place of earlier ones; returns how many lines there are."""
    cues = read_captions(raw)
    with files.scratch_folder() as scratch:
        path = Path(scratch) / "captions.vtt"
        path.write_text(to_vtt(cues), encoding="utf-8")
        remove_captions(asset=asset)
        asset.captions = files.put(path, f"{asset_folder(asset.workspace_id, asset.pk)}/captions.vtt")
    asset.save(update_fields=["captions", "updated_at"])
    return len(cues)


def remove_captions(*, asset: Asset) -> None:
    """Take captions away."""
    if asset.captions:
        asset.captions.delete(save=False)
        Asset.objects.filter(pk=asset.pk).update(captions="")


def _decoded(raw: bytes) -> str:
    """Text of a file whose encoding nobody states: UTF-8 and UTF-16 are told by what is inside, the rest is Latin."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, part = (int(value or 0) for value in (*parts[:3], (parts[3] or "").ljust(3, "0")))
    return hours * 3600 + minutes * 60 + seconds + part / 1000


def _clock(seconds: float) -> str:
    millis = round(seconds * 1000)
    return f"{millis // 3_600_000:02d}:{millis // 60_000 % 60:02d}:{millis // 1000 % 60:02d}.{millis % 1000:03d}"


def _refusal(message: str) -> StudioError:
    return StudioError("captions_unreadable", message, "Choose a .srt or .vtt file.", status=422, field="captions")
