"""The pictures that were decoded last, so that a short film need not be decoded twice."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

BUDGET = 256 << 20  # bytes, whatever the film's length: 194 pictures of 720 lines, 86 of 1080


class RecentPictures:
    """The last of the pictures given, up to a budget: a film is decoded from its start, so its end is what is kept."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = self._left = budget
        self._held: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()

    def wants(self, index: int, frame_count: int, size: tuple[int, int]) -> bool:
        """Whether frame ``index`` would still be held after all of about ``frame_count`` of this width and height."""
        return index >= frame_count - self._budget // (size[0] * size[1] * 3 // 2)

    def keep(self, index: int, picture: NDArray[np.uint8]) -> None:
        """Hold frame ``index``, an I420 picture that nobody changes any more; frames are given in order."""
        self._held[index] = picture
        self._left -= picture.nbytes
        while self._left < 0:
            _, oldest = self._held.popitem(last=False)
            self._left += oldest.nbytes

    def get(self, index: int) -> NDArray[np.uint8] | None:
        """Frame ``index``, to be copied before it is changed, or None where it is not held."""
        return self._held.get(index)
