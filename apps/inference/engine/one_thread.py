"""Linear algebra on one thread.

The engine's matrices are small: threads that share them spend their time waiting for each other, most of all on a
machine that does other work as well. One thread also makes the same figures on any number of cores.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

Given = ParamSpec("Given")
Made = TypeVar("Made")


def one_thread(work: Callable[Given, Made]) -> Callable[Given, Made]:
    """``work`` with NumPy's and SciPy's linear algebra held to one thread in this process while it runs."""

    @wraps(work)
    def alone(*args: Given.args, **named: Given.kwargs) -> Made:
        with threadpool_limits(limits=1, user_api="blas"):
            return work(*args, **named)

    return alone
