"""What a caller may choose for one run, checked once on construction."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from .errors import EngineError

MODELS = ("lipsync-1.9.0-beta", "lipsync-2", "lipsync-2-pro", "sync-3")
# Degrees to either side up to which a turned head is driven. Turns are read with an error of 6 to 10 degrees, so a head
# is refused only when it is read as turned by so much more.
LARGEST_TURN = {model: 60.0 if model == "sync-3" else 45.0 for model in MODELS}
TURN_ERROR = 10.0
SYNC_MODES = ("cut_off", "loop", "bounce", "silence", "remap")


@dataclass(frozen=True)
class EngineSettings:
    """Options of one run.

    ``temperature`` (0..1) scales the range of movement and ``occlusion_detection`` keeps objects in front of the
    mouth; both are options of lipsync-2 and lipsync-2-pro (sync-3 always handles obstructions). ``reasoning`` makes
    lipsync-2-pro look again at what it drew (:mod:`.second_look`). ``face`` chooses whose mouth is driven (see
    :mod:`.choice`; None: whom the film is mostly about). ``seed`` fixes everything that is drawn at random.
    ``watermark`` puts the studio's name into a corner of every frame (:mod:`.render.mark`).
    """

    model: str = "lipsync-2"
    sync_mode: str = "cut_off"
    temperature: float = 0.5
    occlusion_detection: bool = False
    reasoning: bool = False
    face: dict[str, Any] | None = None
    seed: int = 0
    watermark: bool = False

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise _unknown("model", self.model, MODELS)
        if self.sync_mode not in SYNC_MODES:
            raise _unknown("sync_mode", self.sync_mode, SYNC_MODES)
        if not 0.0 <= self.temperature <= 1.0:
            raise EngineError(
                "generation_input_option_invalid",
                f"The temperature is {self.temperature}.",
                "Choose a value from 0 to 1.",
            )

    @property
    def handles_occlusion(self) -> bool:
        """Whether objects in front of the mouth are looked for."""
        return self.model == "sync-3" or (self.occlusion_detection and self.model.startswith("lipsync-2"))

    def guards(self, detect: bool | None = None) -> bool:
        """The same for a range in which the option is set to ``detect`` (None: as for the film)."""
        if detect is None:
            return self.handles_occlusion
        return replace(self, occlusion_detection=detect).handles_occlusion

    @property
    def learns_voice(self) -> bool:
        """Whether the speaker's own way to move to sound is learnt from the footage's."""
        return self.model != "lipsync-1.9.0-beta"

    @property
    def looks_again(self) -> bool:
        """Whether drawn mouths are tracked and drawn again where they miss."""
        return self.reasoning and self.model == "lipsync-2-pro"

    @property
    def opens_still_mouths(self) -> bool:
        """Whether a mouth that never moves in the footage is opened with a painted interior."""
        return self.model == "sync-3"

    @property
    def largest_turn(self) -> float:
        """Degrees to either side up to which a turned head is driven."""
        return LARGEST_TURN[self.model]

    @property
    def range_temperature(self) -> float:
        """The temperature in force: a fixed middle for the models without that option."""
        return self.temperature if self.model.startswith("lipsync-2") else 0.5

    def range_at(self, temperature: float | None = None) -> float:
        """The same for a range with a ``temperature`` of its own (None: the film's)."""
        return (
            self.range_temperature if temperature is None else replace(self, temperature=temperature).range_temperature
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> EngineSettings:
        """The inverse of :meth:`to_dict`."""
        return cls(**values)


def _unknown(name: str, value: object, known: tuple[str, ...]) -> EngineError:
    return EngineError(
        "generation_input_option_invalid",
        f"“{value}” is not a known {name}.",
        f"Choose one of: {', '.join(known)}.",
    )
