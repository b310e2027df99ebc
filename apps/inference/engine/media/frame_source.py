"""Frames of a video by number, in whatever order a timeline asks for them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import av.error
import numpy as np
from numpy.typing import NDArray

from .container import CLOCK_JUMP_S
from .recent import RecentPictures
from .video_reader import Frame, VideoReader

HELD_BYTES = 192 << 20  # pictures kept for playing backward: 60 at 1080x1920
LEAST_HELD = 16  # frames
LONG_WAY = 120  # frames ahead from which on seeking is tried instead of decoding everything in between
SEEK_EARLY_S = 0.6  # lands before the wanted frame even where the first ones after a key frame cannot be shown
TIME_TOLERANCE_S = 2e-3


class FrameSource:
    """Reads forward as long as it can, seeks where that pays, and holds a stretch of frames when played backward."""

    def __init__(
        self, path: Path, times: NDArray[np.float64], forward: bool = False, recent: RecentPictures | None = None
    ) -> None:
        """``times`` (F,) are the frames' times as the analysis read them; ``recent`` holds some of its pictures.

        One that is only asked ``forward`` holds few frames: memory that is new for each one costs a millisecond.
        """
        self._path, self._times, self._forward, self._recent = path, times, forward, recent
        self._reader: VideoReader | None = None
        self._frames: Iterator[Frame] = iter(())
        self._position = -1
        self._held: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()
        self._can_seek = True

    def close(self) -> None:
        """Free the decoder."""
        if self._reader is not None:
            self._reader.close()

    def picture(self, index: int) -> NDArray[np.uint8]:
        """The I420 picture of frame ``index``, to be copied before it is changed."""
        known = self._recent.get(index) if self._recent is not None else None
        if known is not None:
            return known
        if index in self._held:
            return self._held[index]
        if self._reader is None:
            self._restart()
        if index <= self._position or index > self._position + LONG_WAY:
            self._go_near(index)
        while self._position < index:
            self._advance()
        return self._held[index]

    def _advance(self) -> None:
        frame = next(self._frames, None)
        if frame is None:  # the film decodes shorter than before: its last picture stands for the rest
            self._position += 1
            self._hold(self._position, self._held[next(reversed(self._held))])
            return
        if frame.index >= 0:
            self._position = frame.index
        else:
            self._position = max(self._position + 1, self._nearest(frame.time))  # frames may be 1 ms apart
        self._hold(self._position, frame.yuv)

    def _go_near(self, index: int) -> None:
        """Continue from some frame before ``index``; when going backward, far enough to hold a stretch."""
        if self._position < 0:
            self._advance()
        backward = index <= self._position
        if not backward and index <= self._position + LONG_WAY:
            return
        room = self._room()
        wanted = max(0, index - (room - 8 if backward else 0))
        if self._can_seek and wanted > 0 and self._reader is not None:
            frame = None
            with suppress(av.error.FFmpegError):  # a bare stream has nothing to find a place by
                self._reader.seek(self._times[wanted] - SEEK_EARLY_S)
                self._frames = iter(self._reader)
                frame = next(self._frames, None)
            nearest = -1 if frame is None else self._nearest(frame.time)
            if (
                frame is not None and nearest <= index
                and abs(self._times[nearest] - frame.time) <= TIME_TOLERANCE_S
            ):  # fmt: skip
                self._position = nearest
                self._hold(nearest, frame.yuv)
                return
            self._can_seek = False  # the file's clock or index is broken: count from the beginning
        if backward or not self._can_seek:
            self._restart()

    def _nearest(self, time: float) -> int:
        """The number of the frame that is shown at ``time``."""
        after = min(int(np.searchsorted(self._times, time)), len(self._times) - 1)
        before = max(0, after - 1)
        return before if time - self._times[before] < self._times[after] - time else after

    def _restart(self) -> None:
        self.close()
        self._reader = VideoReader(self._path)
        self._frames, self._position = iter(self._reader), -1
        announced_s = self._reader.announced_s
        if announced_s is not None and announced_s < self._times[-1] - CLOCK_JUMP_S / 2:
            self._can_seek = False  # its clock begins anew on the way: one time is that of several frames

    def _hold(self, index: int, picture: NDArray[np.uint8]) -> None:
        self._held[index] = picture
        self._held.move_to_end(index)
        while len(self._held) > self._room():
            self._held.popitem(last=False)

    def _room(self) -> int:
        size = next(iter(self._held.values())).nbytes if self._held else 1
        return LEAST_HELD if self._forward else max(LEAST_HELD, min(256, HELD_BYTES // size))
