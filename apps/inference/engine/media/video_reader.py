"""Frames as planar 8-bit 4:2:0, upright, with their times.

No colour conversion takes place for 4:2:0 input: the planes are the decoder's own. Odd sizes are extended by one
repeated row or column, because H.264 in 4:2:0 has even sizes only and no pixel shall be lost.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import av
import cv2
import numpy as np

from ..errors import video_invalid
from .colour import RANGE_FULL, RANGE_LIMITED, ColourTags
from .container import CLOCK_JUMP_S, decode_tolerantly, open_input, pictures_of
from .fields import Fields
from .picture_memory import PictureMemory
from .probe import PICTURE_FORMATS, is_mirrored, quarter_turns, woven

BT709 = ColourTags(range=1, space=1, primaries=1, transfer=1)
SEE_THROUGH = ("rgba", "bgra", "argb", "abgr", "gbrap", "yuva", "ya", "pal8")  # formats that hold transparency
DECODER_THREADS = min(4, os.cpu_count() or 1)
# What the decoder leaves out so that, of the films the engine makes, every n-th picture is left: nothing, those from
# which no other is predicted, all that are predicted from two sides.
LEFT_OUT: dict[int, Literal["DEFAULT", "NONREF", "BIDIR"]] = {1: "DEFAULT", 2: "NONREF", 4: "BIDIR"}


Planes = tuple[np.ndarray, np.ndarray, np.ndarray]


class Frame:
    """One picture: ``planes`` Y (H, W), U and V (H/2, W/2) uint8, to be looked at only, ``time`` in seconds.

    The planes are the decoder's own until ``yuv`` is asked for: where a picture is only looked at, it is not copied.
    """

    def __init__(self, index: int, time: float, picture: Planes | np.ndarray, memory: PictureMemory) -> None:
        self.index, self.time, self._memory = index, time, memory
        if isinstance(picture, tuple):
            self.planes = picture
        else:
            self.planes, self.yuv = split_planes(picture), picture

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, both even."""
        return self.planes[0].shape[1], self.planes[0].shape[0]

    @cached_property
    def yuv(self) -> np.ndarray:
        """The same as one array (3·H/2, W), the luma plane on top of U and V, as I420."""
        yuv = join_planes(self.planes, *self.size, self._memory)
        self.planes = split_planes(yuv)
        return yuv


