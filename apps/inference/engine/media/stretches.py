"""How a long film is split for reading: behind key frames, so that no worker decodes much of what another one reads."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import av.error
import numpy as np
from numpy.typing import NDArray

from ..errors import video_invalid
from .container import open_input, pictures_of

# Two workers share a minute evenly, and what begins anew at a border (0.5 s of warming up, finding the faces) is 5 %.
STRETCH_S = 15.0
# Frames looked at before a stretch begins: after so many the tracker has settled on a face that it has just taken up,
# and a dissolve that is going on is known from so many.
WARM_UP, CUTS_WARM_UP = 12, 34
SEEK_EARLY_S = 0.6  # lands before the wanted frame even where the first ones after a key frame cannot be shown
# A border moves to where reading can begin at a key frame, if that lies within this share of a stretch; else it stays
# and some frames are decoded twice (a group of pictures lasts 10 s at most as encoders are usually set).
NEAR = 0.2


def shown_frames(video: Path) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Times (F,) in seconds from the first frame, as the file announces them, and whether each is a key frame (F,)."""
    shown: list[tuple[float, bool]] = []
    with open_input(video, video_invalid) as container:
        streams = pictures_of(container)
        with suppress(av.error.FFmpegError):  # a file that breaks off; whoever decodes it finds out as well
            for packet in container.demux(streams[:1]):
                if packet.size and packet.pts is not None and not packet.is_discard:
                    shown.append((float(packet.pts * packet.time_base), bool(packet.is_keyframe)))
    if not shown:
        return np.zeros(0), np.zeros(0, bool)
    times, keys = zip(*sorted(shown), strict=True)
    return np.array(times) - times[0], np.array(keys)


def stretches(times: NDArray[np.float64], keys: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """[first, last) of stretches of about 15 s; one where the film is short or its clock is not to be trusted.

    ``times`` and ``keys`` as :func:`shown_frames` gives them.
    """
    count = len(times)
    parts = round(float(times[-1]) / STRETCH_S) if count > 1 else 1
    if parts < 2 or np.any(np.diff(times) <= 0):
        return [(0, count)]
    # Of each key frame the first one that can begin a stretch without anything before the key frame being decoded.
    at = np.searchsorted(times, times[keys] + SEEK_EARLY_S, side="right") + CUTS_WARM_UP
    borders = [0]
    for part in range(1, parts):
        wanted = round(count * part / parts)
        nearest = int(at[np.argmin(np.abs(at - wanted))])
        borders.append(nearest if abs(nearest - wanted) <= NEAR * count / parts else wanted)
    return list(pairwise([*borders, count]))
