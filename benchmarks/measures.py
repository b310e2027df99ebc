"""Figures on one finished film. Openings are in eye distances; lags in frames, picture late positive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from apps.inference.engine.face.landmarks import EYE_CORNERS, OUTER_LIPS
from apps.inference.engine.media.audio import read_mono
from apps.inference.engine.media.video_reader import VideoReader

from .footage import RATE, Driver, Seen

LARGEST_LAG = 5
STABLE_EYES = 100.0  # pixels between the eye corners in the stabilised picture
RING_FROM, RING_TO = 0.16, 0.34  # of the skin ring round the lips, in eye distances
FACE_MARGIN = 0.35  # what lies further than this outside the landmarks' box counts as outside the face
PAUSE_S = 0.5
LIKE = 9  # original frames of like opening that a frame's sharpness is held against


@dataclass
class Agreement:
    """``r`` at the best lag within 5 frames, that ``lag``, and ``r0`` at lag 0."""

    r: float
    lag: int
    r0: float


def agreement(driver_times: np.ndarray, truth: np.ndarray, times: np.ndarray, seen: np.ndarray) -> Agreement:
    """How well the opening ``seen`` at ``times`` follows the ``truth`` known at ``driver_times``."""
    step = float(np.median(np.diff(times)))
    inside = np.isfinite(seen) & (times <= driver_times[-1])
    scores = []
    for lag in range(-LARGEST_LAG, LARGEST_LAG + 1):
        wanted = np.interp(times[inside] - lag * step, driver_times, truth)
        scores.append(_correlation(wanted, seen[inside]))
    best = int(np.argmax(scores))
    return Agreement(scores[best], best - LARGEST_LAG, scores[LARGEST_LAG])


def shifted(driver: Driver) -> np.ndarray:
    """The driver's opening turned round by half its length: the right movement at the wrong time."""
    return np.roll(driver.opening, len(driver.opening) // 2)


def closure(driver: Driver, seen: Seen, lag: int) -> tuple[float, float]:
    """Mean opening seen (while the driver's lips are shut, while they are not), above the film's own least opening."""
    step = float(np.median(np.diff(seen.times)))
    wanted = np.interp(seen.times - lag * step, driver.times, driver.opening)
    shut = wanted <= np.percentile(driver.opening, 8) + 0.004
    opening = seen.opening
    least = float(np.nanpercentile(opening, 4))
    valid = np.isfinite(opening) & (seen.times <= driver.times[-1])
    return _mean(opening[valid & shut]) - least, _mean(opening[valid & ~shut]) - least


def opening_in_silence(sound: Path, seen: Seen) -> float | None:
    """Largest opening, above the film's least, inside pauses of more than half a second; None without such a pause."""
    samples = read_mono(sound, RATE)
    hop = RATE // 100
    frames = samples[: len(samples) // hop * hop].reshape(-1, hop)
    level = 10 * np.log10(np.mean(frames**2, 1) + 1e-10)
    quiet = level < max(np.percentile(level, 5) + 6, np.percentile(level, 95) - 35)
    least = float(np.nanpercentile(seen.opening, 4))
    found = []
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(int), [0]]))).reshape(-1, 2) / 100
    for start, end in edges:
        if end - start > PAUSE_S:
            inside = (seen.times > start + 0.15) & (seen.times < end - 0.15)
            found += seen.opening[inside & np.isfinite(seen.opening)].tolist()
    return max(found) - least if found else None


@dataclass
class Picture:
    """Of the film against the original, frame by frame: ``sharpness`` and ``flicker`` ratios, ``psnr_db`` outside."""

    sharpness: float
    flicker: float
    psnr_db: float


