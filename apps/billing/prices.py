"""What a generation costs.

Rounding, all of it in the payer's favour: the price of a frame is the list price less the plan's discount, rounded
down to a whole micro-dollar; frames are counted at 25 a second whatever the footage's own rate, and a frame that is
only begun is free. There is no minimum charge. A generation keeps the price it was quoted.

Spoken text and storage have prices in the plan's own row, which its discount leaves alone: for 1,000 characters, and
for a gigabyte (10⁹ bytes) kept for a month. What they come to is rounded down to a whole micro-dollar.
"""

import math
from dataclasses import dataclass

from django.conf import settings

from apps.billing.models import Plan
from apps.catalog.registry import model_spec

BILLED_FPS = 25
# Seconds come from sums of frame times, so that 7 s may arrive as 6.9999999; a thousandth of a frame bridges that.
FRAME_SLACK = 1e-3
PRICED_CHARACTERS = 1000


@dataclass(frozen=True)
class Quote:
    """Price of some seconds of lipsync; ``micros`` is ``frames`` times ``micros_per_frame``."""

    micros_per_frame: int
    seconds: float
    frames: int
    micros: int


def billed_frames(seconds: float) -> int:
    """Whole frames at 25 a second that fit into the seconds."""
    return max(0, math.floor(seconds * BILLED_FPS + FRAME_SLACK))


def frame_price(model: str, plan: Plan) -> int:
    """Micro-dollars for each frame on this plan; zero where billing is switched off."""
    if not settings.BILLING:
        return 0
    return model_spec(model).micros_per_frame * (1000 - plan.discount_permille) // 1000


def priced(micros_per_frame: int, seconds: float) -> Quote:
    """The quote for seconds at a price that is already known."""
    frames = billed_frames(seconds)
    return Quote(micros_per_frame, seconds, frames, frames * micros_per_frame)


def quote(*, model: str, plan: Plan, seconds: float) -> Quote:
    """What ``seconds`` of lipsync with a model cost on a plan."""
    return priced(frame_price(model, plan), seconds)


def speech_micros(plan: Plan, characters: int) -> int:
    """What speaking so many characters costs on a plan; zero where billing is switched off."""
    if not settings.BILLING:
        return 0
    return max(0, characters) * plan.speech_micros // PRICED_CHARACTERS
