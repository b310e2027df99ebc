"""Interlaced pictures, as television and camcorders record them: even and odd rows of two moments woven together.

Such footage stays as it is, and is flagged as it was, for players and editors to take apart. Faces are read and drawn
at the earlier of the two moments: the comb that a moving mouth shows would be lent with its teeth otherwise.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import av
import cv2
import numpy as np
from av.codec.context import Flags
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .video_reader import Planes

Bytes = NDArray[np.uint8]
# Whose rows show the earlier moment: those of the top row or those below it; "" where pictures show one moment only.
Fields = Literal["", "top", "bottom"]

# AVFieldOrder: what is shown first, whichever is stored first.
SHOWN_FIRST: dict[int, Fields] = {2: "top", 3: "bottom", 4: "bottom", 5: "top"}
ROWS = 4  # planes of half the height need a multiple of them
COMB = 4  # levels that a row lies above, or below, both rows of the other moment
AROUND = (3, 7)  # rows and columns of one moment around a comb that belong to it
WINDOW = (31, 15)  # columns and rows of one moment within which there are more combs where something moves
BAND, HALO = 64, 16  # rows worked on at a time, so that they stay in the processor's cache, and those seen beside them


def fields_of(context: Any, picture: Any) -> Fields:
    """How the pictures of a decoder, the first of which is given, are woven.

    It says so itself: of films on discs the stream does, though their pictures are whole.
    """
    if not picture.interlaced_frame or picture.height % ROWS:
        return ""
    return SHOWN_FIRST.get(int(context.field_order), "bottom" if context.name == "dvvideo" else "top")


def take_apart(planes: Planes, fields: Fields) -> None:
    """Make ``planes`` (Y, U, V; changed in place) show the earlier moment: combs of the later one are filled in."""
    for plane in planes:
        if fields == "top":
            earlier, later = plane[0::2], plane[1::2]
            beyond = np.concatenate([earlier[1:], earlier[-1:]])
        else:
            earlier, later = plane[1::2], plane[0::2]
            beyond = np.concatenate([earlier[:1], earlier[:-1]])
        count, was = len(later), later.copy()
        for first in range(0, count, BAND):
            last = min(count, first + BAND)
            low, high = max(0, first - HALO), min(count, last + HALO)
            rows = _filled_in(was[low:high], earlier[low:high], beyond[low:high])
            later[first:last] = rows[first - low : last - low]


def lay_over(drawn: Planes, before: Planes, woven: Planes) -> None:
    """Change ``drawn`` in place to show what is ``woven`` wherever it is what it was ``before`` anything was drawn."""
    for part, was, both in zip(drawn, before, woven, strict=True):
        np.copyto(part, both, where=part == was)


def _filled_in(later: Bytes, earlier: Bytes, beyond: Bytes) -> Bytes:
    """Rows (n, W), new where they do not go with the ``earlier`` ones before and ``beyond`` them.

    Fine detail that stands still looks like a comb as well, but no less so within the rows of one moment.
    """
    comb = _comb(later, earlier, beyond)
    if not cv2.countNonZero(comb):
        return later
    rows = np.concatenate([earlier[:1], earlier, earlier[-1:]])
    detail = _comb(earlier, rows[:-2], rows[2:])
    moves = cv2.compare(cv2.blur(comb, WINDOW), cv2.blur(detail, WINDOW), cv2.CMP_GT)
    around = cv2.bitwise_and(cv2.dilate(comb, np.ones(AROUND, np.uint8)), moves)
    between = cv2.addWeighted(earlier, 0.5, beyond, 0.5, 0)
    return np.asarray(cv2.copyTo(between, around, later.copy()), np.uint8)


def _comb(rows: Bytes, before: Bytes, after: Bytes) -> Bytes:
    """(n, W): 255 where ``rows`` lie above or below both those ``before`` and ``after`` them, else 0."""
    over = cv2.subtract(rows, cv2.max(before, after))
    under = cv2.subtract(cv2.min(before, after), rows)
    return np.asarray(cv2.threshold(cv2.max(over, under), COMB, 255, cv2.THRESH_BINARY)[1], np.uint8)


def weaving(context: Any, fields: Fields) -> None:
    """Tell an encoder that pictures are woven; each of them has to be :func:`flagged` as well.

    x264 has to be told by its own parameters which rows come first: FFmpeg tells it too late (:func:`x264_fields`).
    """
    if fields:
        context.flags |= Flags.interlaced_dct | Flags.interlaced_me


def x264_fields(fields: Fields) -> str:
    """The x264 parameter that says how pictures are woven, "" where they are not."""
    return {"": "", "top": "tff=1", "bottom": "bff=1"}[fields]


def flagged(picture: av.VideoFrame, fields: Fields) -> av.VideoFrame:
    """The same picture, which says which rows come first: PyAV has no other way to say so than FFmpeg's filter."""
    if not fields:
        return picture
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=picture.width, height=picture.height, format=picture.format, time_base=picture.time_base or Fraction(1)
    )
    field, sink = graph.add("setfield", "tff" if fields == "top" else "bff"), graph.add("buffersink")
    source.link_to(field)
    field.link_to(sink)
    graph.configure()
    source.push(picture)
    result = sink.pull()
    assert isinstance(result, av.VideoFrame)
    return result
