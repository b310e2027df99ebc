"""Smooth warps and soft shapes on a small picture; points are (x, y) in its pixels."""

from __future__ import annotations

import cv2
import numpy as np


def thin_plate(points: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Thin-plate spline through ``values`` (N, 2) at ``points`` (N, 2), evaluated ``at`` (M, 2)."""

    def kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        squared = np.maximum((first**2).sum(1)[:, None] + (second**2).sum(1)[None] - 2 * first @ second.T, 0)
        return np.asarray(squared * np.log(squared + 1e-6))

    count = len(points)
    affine = np.hstack([np.ones((count, 1)), points])
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = kernel(points, points) + 1e-3 * np.eye(count)
    system[:count, count:], system[count:, :count] = affine, affine.T
    solved = np.linalg.solve(system, np.vstack([values, np.zeros((3, 2))]))
    far = kernel(at.astype(np.float32), points.astype(np.float32)) @ solved[:count]
    return np.asarray(far + np.hstack([np.ones((len(at), 1)), at]) @ solved[count:])


def border(shape: tuple[int, int]) -> np.ndarray:
    """Points round the region's rim, which do not move."""
    xs, ys = np.linspace(0, shape[1] - 1, 6), np.linspace(0, shape[0] - 1, 6)
    level = [(x, y) for x in xs for y in (0.0, shape[0] - 1.0)]
    upright = [(x, y) for y in ys[1:-1] for x in (0.0, shape[1] - 1.0)]
    return np.array(level + upright)


def polygon(shape: tuple[int, int], points: np.ndarray, soft: float = 0.0) -> np.ndarray:
    """Coverage 0..1 (h, w) of a polygon, its edge softened by a Gaussian of ``soft`` pixels."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    covered = mask.astype(np.float32) / 255
    return cv2.GaussianBlur(covered, (0, 0), soft) if soft > 0 else covered


def line(shape: tuple[int, int], points: np.ndarray, soft: float, width: int) -> np.ndarray:
    """Coverage 0..1 (h, w) of a soft line through ``points``, ``width`` pixels at its core."""
    mask = np.zeros(shape, np.uint8)
    cv2.polylines(mask, [np.round(points * 16).astype(np.int32)], False, 255, width, cv2.LINE_AA, 4)
    return np.clip(cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), soft) * 1.6, 0, 1)


def below(shape: tuple[int, int], lips: np.ndarray, ease: float) -> np.ndarray:
    """1 below the line between the lips, 0 above; beyond the corners the change is spread over ``ease`` pixels."""
    xs = np.arange(shape[1], dtype=np.float64)
    slope = (lips[-1, 1] - lips[0, 1]) / (lips[-1, 0] - lips[0, 0])
    ys = np.interp(xs, lips[:, 0], lips[:, 1])
    ys += np.minimum(xs - lips[0, 0], 0) * slope + np.maximum(xs - lips[-1, 0], 0) * slope
    outside = np.maximum(np.maximum(lips[0, 0] - xs, xs - lips[-1, 0]), 0)
    width = 1.0 + np.minimum(outside, ease)
    return np.clip((np.arange(shape[0])[:, None] - ys[None]) / width[None] + 0.5, 0, 1).astype(np.float32)


def feather(shape: tuple[int, int], width: float) -> np.ndarray:
    """1 inside, 0 at the rim, linear over ``width`` pixels."""
    ys = np.minimum(np.arange(shape[0]), np.arange(shape[0])[::-1]) / width
    xs = np.minimum(np.arange(shape[1]), np.arange(shape[1])[::-1]) / width
    return np.clip(np.minimum(ys[:, None], xs[None]), 0, 1).astype(np.float32)