def split_planes(yuv: np.ndarray) -> Planes:
    """Views of the Y, U and V planes of an I420 array (3·H/2, W)."""
    width, height = yuv.shape[1], yuv.shape[0] * 2 // 3
    chroma = yuv[height:].reshape(2, height // 2, width // 2)
    return yuv[:height], chroma[0], chroma[1]


def copied(planes: Planes) -> Planes:
    """The same planes, to be changed."""
    return planes[0].copy(), planes[1].copy(), planes[2].copy()


class VideoReader:
    """Reads the frames of a video in order of presentation; time 0 is the first frame.

    One that reads ``every`` second or fourth picture leaves out those that tell the decoder how little depends on them,
    which is cheap (see :data:`LEFT_OUT`). Frames then are known by their ``time`` alone. ``fields`` is how pictures are
    woven, known from the first one on.
    """

    def __init__(self, path: Path, every: int = 1) -> None:
        self.path = path
        self._container = open_input(path, video_invalid)
        streams = pictures_of(self._container)
        if not streams:
            self._container.close()
            raise video_invalid(f"The file {path.name} has no picture.", "Choose a video file.")
        self._stream = streams[0]
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.thread_count = DECODER_THREADS
        self._stream.codec_context.skip_frame = LEFT_OUT[every]
        self.colour = ColourTags.of(self._stream.codec_context)
        self.fields: Fields = ""
        self._mirrored: bool | None = None
        self._is_photo = self._container.format.name in PICTURE_FORMATS
        self._size: tuple[int, int] | None = None
        self._origin: float | None = None
        self._counting = every == 1
        self._memory = PictureMemory()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Free the decoder and the file."""
        self._container.close()
        self._memory.close()

    @property
    def announced_s(self) -> float | None:
        """How long the file says its picture is, None where it does not."""
        if self._stream.duration:
            return float(self._stream.duration * Fraction(self._stream.time_base or 1))
        return self._container.duration / av.time_base if self._container.duration else None

    def seek(self, time: float) -> None:
        """Go to a key frame at or before ``time``, so that frames from there on come next; their ``index`` is -1.

        To be called between passes over the frames, after at least one frame has been read.
        """
        assert self._origin is not None
        target = max(0.0, time + self._origin)
        self._container.seek(int(target / Fraction(self._stream.time_base or 1)), stream=self._stream, backward=True)
        self._counting = False

    def __iter__(self) -> Iterator[Frame]:
        step = 1 / float(self._stream.average_rate or 25)
        last, ahead = -step, 0.0
        for index, picture in enumerate(decode_tolerantly(self._container, self._stream)):
            stamp = self._stamp(picture)
            if self._origin is None:
                self._origin = stamp if stamp is not None else 0.0
            time = stamp - self._origin + ahead if stamp is not None else last + step
            if time < last - CLOCK_JUMP_S:
                time, ahead = last + step, ahead + last + step - time
            elif time <= last:  # broken clocks go back; a frame is never shown before the one ahead of it
                time = last + 0.5 * step
            last = time
            yield Frame(index if self._counting else -1, time, self._upright(picture), self._memory)
        if self._origin is None:
            raise video_invalid(f"No picture of {self.path.name} can be decoded.")

    def _stamp(self, picture: Any) -> float | None:
        """When ``picture`` is shown by the file's clock, None where it does not tell.

        AVI only tells in which order pictures are decoded: of H.264 with B-frames FFmpeg takes that for the order in
        which they are shown.
        """
        stamp = picture.dts if self._container.format.name == "avi" else picture.pts
        return float(stamp * picture.time_base) if stamp is not None else None

    def _upright(self, picture: Any) -> Planes | np.ndarray:
        """The decoder's own planes where they stand as they shall, else a copy as one array."""
        if self._mirrored is None:
            self._mirrored = is_mirrored(picture, self.path)
            self.fields = "" if self._is_photo else woven(picture, self._stream.codec_context, self._mirrored)
            self.colour = self.colour.or_else(ColourTags.of(picture))  # some codecs tell with the first picture only
        shown = _on_white(picture) if self._is_photo and picture.format.name.startswith(SEE_THROUGH) else picture
        planes, self.colour = _planes(shown, self.colour)
        if self._mirrored:
            planes = [plane[::-1] for plane in planes]
        if turns := quarter_turns(picture):
            planes = [np.rot90(plane, turns) for plane in planes]
        height, width = (side + side % 2 for side in planes[0].shape)
        self._size = self._size or (width, height)
        if (width, height) != self._size:  # the stream changes size on the way; its first size is kept
            width, height = self._size
            planes = [cv2.resize(np.ascontiguousarray(planes[0]), self._size, interpolation=cv2.INTER_AREA)] + [
                cv2.resize(np.ascontiguousarray(p), (width // 2, height // 2), interpolation=cv2.INTER_AREA)
                for p in planes[1:]
            ]
        luma, blue, red = planes
        if luma.shape == (height, width) and luma.strides[1] == 1:
            return luma, blue, red
        return join_planes(planes, width, height, self._memory)


def join_planes(planes: Sequence[np.ndarray], width: int, height: int, memory: PictureMemory) -> np.ndarray:
    """An I420 array (3·H/2, W) from a Y plane that may be one pixel short of the even size, and its U and V."""
    yuv = memory.picture(height * 3 // 2, width)
    luma = planes[0]
    rows, columns = luma.shape
    yuv[:rows, :columns] = luma
    if columns < width:
        yuv[:rows, columns] = luma[:, -1]
    if rows < height:
        yuv[rows] = yuv[rows - 1]
    chroma = yuv[height:].reshape(2, height // 2, width // 2)
    chroma[0], chroma[1] = planes[1], planes[2]
    return yuv


def _on_white(picture: Any) -> Any:
    """A photo with transparent parts laid onto white: what lies hidden under them is often no picture at all."""
    rgba = picture.to_ndarray(format="rgba").astype(np.float32)
    cover = rgba[..., 3:] / 255
    flat = np.round(rgba[..., :3] * cover + 255 * (1 - cover)).astype(np.uint8)
    return av.VideoFrame.from_ndarray(flat, format="rgb24")


def _planes(picture: Any, colour: ColourTags) -> tuple[list[np.ndarray], ColourTags]:
    """Y, U and V of a decoded picture as 8-bit 4:2:0, with the tags that then hold."""
    name = picture.format.name
    if name.startswith("gray") and colour.range == RANGE_LIMITED:
        # FFmpeg takes all grey for full range, and would squeeze it once more.
        luma = planes_of(picture.reformat(format="gray"))[0]
        half = np.full(((luma.shape[0] + 1) // 2, (luma.shape[1] + 1) // 2), 128, np.uint8)
        return [luma, half, half], colour
    if name.startswith(("rgb", "bgr", "gbr", "pal8", "gray", "mono", "argb", "abgr", "ya")):
        # Pictures and screen recordings: ITU-R BT.709 at limited range is what every player assumes for untagged HD.
        # The range has to be named: a PNG says of its RGB that it is full, which the planes would else become too.
        picture = picture.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range=RANGE_LIMITED)
        colour = BT709
    elif name not in ("yuv420p", "yuvj420p"):
        full = name.startswith("yuvj") or colour.range == RANGE_FULL
        picture = picture.reformat(format="yuvj420p" if full else "yuv420p")
    if picture.format.name == "yuvj420p" and colour.range != RANGE_FULL:
        colour = replace(colour, range=RANGE_FULL)
    return planes_of(picture), colour


def planes_of(picture: Any) -> list[np.ndarray]:
    """Views of the planes of a decoded picture of 8 bits."""
    planes = []
    for plane in picture.planes:
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        planes.append(rows[: plane.height, : plane.width])
    return planes
