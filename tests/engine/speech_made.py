"""Speech analyses made of curves, for tests that need a sound whose mouth is known."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from apps.inference.engine.speech.analysis import RATE, SpeechAnalysis


def syllables(seconds: float, seed: int = 0, pauses: tuple[tuple[float, float], ...] = ()) -> SpeechAnalysis:
    """Speech whose six parameters wander at the pace of syllables, silent in `pauses` (from, to) in seconds."""
    random = np.random.default_rng(seed)
    count = int(seconds * RATE)
    mouth = gaussian_filter1d(random.standard_normal((count, 6)), 3.0, axis=0)
    mouth[:, [2, 4]] = 0.8 * mouth[:, [0]] + 0.6 * mouth[:, [2, 4]]  # jaw and lower lip go with the opening
    mouth /= mouth.std(0)
    activity = np.ones(count)
    for start, end in pauses:
        activity[int(start * RATE) : int(end * RATE)] = 0.0
    return SpeechAnalysis(seconds, mouth, np.zeros(count), activity, np.full(count, -20.0))


def speaker_params(frames: int = 400, seed: int = 1) -> np.ndarray:
    """Mouth parameters (T, 6) of a talking speaker: opening 0.01 to about 0.2 iod, jaw and lower lip moving along."""
    random = np.random.default_rng(seed)
    opening = 0.01 + 0.06 * np.abs(gaussian_filter1d(random.standard_normal(frames), 1.5)) / 0.35
    rest = np.array([0.0, 0.55, 0.90, 0.15, 0.17, 0.05])
    follow = np.array([1.0, -0.1, 0.7, -0.1, 0.85, 0.0])
    return rest + opening[:, None] * follow + random.normal(0, 0.004, (frames, 6)) * [0, 5, 1, 1, 1, 1]
