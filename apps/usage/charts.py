"""Charts as SVG shapes: numbers in, rectangles and lines out. Templates draw them; colours are classes of the sheet.

The drawing is WIDTH by HEIGHT units and stretched to its place, so nothing in it may depend on proportions: text stands
beside it in HTML. Each chart has a table of the same figures under it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log10

WIDTH, HEIGHT = 720.0, 190.0
GRID_LINES = 3
BAR_SHARE = 0.68  # of the room of a day
SERIES_LIMIT = 4
OTHERS = "Others"


@dataclass(frozen=True)
class Bar:
    """One rectangle; ``series`` from 0, or "forecast"."""

    x: float
    y: float
    width: float
    height: float
    series: str


@dataclass(frozen=True)
class Mark:
    """A label of an axis at ``at`` percent of its length."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """``names`` are the series in the order of their colours; ``lines`` are SVG point lists, ``areas`` closed ones."""

    names: Sequence[str]
    grid: Sequence[float]
    y_marks: Sequence[str]
    x_marks: Sequence[Mark]
    bars: Sequence[Bar] = ()
    lines: Sequence[str] = ()
    area: str = ""

    @property
    def width(self) -> float:
        return WIDTH

    @property
    def height(self) -> float:
        return HEIGHT


def round_top(value: float) -> float:
    """The smallest of 3, 6, 9, 12, 15, 24, 30 times a power of ten that is not below ``value``: a third of it is round.

    1 for nothing, so that an empty chart still has an axis.
    """
    if value <= 0:
        return 1.0
    power = 10 ** (ceil(log10(value)) - 1)
    return next(step * power for step in (1.2, 1.5, 2.4, 3, 4.5, 6, 9, 12, 15) if step * power >= value * 0.999_999)


def stacked(
    days: Sequence[str], series: Mapping[str, Sequence[float]], forecast: Sequence[float], *, money: bool = True
) -> Chart:
    """Bars per day, the first series at the foot. ``forecast`` has a value for days still to come, 0 for the others."""
    totals = [sum(values[index] for values in series.values()) for index in range(len(days))]
    top = round_top(max([*totals, *forecast], default=0.0))
    step = WIDTH / max(1, len(days))
    bars: list[Bar] = []
    for index in range(len(days)):
        x, foot = step * (index + (1 - BAR_SHARE) / 2), HEIGHT
        for number, values in enumerate(series.values()):
            tall = values[index] / top * HEIGHT
            if tall > 0:
                # A day's share under one unit would vanish; it shows as a hairline.
                bars.append(Bar(x, foot - max(tall, 0.6), step * BAR_SHARE, max(tall - 0.8, 0.6), str(number)))
                foot -= tall
        if forecast and forecast[index] > 0:
            tall = forecast[index] / top * HEIGHT
            bars.append(Bar(x, foot - tall, step * BAR_SHARE, tall, "forecast"))
    marks = [Mark((index + 0.5) / len(days) * 100, days[index]) for index in range(0, len(days), 7)]
    return Chart(list(series), *_axis(top, money), marks, bars=bars)


def lines(days: Sequence[str], series: Mapping[str, Sequence[float]], *, money: bool = True) -> Chart:
    """One line per series; the ground under the first one is filled."""
    top = round_top(max([value for values in series.values() for value in values], default=0.0))
    step = WIDTH / max(1, len(days) - 1)
    drawn = [
        " ".join(f"{index * step:.1f},{HEIGHT - value / top * HEIGHT:.1f}" for index, value in enumerate(values))
        for values in series.values()
    ]
    area = f"0,{HEIGHT} {drawn[0]} {step * (len(days) - 1):.1f},{HEIGHT}" if drawn and days else ""
    marks = [Mark(index / max(1, len(days) - 1) * 100, days[index]) for index in range(0, len(days), 7)]
    return Chart(list(series), *_axis(top, money), marks, lines=drawn, area=area)


def largest(series: Mapping[str, Sequence[float]], limit: int = SERIES_LIMIT) -> dict[str, Sequence[float]]:
    """The largest series first, the rest summed up as "Others", so that there are never more than four colours."""
    ordered = sorted(series.items(), key=lambda item: -sum(item[1]))
    if len(ordered) <= limit:
        return dict(ordered)
    rest = [sum(column) for column in zip(*(values for _, values in ordered[limit - 1 :]), strict=True)]
    return dict(ordered[: limit - 1]) | {OTHERS: rest}


def _axis(top: float, money: bool) -> tuple[list[float], list[str]]:
    grid = [HEIGHT * index / GRID_LINES for index in range(GRID_LINES + 1)]
    values = [top * (GRID_LINES - index) / GRID_LINES for index in range(GRID_LINES + 1)]
    return grid, [_figure(value, money) for value in values]


def _figure(value: float, money: bool) -> str:
    text = f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"
    return f"${text}" if money else text
