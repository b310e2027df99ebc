"""What a person should know about a result before showing it to others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .plan import CUT_OFF, DRIVEN, NO_FACE, OBSTRUCTED, STILL_MOUTH, TURNED_AWAY
from .settings import EngineSettings
from .speaker import Speaker

SMALL_FACE_PX = 70.0  # outer eye corners apart; at 44 px lips keep 65 % of their sharpness
STEEP_TURN = 30.0  # degrees
NOTED_SHARE = 0.02  # of the frames


def face_warnings(
    speaker: Speaker, passed: NDArray[np.uint8], settings: EngineSettings, lettered: NDArray[np.bool_]
) -> list[dict[str, str]]:
    """``code`` and ``message`` of everything about one face that shows in the result; ``lettered`` (N,) output frames
    have captions before a face."""
    usable = speaker.track.usable
    eyes = float(np.median(speaker.track.faces.scale[usable]))
    turn = float(np.percentile(speaker.track.turn[usable], 95))
    found = []
    if eyes < SMALL_FACE_PX:
        found.append(("small_face", "The face is small, so lips look soft. Footage closer to the face looks sharper."))
    if turn > STEEP_TURN:
        found.append(("turned_head", "The head turns far to the side; lips are least exact there."))
    if (lettered & (passed == DRIVEN)).mean() > NOTED_SHARE:
        found.append(("captions", "Captions stand before the face; lips are less exact behind them."))
    if (passed == STILL_MOUTH).any():
        found.append(
            (
                "still_mouth",
                f"The mouth never moves in the footage, so {settings.model} left it alone. sync-3 opens still mouths.",
            )
        )
    return [{"code": code, "message": message} for code, message in found]


def left_warnings(why: NDArray[np.uint8]) -> list[dict[str, str]]:
    """The same of frames that were left as they were: ``why`` (N,), see :attr:`.plan.MotionPlan.why_left`."""
    return [
        {"code": code, "message": message}
        for reason, code, message in (
            (NO_FACE, "no_face", "Some frames show no usable face and were left as they are."),
            (TURNED_AWAY, "turned_away", "Where the face is turned away, frames were left as they are."),
            (CUT_OFF, "mouth_cut_off", "Where the picture's border cuts the mouth off, frames were left as they are."),
            (OBSTRUCTED, "obstructed", "Where the mouth is covered, frames were left as they are."),
        )
        if (why == reason).mean() > NOTED_SHARE
    ]
