"""Run a command that ends with the process that started it: ``python leash.py COMMAND ...``.

A supervisor that is killed cannot stop what it started. Its parts would go on without it, hold the port and write into
the data folder beside those of the next start. Linux tells them; other systems have no such call.
"""

import ctypes
import os
import signal
import sys

SAY_WHEN_THE_PARENT_DIES = 1  # PR_SET_PDEATHSIG

if sys.platform == "linux":
    ctypes.CDLL(None).prctl(SAY_WHEN_THE_PARENT_DIES, signal.SIGTERM)  # outlives the change of program
os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606
