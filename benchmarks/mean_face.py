"""Makes the mean face that turned heads are read by, from clips of people seen from the front.

    python -m benchmarks.mean_face FOLDER [-o apps/inference/engine/face/mean_face.npy]

FOLDER holds one clip a person. The file in the repository comes from ten people of the GRID corpus (Cooke, Barker,
Cunningham, Shao: "An audio-visual corpus for speech perception and automatic speech recognition", J. Acoust. Soc. Am.
120(5), 2006; CC BY 4.0): each one's median face in three dimensions as the landmark net reads it, all of them averaged
and made mirror-symmetric. No picture of anybody is in it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from apps.inference.engine.face.from_the_front import MEAN_FACE
from apps.inference.engine.face.landmarks import EYE_CORNERS, POINTS, RIGID
from apps.inference.engine.model_files import models_folder

from .footage import ROOT, VIDEO_SUFFIXES, look

SUFFIXES = (*VIDEO_SUFFIXES, ".mpg")


def main(arguments: list[str] | None = None) -> int:
    """Write the file; 2 where no clip shows a face."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mean_face", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, help="clips, one a person")
    parser.add_argument("-o", "--output", type=Path, default=MEAN_FACE)
    given = parser.parse_args(arguments)
    models = models_folder(ROOT / "var" / "models")
    clips = sorted(path for path in given.folder.iterdir() if path.suffix.lower() in SUFFIXES)
    faces = [seen.track.faces.template[:POINTS] for path in clips if (seen := look(path, models)) is not None]
    if not faces:
        print("No clip shows a face.", file=sys.stderr)
        return 2
    np.save(given.output, mean_of(faces).astype(np.float16))
    print(f"{given.output}: the mean of {len(faces)} people")
    return 0


def mean_of(faces: list[np.ndarray]) -> np.ndarray:
    """(468, 3): mean of pose-free faces (468, 3), mirror-symmetric, the eye distance 1."""
    centred = [face - face[RIGID].mean(0) for face in faces]
    mean = np.mean([face / np.linalg.norm(face[EYE_CORNERS[0]] - face[EYE_CORNERS[1]]) for face in centred], axis=0)
    mirrored = mean * [-1, 1, 1]
    twin = cKDTree(mirrored).query(mean)[1]  # of each point, the one on the other side
    mean = (mean + mirrored[twin]) / 2
    return np.asarray(mean / np.linalg.norm(mean[EYE_CORNERS[0]] - mean[EYE_CORNERS[1]]))


if __name__ == "__main__":
    sys.exit(main())
