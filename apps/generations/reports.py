"""The engine's report, made ready for reading: sentences, the sync meter's bars and the weakest seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.generations.models import Stage

# The meter ends at the first of these that holds every bar; the engine looks for offsets up to 200 ms.
METER_SCALES_MS = (60.0, 120.0, 200.0)
# A second counts as lipsynced when at least half of its frames were.
MOSTLY = 0.5
REASONS = {
    "no_face": "no face in the picture",
    "turned_away": "face turned away",
    "still_mouth": "lips are still",
    "outside_range": "not asked for",
    "obstructed": "mouth is covered",
    "mouth_cut_off": "mouth is cut off",
}


@dataclass(frozen=True)
class Second:
    """One second of the film; ``offset_ms`` is positive where the picture is late, None where it cannot be told."""

    second: int
    driven: bool
    offset_ms: float | None
    agreement: float | None
    within: bool

    @property
    def words(self) -> str:
        if not self.driven:
            return "left as it was"
        return "mouth at rest" if self.offset_ms is None else offset_in_words(self.offset_ms)


@dataclass(frozen=True)
class Passed:
    """A stretch left as it was."""

    start_s: float
    end_s: float
    reason: str

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True)
class Bar:
    """A bar of the meter in its drawing: x in seconds, y and height in percent of the box, 0 at the top."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


@dataclass(frozen=True)
class ReportView:
    duration_s: float
    moved_s: float
    median_offset_ms: float | None
    agreement: float | None
    passed: list[Passed]
    picture: str
    frames: int
    seconds: list[Second]
    frame_ms: float
    worst_first: list[Second]
    timings: list[tuple[str, float]]
    real_time_factor: float | None
    warnings: list[str]
    watermark: bool
    pieces: int
    pieces_kept: int

    @property
    def median_words(self) -> str:
        """The median offset in words; empty where there is none."""
        return "" if self.median_offset_ms is None else offset_in_words(self.median_offset_ms)

    @property
    def passed_s(self) -> float:
        return sum(one.seconds for one in self.passed)

    @property
    def scale_ms(self) -> float:
        """Half height of the meter."""
        largest = max((abs(one.offset_ms) for one in self.seconds if one.offset_ms is not None), default=0.0)
        return next((scale for scale in METER_SCALES_MS if scale >= max(largest, 1.2 * self.frame_ms)), 200.0)

    @property
    def band(self) -> tuple[float, float]:
        """Top and height of the band of one frame either way, in percent."""
        share = min(1.0, self.frame_ms / self.scale_ms) * 50
        return round(50 - share, 2), round(2 * share, 2)

    @property
    def bars(self) -> list[Bar]:
        return [self._bar(one) for one in self.seconds if one.driven and one.offset_ms is not None]

    @property
    def worst(self) -> Second | None:
        return self.worst_first[0] if self.worst_first else None

    def _bar(self, one: Second) -> Bar:
        # At least 2 % high, so that a second without offset is seen.
        height = max(2.0, min(50.0, abs(one.offset_ms or 0.0) / self.scale_ms * 50))
        y = 50 - height if (one.offset_ms or 0.0) > 0 else 50.0
        # Slim in short films, at most four tenths of its second in long ones.
        width = min(0.4, self.duration_s * 0.009)
        left = one.second + (min(1.0, self.duration_s - one.second) - width) / 2
        return Bar(
            round(left, 3), round(y, 2), round(width, 3), round(height, 2), "" if one.within else "off", one.words
        )


def report_view(report: Mapping[str, Any]) -> ReportView:
    """Read a report (see ``engine/report.py``). What an older engine did not write is left empty."""
    fps = float(report.get("fps") or 25.0)
    frame_ms = 1000.0 / fps
    seconds = [_second(row, frame_ms) for row in report.get("per_second", [])]
    off = [one for one in seconds if one.driven and not one.within]
    rate = f"{fps:.2f}".rstrip("0").rstrip(".")
    return ReportView(
        duration_s=float(report.get("duration_s", 0.0)),
        moved_s=float(report.get("lipsynced_s", 0.0)),
        median_offset_ms=report.get("median_offset_ms"),
        agreement=report.get("agreement"),
        passed=[_passed(row) for row in report.get("passed", [])],
        picture=f"{report.get('width', '?')}×{report.get('height', '?')}, {rate} fps",
        frames=int(report.get("frames", 0)),
        seconds=seconds,
        frame_ms=frame_ms,
        worst_first=sorted(off, key=lambda one: -abs(one.offset_ms or 0.0)),
        timings=[(_stage(name), float(value)) for name, value in report.get("timings_s", {}).items()],
        real_time_factor=report.get("real_time_factor"),
        warnings=[_sentence(line) for line in report.get("warnings", [])],
        watermark=bool(report.get("watermark")),
        pieces=int(report.get("pieces", {}).get("count", 0)),
        pieces_kept=int(report.get("pieces", {}).get("kept", 0)),
    )


def offset_in_words(offset_ms: float) -> str:
    """−10 gives "10 ms early": the picture comes before its sound."""
    if abs(offset_ms) < 0.5:
        return "in step"
    return f"{abs(offset_ms):.0f} ms {'late' if offset_ms > 0 else 'early'}"


def _second(row: Mapping[str, Any], frame_ms: float) -> Second:
    offset = row.get("offset_ms")
    return Second(
        second=int(row["second"]),
        driven=float(row.get("driven", 1.0)) >= MOSTLY,
        offset_ms=None if offset is None else float(offset),
        agreement=row.get("agreement"),
        # Half a millisecond bridges 1/29.97 s against a report in whole milliseconds.
        within=offset is None or abs(float(offset)) <= frame_ms + 0.5,
    )


def _passed(row: Mapping[str, Any]) -> Passed:
    reason = str(row["reason"])
    return Passed(float(row["start_s"]), float(row["end_s"]), REASONS.get(reason, reason.replace("_", " ")))


def _stage(name: str) -> str:
    return Stage(name).label if name in Stage.values else name.replace("_", " ").capitalize()


def _sentence(line: Any) -> str:
    return str(line.get("message", "")) if isinstance(line, Mapping) else str(line)
