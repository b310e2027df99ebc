"""Arrays are read by one thread at a time: see :mod:`apps.inference.engine.kept_arrays`."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from apps.inference.engine import kept_arrays
from apps.inference.engine.kept_arrays import open_arrays, read_array


def test_no_two_threads_read_arrays_at_once(tmp_path, monkeypatch):
    np.savez(tmp_path / "two.npz", one=np.arange(3))
    np.save(tmp_path / "one.npy", np.arange(3))
    inside, most, load = 0, 0, np.load

    def slowly(*given, **named):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.01)
        found = load(*given, **named)
        inside -= 1
        return found

    def read(at):
        if at % 2:
            return read_array(tmp_path / "one.npy").sum()
        with open_arrays(tmp_path / "two.npz") as arrays:
            return arrays["one"].sum()

    monkeypatch.setattr(kept_arrays.np, "load", slowly)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, range(12))) == [3] * 12
    assert most == 1


def test_what_is_no_archive_is_refused_as_before(tmp_path):
    (tmp_path / "broken.npz").write_bytes(b"x")
    with pytest.raises((ValueError, OSError)), open_arrays(tmp_path / "broken.npz"):
        pass
