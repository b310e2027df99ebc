"""python -m apps.inference.engine.sample DEST [--models FOLDER] [--short]"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import EngineError
from ..model_files import models_folder
from .make import SHORT, STANDARD, make_sample


def main() -> int:
    """Write the sample into a folder; 2 when the portrait is not there."""
    parser = argparse.ArgumentParser(prog="python -m apps.inference.engine.sample", description=__doc__)
    parser.add_argument("dest", type=Path, help="folder for video.mp4, new_line.wav and truth.json")
    parser.add_argument("--models", type=Path, default=None, help="folder of unpacked nets (else STUDIO_MODELS)")
    parser.add_argument("--short", action="store_true", help="3 seconds, 320 pixels: for tests")
    given = parser.parse_args()
    try:
        sample = make_sample(given.dest, models_folder(given.models), SHORT if given.short else STANDARD)
    except EngineError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{sample.video}\n{sample.new_line}\n{sample.truth}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
