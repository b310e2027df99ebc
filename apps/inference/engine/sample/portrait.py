"""The portrait: its crop, and the outlines of mouth, eyes and jaw, traced once in the pixels of the picture itself.

The picture is NASA's portrait of the astronaut Eileen Collins (1999, public domain), 512 x 512, as scikit-image ships
it. All coordinates are (x, y) of pixel centres in that picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..model_files import PORTRAIT, model_path

CROP_LEFT, CROP_TOP, CROP_SIDE = 105.0, 4.0, 240.0
EYE_DISTANCE = 62.7  # between the outer eye corners
TILT = np.deg2rad(3.0)  # the head leans so far to its left

INNER_UPPER = [
    *[(202.5, 139.0), (205.8, 140.0), (208.9, 140.9), (212.0, 141.5), (215.8, 142.3), (219.5, 143.0), (223.9, 143.4)],
    *[(228.3, 143.2), (232.0, 142.7), (235.8, 141.8), (239.5, 141.0), (242.3, 140.5), (244.5, 140.2)],
]
INNER_LOWER = [
    *[(202.5, 139.0), (205.2, 141.3), (208.0, 143.5), (210.9, 146.0), (213.3, 147.5), (216.1, 148.5), (219.5, 149.1)],
    *[(222.7, 149.2), (227.0, 148.9), (231.4, 148.1), (234.5, 146.5), (238.3, 144.2), (241.4, 141.8), (244.5, 140.2)],
]
OUTER_UPPER = [
    *[(205.8, 138.7), (210.8, 139.2), (215.8, 139.3), (220.2, 139.3), (223.9, 140.2), (227.7, 139.5)],
    *[(232.0, 139.7), (237.0, 140.0), (241.4, 140.0)],
]
OUTER_LOWER = [
    *[(203.9, 142.2), (207.7, 146.5), (212.0, 150.6), (216.4, 153.4), (221.4, 154.3), (225.8, 154.3)],
    *[(230.2, 153.1), (234.5, 150.0), (238.9, 146.5), (242.7, 143.1)],
]
# Points of the lower face with the share of the jaw's drop that each follows.
JAW = [
    *[((221.6, 159.7), 0.85), ((221.3, 164.1), 0.80), ((220.9, 169.6), 0.78), ((220.4, 176.9), 0.76)],
    *[((212.0, 175.4), 0.72), ((229.0, 176.4), 0.72), ((205.7, 172.1), 0.62), ((235.9, 173.9), 0.62)],
    *[((200.6, 167.8), 0.48), ((241.8, 170.1), 0.48), ((195.8, 163.0), 0.34), ((247.4, 165.9), 0.34)],
    *[((190.1, 156.7), 0.18), ((254.1, 160.3), 0.18), ((207.0, 160.0), 0.70), ((236.0, 162.0), 0.70)],
    *[((204.0, 152.5), 0.55), ((241.0, 155.0), 0.55)],
]
# Points that stay: nose, cheeks, jaw joints, neck.
STILL = [
    *[(222.9, 134.2), (216.0, 133.0), (230.0, 134.0), (210.3, 129.9), (236.3, 131.4), (194.6, 126.5), (252.9, 129.6)],
    *[(189.7, 120.2), (258.6, 123.9), (190.5, 132.1), (256.5, 135.7), (186.0, 143.2), (259.9, 146.8), (182.2, 131.1)],
    *[(265.8, 135.9), (205.0, 190.0), (221.0, 192.0), (237.0, 190.0), (185.0, 172.0), (258.0, 174.0)],
]
# The creases beside the mouth follow its corners half-way.
CREASES = [(196.5, 138.0), (250.5, 141.0), (198.5, 146.5), (247.5, 149.5)]
# Upper lid from corner to corner, lower lid likewise, for each eye.
EYES = [
    (
        [(194.0, 101.2), (196.2, 99.5), (198.5, 98.3), (202.2, 97.7), (205.9, 98.3), (209.5, 100.1), (213.3, 104.0)],
        [
            (194.0, 101.2),
            (197.5, 103.2),
            (200.1, 104.0),
            (203.8, 104.6),
            (207.4, 104.6),
            (210.6, 104.3),
            (213.3, 104.0),
        ],
    ),
    (
        [
            (236.8, 105.2),
            (238.1, 103.9),
            (241.0, 101.7),
            (244.8, 100.2),
            (248.6, 100.0),
            (252.3, 100.9),
            (256.6, 104.4),
        ],
        [
            (236.8, 105.2),
            (239.5, 105.8),
            (242.7, 106.5),
            (246.3, 106.8),
            (250.1, 106.7),
            (252.8, 106.1),
            (256.6, 104.4),
        ],
    ),
]


@dataclass(frozen=True)
class Portrait:
    """The crop at working size: RGB float32 (S, S, 3) in 0..255, and ``scale`` pixels of it per picture pixel."""

    rgb: np.ndarray
    scale: float

    @property
    def eye_distance(self) -> float:
        """Between the outer eye corners, in pixels of the crop."""
        return EYE_DISTANCE * self.scale

    def points(self, traced: object) -> np.ndarray:
        """Traced picture coordinates as (N, 2) float64 pixels of the crop."""
        xy = np.asarray(traced, np.float64)
        return (xy - [CROP_LEFT, CROP_TOP] + 0.5) * self.scale - 0.5


def load_portrait(models: Path, size: int) -> Portrait:
    """Cut, enlarge and clean the face to ``size`` x ``size``; raises EngineError when the picture is missing."""
    content = np.frombuffer(model_path(models, PORTRAIT).read_bytes(), np.uint8)
    picture = cv2.cvtColor(np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR)), cv2.COLOR_BGR2RGB)
    scale = size / CROP_SIDE
    left, top, side = int(CROP_LEFT), int(CROP_TOP), int(CROP_SIDE)
    crop = np.ascontiguousarray(picture[top : top + side, left : left + side])
    # Enlarging makes JPEG blocks and chroma noise visible: calm the colours, keep the light.
    luma_chroma = cv2.cvtColor(crop, cv2.COLOR_RGB2YCrCb)
    for channel in (1, 2):
        luma_chroma[:, :, channel] = cv2.bilateralFilter(luma_chroma[:, :, channel], 5, 8, 2)
    crop = cv2.cvtColor(luma_chroma, cv2.COLOR_YCrCb2RGB)
    large = cv2.resize(crop, (size, size), interpolation=cv2.INTER_LANCZOS4).astype(np.float32)
    softened = cv2.GaussianBlur(large, (0, 0), 0.8 * scale)
    return Portrait(np.clip(large + 0.45 * (large - softened), 0, 255), scale)
