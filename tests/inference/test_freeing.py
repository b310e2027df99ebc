"""Memory that a step freed goes back to the system."""

import ctypes

import psutil
import pytest

from apps.inference import freeing

PARTS, BYTES = 20_000, 8_000


@pytest.mark.skipif(freeing._trim is None, reason="another allocator")
def test_what_was_freed_in_small_parts_is_given_back():
    malloc, free = ctypes.CDLL(None).malloc, ctypes.CDLL(None).free
    malloc.restype, malloc.argtypes, free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
    parts = [malloc(BYTES) for _ in range(PARTS)]
    for part in parts:
        ctypes.memset(part, 1, BYTES)
    last = malloc(BYTES)  # lies above them, so that glibc cannot cut its heap by itself
    for part in parts:
        free(part)
    held = psutil.Process().memory_info().rss
    freeing.give_back()
    assert held - psutil.Process().memory_info().rss > PARTS * BYTES / 2
    free(last)
