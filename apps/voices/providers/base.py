"""What the studio asks of a provider of voices. A new one is a class with these methods and a name in the setting.

Providers raise ``StudioError`` with a stable code for what a person can act on (``voice_not_found``, a spent quota),
``Busy`` for what may be over in some seconds. Everything else they raise is taken for a fault. They know no workspace:
the key, where they need one, is handed in.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from studio.errors import StudioError


class Busy(Exception):
    """The provider asks to be tried again; ``error`` is what to say when it stays so."""

    def __init__(self, error: StudioError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True)
class Range:
    """A setting from ``least`` to ``most``, ``usual`` where nobody chooses."""

    least: float
    most: float
    usual: float

    def clean(self, name: str, value: float | None) -> float:
        """The value, or the usual one for None; raises ``StudioError`` outside the range."""
        if value is None:
            return self.usual
        if not self.least <= value <= self.most:  # a NaN is outside too
            raise StudioError(
                "generation_input_option_invalid",
                f"{name} is {value:g}.",
                f"It goes from {self.least:g} to {self.most:g}.",
                field=name,
            )
        return value


@dataclass(frozen=True)
class Abilities:
    """What a provider has. ``settings`` are its controls by the names of the API: speed, stability, similarityBoost."""

    settings: dict[str, Range]
    needs_key: bool = False
    clones: bool = False
    speaks_previews: bool = False  # a sample may be spoken without anybody paying for it
    queue: str = "io"  # where its work waits: cpu where this machine speaks


@dataclass(frozen=True)
class Voice:
    """A voice of a provider. ``own``: cloned with this key, and so it can be deleted."""

    id: str
    name: str
    description: str = ""
    language: str = ""
    preview_url: str = ""
    own: bool = False


@dataclass(frozen=True)
class SpeechRequest:
    """What is to be spoken: ``settings`` has a value for each of the provider's."""

    voice_id: str
    script: str
    settings: dict[str, float]


class SpeechProvider(Protocol):
    """A provider. ``name`` is what API and settings call it, ``label`` what people read."""

    name: str
    label: str
    about: str
    abilities: Abilities

    def installed(self) -> bool:
        """Whether its package is here."""

    def voices(self, key: str) -> list[Voice]:
        """All voices that this key may use, in the order to show them."""

    def speak(self, request: SpeechRequest, key: str, folder: Path) -> Path:
        """Speak into a file of the folder and return it."""

    def clone(self, name: str, sample: Path, key: str) -> Voice:
        """A new voice from a recording of somebody."""

    def delete(self, voice_id: str, key: str) -> None:
        """Remove a voice of one's own."""

    def check(self, key: str) -> dict[str, Any]:
        """Whether the key works; what is left of its quota as ``{"used": …, "limit": …}`` where it tells."""
