"""The two spoken lines: their sound and the times of their phones.

Sound: FLAC, 24 kHz mono. Times: one row a phone, ARPABET, in seconds from the first sample, read off the recording to
about 5 ms. Both voices are synthetic; `README.md` in this folder tells how they were made.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..media.audio import read_mono

FOLDER = Path(__file__).parent / "speech"
RATE = 24_000

OWN_LINE = "own_line"
NEW_LINE = "new_line"
WORDS = {
    OWN_LINE: "This is a portrait with a voice made by a machine. The picture begins to speak, and every frame of the "
    "mouth is known. Watch the lips open and close.",
    NEW_LINE: "Now the same person says another line. Both lips should close for people, for boats, and for a map, "
    "then open for the words that follow.",
}


@dataclass(frozen=True)
class Phone:
    """One speech sound: ARPABET name, stress 0..2, from ``start_s`` to ``end_s``; a stop bursts at ``release_s``."""

    name: str
    stress: int
    start_s: float
    end_s: float
    release_s: float | None = None

    @property
    def closed_until_s(self) -> float:
        """Where the closure of a stop or a nasal ends."""
        return self.end_s if self.release_s is None else self.release_s


@dataclass(frozen=True)
class Line:
    """A recording (N,) float32 at ``RATE`` with its phones in order."""

    name: str
    words: str
    samples: np.ndarray
    phones: tuple[Phone, ...]

    @property
    def duration_s(self) -> float:
        """Length of the recording."""
        return len(self.samples) / RATE

    def first(self, seconds: float) -> Line:
        """The beginning of the line, cut to the sample; phones that are cut off are left out."""
        kept = tuple(phone for phone in self.phones if phone.end_s <= seconds)
        return Line(self.name, self.words, self.samples[: round(seconds * RATE)], kept)


def load_line(name: str) -> Line:
    """Read ``OWN_LINE`` or ``NEW_LINE``."""
    with (FOLDER / f"{name}.tsv").open(encoding="utf-8", newline="") as table:
        phones = tuple(_phone(row) for row in csv.DictReader(table, delimiter="\t"))
    return Line(name, WORDS[name], read_mono(FOLDER / f"{name}.flac", RATE), phones)


def _phone(row: dict[str, str]) -> Phone:
    release = float(row["release_s"]) if row["release_s"] else None
    return Phone(row["phone"], int(row["stress"]), float(row["start_s"]), float(row["end_s"]), release)
