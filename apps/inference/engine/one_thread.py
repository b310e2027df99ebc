"""Linear algebra and picture operations on one thread.

The engine's matrices and patches are small: threads that share them spend their time waiting for each other, most of
all on a machine that does other work as well. What runs side by side are whole steps (:mod:`.beside`,
:mod:`.media.prefetch`). One thread also makes the same figures on any number of cores.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar

import cv2
from threadpoolctl import ThreadpoolController

Given = ParamSpec("Given")
Made = TypeVar("Made")


def one_thread(work: Callable[Given, Made]) -> Callable[Given, Made]:
    """``work`` with NumPy, SciPy and OpenCV each held to one thread in this process while it runs."""

    @wraps(work)
    def alone(*args: Given.args, **named: Given.kwargs) -> Made:
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            with _libraries().limit(limits=1, user_api="blas"):
                return work(*args, **named)
        finally:
            cv2.setNumThreads(threads)

    return alone


@cache
def _libraries() -> ThreadpoolController:
    """Those that are loaded by now: all of them, for the engine loads none later. To find them takes milliseconds."""
    return ThreadpoolController()
