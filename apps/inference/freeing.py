"""Gives memory that a step has freed back to the system.

glibc keeps what was freed in small parts for the next allocation of the same size, and the next step asks for others: a
worker would hold the sum of its steps. Other systems' allocators have no such call.
"""

import ctypes
from typing import Any

from celery.signals import task_postrun

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)


@task_postrun.connect
def give_back(**signal: Any) -> None:
    """After each task of a worker; some milliseconds."""
    if _trim is not None:
        _trim(0)
