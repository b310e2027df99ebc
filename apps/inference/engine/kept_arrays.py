"""Arrays read from files, by one thread at a time.

NumPy has the head of each array read by Python's own parser, and that of Python 3.11 fails now and then where two
threads are in it ("SystemError: AST constructor recursion depth mismatch"): a take would end for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import IO, Any, Literal

import numpy as np

_reading = RLock()


@contextmanager
def open_arrays(path: Path) -> Iterator[Any]:
    """The named arrays of an .npz file; nobody else reads any meanwhile."""
    with _reading, np.load(path, allow_pickle=False) as archive:
        yield archive


def read_array(file: Path | IO[bytes], mmap_mode: Literal["r", "c"] | None = None) -> Any:
    """The array of an .npy file."""
    with _reading:
        return np.load(file, mmap_mode=mmap_mode)