def compare(original: Path, film: Path, seen: Seen, shown: Seen) -> Picture:
    """``seen`` is the original's track, ``shown`` the film's. Frame k of the film must show frame k of the original.

    sharpness: variance of the Laplacian of the lips' luma, of each frame of the film against the original's frames
    with a like opening (an open mouth has sharper edges than a shut one), median; flicker: mean change of luma from
    frame to frame in a ring of skin round the lips, the head held still (film / original).
    """
    sharp: list[tuple[float, float]] = []
    opening: list[tuple[float, float]] = []
    flicker: list[tuple[float, float]] = []
    errors: list[float] = []
    last: tuple[np.ndarray, np.ndarray] | None = None
    with VideoReader(original) as first, VideoReader(film) as second:
        for own, new in zip(first, second, strict=False):
            at = own.index
            if at >= len(shown.times) or not np.isfinite(seen.opening[at] + shown.opening[at]):
                last = None
                continue
            points, points_new = seen.landmarks[at, :, :2], shown.landmarks[at, :, :2]
            if not np.isfinite(points[0, 0] + points_new[0, 0]):
                last = None
                continue
            errors.append(_error_outside(own.planes[0], new.planes[0], points))
            pair = _stabilised(own.planes[0], points), _stabilised(new.planes[0], points)
            sharp.append((_sharpness(own.planes[0], points), _sharpness(new.planes[0], points_new)))
            opening.append((float(seen.opening[at]), float(shown.opening[at])))
            if last is not None:
                ring = _lip_masks(points)[1]
                flicker.append((_change(pair[0], last[0], ring), _change(pair[1], last[1], ring)))
            last = pair
    flicker_own, flicker_new = np.mean(np.array(flicker), 0)
    psnr = 10 * np.log10(255**2 / max(1e-9, float(np.mean(errors))))
    ratio = _at_like_opening(np.array(sharp), np.array(opening))
    return Picture(ratio, float(flicker_new / flicker_own), float(psnr))


def _at_like_opening(sharp: np.ndarray, opening: np.ndarray) -> float:
    """Median of film / original, each frame of the film against the ``LIKE`` original ones nearest in opening."""
    near = np.argsort(np.abs(opening[:, 1][:, None] - opening[:, 0][None]), axis=1)[:, :LIKE]
    return float(np.median(sharp[:, 1] / np.median(sharp[:, 0][near], axis=1)))


def _sharpness(luma: np.ndarray, points: np.ndarray) -> float:
    lips = _lip_masks(points)[0]
    return float(cv2.Laplacian(_stabilised(luma, points), cv2.CV_32F)[lips].var())


def _change(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    return float(np.abs(one - other)[where].mean())


def _stabilised(luma: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Luma (160, 200) float32 with the eyes always at the same place and size, the mouth in the middle."""
    left, right = points[EYE_CORNERS[0]], points[EYE_CORNERS[1]]
    return cv2.warpAffine(luma, _to_stable(left, right), (200, 160), flags=cv2.INTER_LINEAR).astype(np.float32)


def _to_stable(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Similarity (2, 3) that puts the eye corners level, 100 pixels apart, above the picture's middle."""
    across = right - left
    scale = STABLE_EYES / float(np.hypot(*across))
    angle = np.arctan2(across[1], across[0])
    cosine, sine = np.cos(angle) * scale, np.sin(angle) * scale
    turn = np.array([[cosine, sine], [-sine, cosine]])
    shift = np.array([100.0, 15.0]) - turn @ ((left + right) / 2)
    return np.hstack([turn, shift[:, None]]).astype(np.float64)


def _lip_masks(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boolean masks (160, 200): the lips, and a ring of skin round them."""
    matrix = _to_stable(points[EYE_CORNERS[0]], points[EYE_CORNERS[1]])
    lips = points[OUTER_LIPS] @ matrix[:, :2].T + matrix[:, 2]
    filled = np.zeros((160, 200), np.uint8)
    cv2.fillConvexPoly(filled, cv2.convexHull(np.round(lips).astype(np.int32)), 1)

    def grown(by: float) -> np.ndarray:
        size = 2 * round(by * STABLE_EYES) + 1
        return cv2.dilate(filled, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))

    return filled > 0, (grown(RING_TO) > 0) & (grown(RING_FROM) == 0)


def _error_outside(own: np.ndarray, new: np.ndarray, points: np.ndarray) -> float:
    """Mean squared luma error outside the face's box."""
    height, width = (min(a, b) for a, b in zip(own.shape, new.shape, strict=True))
    margin = FACE_MARGIN * float(np.linalg.norm(points[EYE_CORNERS[0]] - points[EYE_CORNERS[1]]))
    left, top = np.floor(points.min(0) - margin).astype(int).clip(0)
    right, bottom = np.ceil(points.max(0) + margin).astype(int)
    error = (own[:height, :width].astype(np.float32) - new[:height, :width]) ** 2
    outside = np.ones((height, width), bool)
    outside[top:bottom, left:right] = False
    return float(error[outside].mean()) if outside.any() else 0.0


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    if len(one) < 10 or one.std() < 1e-6 or other.std() < 1e-6:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")
