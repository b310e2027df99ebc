"""The small waveform of a card: the server's peaks drawn as one SVG shape in the card's own text colour."""

import json
from itertools import pairwise

from django.core.files.storage import default_storage

COLUMNS = 120
HALF = 50
# A column of silence is still this tall, in hundredths of the picture, so that the line never breaks.
THINNEST = 0.8
# Below this peak of 127 a recording counts as quiet and is not stretched further.
QUIETEST = 16

SHEET = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 100" preserveAspectRatio="none">'
    '<symbol id="wave" viewBox="0 0 {width} 100" preserveAspectRatio="none">'
    '<path fill="currentColor" d="{path}"/></symbol></svg>'
)


def wave_svg(peaks_name: str) -> bytes:
    """SVG with one symbol ``#wave`` for the peaks file stored under ``peaks_name``."""
    with default_storage.open(peaks_name, "rb") as file:
        peaks = json.load(file)["peaks"]
    return SHEET.format(width=COLUMNS, path=outline(columns(peaks))).encode()


def columns(peaks: list[list[int]], count: int = COLUMNS) -> list[tuple[int, int]]:
    """Lowest and highest value of each of ``count`` equal stretches; a short recording repeats its pairs."""
    if not peaks:
        return [(0, 0)] * count
    edges = [round(index * len(peaks) / count) for index in range(count + 1)]
    stretches = [peaks[start : max(end, start + 1)] or peaks[-1:] for start, end in pairwise(edges)]
    return [(min(low for low, _ in stretch), max(high for _, high in stretch)) for stretch in stretches]


def outline(shape: list[tuple[int, int]]) -> str:
    """Path along the tops from left to right and back along the bottoms, the loudest column filling the height."""
    loudest = max([QUIETEST, *(max(-low, high) for low, high in shape)])
    tops = [HALF - max(THINNEST, high / loudest * HALF) for _, high in shape]
    bottoms = [HALF + max(THINNEST, -low / loudest * HALF) for low, _ in shape]
    forth = " ".join(f"{x},{y:.1f}" for x, y in enumerate(tops))
    back = " ".join(f"{x},{y:.1f}" for x, y in reversed(list(enumerate(bottoms))))
    return f"M{forth} {back}Z"
