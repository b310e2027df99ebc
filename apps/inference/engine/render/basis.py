"""How faces in general move when the mouth does: for speakers whose own footage shows no movement.

One linear map, learnt from the speakers of the GRID corpus (Cooke, Barker, Cunningham, Shao 2006; CC BY 4.0) by
`python -m apps.inference.engine.render.basis CLIP…`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..face.canonical import canonicalise
from ..face.landmarks import FREE_POINTS, WARP_POINTS
from ..face.mouth_code import ridge
from ..face.mouth_params import mouth_params
from ..face.tracker import FaceTracker
from ..kept_arrays import read_array
from ..media.video_reader import VideoReader
from ..model_files import models_folder

Doubles = NDArray[np.float64]

BASIS_FILE = Path(__file__).with_name("generic_basis.npy")
PENALTY = 1e-3


def generic_basis() -> Doubles:
    """(6, P, 3): displacement of the warp points per unit of each mouth parameter, all in eye distances."""
    return read_array(BASIS_FILE).astype(np.float64)


def generic_displacement(change: Doubles) -> Doubles:
    """(N, P, 3) for changes (N, 6) of the mouth parameters."""
    return np.einsum("ns,spc->npc", change, generic_basis())


def learn_basis(clips: Sequence[Path]) -> Doubles:
    """Pooled regression of canonical displacement on the change of mouth parameters, each clip about its own mean."""
    changes, moves, templates = [], [], []
    for clip in clips:
        tracker = FaceTracker(models_folder())
        with VideoReader(clip) as reader:
            seen = [points for frame in reader if (points := tracker.track(frame.yuv)) is not None]
        faces = canonicalise(np.stack(seen))
        params = mouth_params(faces.shapes)
        shapes = faces.shapes[:, WARP_POINTS]
        templates.append(faces.template[WARP_POINTS])
        changes.append(params - params.mean(0))
        moves.append((shapes - shapes.mean(0)).reshape(len(shapes), -1))
    weights = ridge(np.concatenate(changes), np.concatenate(moves), PENALTY)[:-1]
    basis = weights.reshape(-1, len(WARP_POINTS), 3) * np.isin(WARP_POINTS, FREE_POINTS)[None, :, None]
    return _symmetric(basis, np.mean(templates, axis=0))


def _symmetric(basis: Doubles, template: Doubles) -> Doubles:
    """The mean of the basis and its mirror picture: few speakers lean to one side, people do not."""
    flip = np.array([-1.0, 1.0, 1.0])
    distance = np.linalg.norm(template[:, None] - (template * flip)[None], axis=2)
    return (basis + (basis * flip)[:, distance.argmin(1)]) / 2


if __name__ == "__main__":
    np.save(BASIS_FILE, learn_basis([Path(name) for name in sys.argv[1:]]).astype(np.float16))
