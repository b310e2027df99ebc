"""What a model, an option and a sync mode are made of."""

from dataclasses import dataclass
from typing import Literal

OptionState = Literal["available", "automatic", "absent"]


@dataclass(frozen=True)
class OptionSpec:
    """One option: its control and its range. A switch has the range 0 to 1 and a boolean default."""

    name: str
    label: str
    effect: str
    kind: Literal["slider", "switch"]
    default: float | bool
    minimum: float = 0.0
    maximum: float = 1.0
    step: float = 1.0


@dataclass(frozen=True)
class OptionSupport:
    """Whether a model has an option; ``why`` explains anything but "available" in one sentence."""

    state: OptionState
    why: str = ""

    @property
    def available(self) -> bool:
        return self.state == "available"


@dataclass(frozen=True)
class SyncMode:
    """What happens where picture and sound differ in length."""

    id: str
    label: str
    sentence: str


@dataclass(frozen=True)
class ModelSpec:
    """One model. ``quality`` says in a sentence what its lips are like; the figures behind it are in docs/engine.md."""

    id: str
    name: str
    strength: str
    description: str
    best_for: str
    quality: str
    legacy: bool
    micros_per_frame: int
    stars_speed: int
    options: dict[str, OptionSupport]
    sync_modes: tuple[str, ...]
    accepts_image: bool
    caveats: tuple[str, ...]
    opens_still_lips: bool = False
