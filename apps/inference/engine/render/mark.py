"""The studio's name in the lower right corner of every frame, where a film has to carry it."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..media.video_reader import split_planes
from .layers import Floats

WORDS = "Lipsync Studio"
SIZE = 0.03  # of the picture's height
SMALLEST_PX = 10  # below, the built-in font cannot be read
WIDEST = 0.5  # of the picture's width: an upright phone picture is high, and its name would reach across
INK, EDGE = 0.6, 0.35  # how much of the words and of the shade around them covers the picture
WHITE, BLACK = 235.0, 16.0  # luma of video; in pictures of full range they are a light and a dark grey


class Mark:
    """The words for pictures of one ``size`` (width, height), ready to be laid over any number of them.

    ``sample_aspect`` is how wide a pixel is shown, so that the words are not stretched.
    """

    def __init__(self, size: tuple[int, int], sample_aspect: Fraction = Fraction(1)) -> None:
        letters = _letters(size, float(sample_aspect))
        height, width = letters.shape
        shade = cv2.GaussianBlur(cv2.dilate(letters, np.ones((3, 3), np.uint8)), (0, 0), height / 16) * EDGE
        ink = letters * INK
        self._cover: Floats = ink + shade * (1 - ink)
        self._light: Floats = ink * WHITE + shade * (1 - ink) * BLACK
        self._chroma_cover: Floats = cv2.resize(self._cover, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        #: Where the mark is: x, y, width, height, all even.
        self.box = (size[0] - width, size[1] - height, width, height)

    def blend(self, picture: NDArray[np.uint8]) -> None:
        """Lay the words over an I420 picture (3·H/2, W), in place."""
        x, y, _, _ = self.box
        luma, *chroma = split_planes(picture)
        corner = luma[y:, x:]
        corner[:] = np.rint(corner * (1 - self._cover) + self._light)
        for plane in chroma:
            corner = plane[y // 2 :, x // 2 :]
            corner[:] = np.rint((corner - 128.0) * (1 - self._chroma_cover) + 128.0)


def _letters(size: tuple[int, int], sample_aspect: float) -> Floats:
    """(h, w), both even, 0..1: the words with room around them, no larger than the picture."""
    width, height = size
    pixels = max(SMALLEST_PX, round(SIZE * height))
    font = ImageFont.load_default(pixels)
    long = font.getbbox(WORDS)[2] / sample_aspect
    shrink = min(1.0, WIDEST * width / long)
    room = pixels // 2
    canvas = Image.new("L", (round(font.getbbox(WORDS)[2]) + 2 * room, pixels + 2 * room))
    ImageDraw.Draw(canvas).text((room, canvas.height // 2), WORDS, fill=255, font=font, anchor="lm")
    shown = (
        _even(min(width, canvas.width * shrink / sample_aspect)),
        _even(min(height, canvas.height * shrink)),
    )
    drawn = cv2.resize(np.asarray(canvas), shown, interpolation=cv2.INTER_AREA)
    return np.asarray(drawn, np.float32) / 255


def _even(pixels: float) -> int:
    return max(2, int(pixels) // 2 * 2)
