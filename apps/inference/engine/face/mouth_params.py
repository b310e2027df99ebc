"""What the mouth does, in six numbers a frame: the language sound and picture meet in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .landmarks import (
    APERTURE_PAIRS,
    CHIN_TIP,
    LOWER_LIP_INNER,
    LOWER_LIP_OUTER,
    MOUTH_CORNERS,
    NOSE_BASE,
    RIGID,
    UPPER_LIP_INNER,
    UPPER_LIP_OUTER,
)

Doubles = NDArray[np.float64]

# Columns of every (T, 6) array of mouth parameters, all in eye distances.
APERTURE, WIDTH, JAW, UPPER_LIP, LOWER_LIP, PROTRUSION = range(6)
PARAMETERS = ("aperture", "width", "jaw", "upper lip", "lower lip", "protrusion")


def mouth_params(shapes: NDArray[np.floating]) -> Doubles:
    """Mouth parameters (T, 6) of canonical shapes (T, N, 3), in eye distances.

    aperture: mean of three inner lip distances; width: corner to corner; jaw: chin below the mean of the rigid
    points; upper and lower lip: inner edges below the base of the nose; protrusion: middle of the lips in front of the
    corners (towards the camera positive).
    """
    aperture = np.mean([np.linalg.norm(shapes[:, a] - shapes[:, b], axis=-1) for a, b in APERTURE_PAIRS], axis=0)
    left, right = MOUTH_CORNERS
    width = np.linalg.norm(shapes[:, left] - shapes[:, right], axis=-1)
    jaw = shapes[:, CHIN_TIP, 1] - shapes[:, RIGID, 1].mean(1)
    upper = shapes[:, UPPER_LIP_INNER, 1] - shapes[:, NOSE_BASE, 1]
    lower = shapes[:, LOWER_LIP_INNER, 1] - shapes[:, NOSE_BASE, 1]
    corners = shapes[:, MOUTH_CORNERS, 2].mean(1)
    protrusion = corners - shapes[:, [UPPER_LIP_OUTER, LOWER_LIP_OUTER], 2].mean(1)
    return np.stack([aperture, width, jaw, upper, lower, protrusion], axis=1)
