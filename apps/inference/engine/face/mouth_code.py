"""The speaker's own mouth shapes: a few principal components, and how every free point moves with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .landmarks import CODE_POINTS, FREE_POINTS, WARP_POINTS

Doubles = NDArray[np.float64]

COMPONENTS = 8
_BASIS_RIDGE = 1e-4  # relative to the code's variance
_PARAMETER_RIDGE = 1e-3
_FREE = np.isin(WARP_POINTS, FREE_POINTS).astype(np.float64)


@dataclass(frozen=True)
class MouthCode:
    """PCA of the lips, chin and jaw of one speaker.

    mean (M, 3) and components (K, M, 3) over CODE_POINTS; spread (K,) standard deviations of the codes;
    basis (K, P, 3): displacement of every point of WARP_POINTS per unit of code, zero on the anchors;
    from_params (7, K): ridge from the six mouth parameters and a constant to the code.
    """

    mean: Doubles
    components: Doubles
    spread: Doubles
    basis: Doubles
    from_params: Doubles

    def encode(self, shapes: NDArray[np.floating]) -> Doubles:
        """Codes (T, K) of canonical shapes (T, N, 3)."""
        offsets = (shapes[:, CODE_POINTS] - self.mean).reshape(len(shapes), -1)
        return np.asarray(offsets @ self.components.reshape(len(self.components), -1).T)

    def decode(self, codes: Doubles) -> Doubles:
        """The code points (T, M, 3) that codes (T, K) stand for."""
        return np.asarray(self.mean + np.einsum("tk,kmc->tmc", codes, self.components))

    def from_parameters(self, params: Doubles) -> Doubles:
        """Codes (T, K) for wanted mouth parameters (T, 6)."""
        return np.asarray(np.c_[params, np.ones(len(params))] @ self.from_params)

    def displacement(self, code_change: Doubles) -> Doubles:
        """How WARP_POINTS move (T, P, 3), in eye distances, when the code changes by (T, K)."""
        return np.asarray(np.einsum("tk,kpc->tpc", code_change, self.basis))


def learn_mouth_code(shapes: NDArray[np.floating], params: Doubles, components: int = COMPONENTS) -> MouthCode:
    """Fit the code on canonical shapes (T, N, 3) and their mouth parameters (T, 6)."""
    points = shapes[:, CODE_POINTS]
    mean = points.mean(0)
    flat = (points - mean).reshape(len(points), -1)
    _, _, directions = np.linalg.svd(flat, full_matrices=False)
    kept = directions[: min(components, len(directions))]
    codes = flat @ kept.T
    warp = shapes[:, WARP_POINTS]
    moved = (warp - warp.mean(0)).reshape(len(warp), -1)
    gram = codes.T @ codes
    gram += np.eye(len(kept)) * (_BASIS_RIDGE * len(codes) * codes.var() + 1e-12)
    basis = np.linalg.solve(gram, codes.T @ moved).reshape(len(kept), len(WARP_POINTS), 3)
    return MouthCode(
        mean,
        kept.reshape(len(kept), -1, 3),
        codes.std(0),
        basis * _FREE[None, :, None],
        ridge(params, codes, _PARAMETER_RIDGE),
    )


def ridge(inputs: Doubles, targets: Doubles, penalty: float) -> Doubles:
    """Ridge regression (I + 1, O) with an unpenalised constant as its last row."""
    extended = np.c_[inputs, np.ones(len(inputs))]
    weight = np.eye(extended.shape[1]) * penalty
    weight[-1, -1] = 1e-9
    return np.linalg.solve(extended.T @ extended + weight, extended.T @ targets)
