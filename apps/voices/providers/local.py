"""The voice that speaks on this machine: hibari, a small English net whose weights come inside its wheel.

Nothing is downloaded and nothing leaves the machine; only the voice in the package is offered, since the package would
fetch the others. The same text gives the same bytes.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from apps.voices.providers.base import Abilities, Range, SpeechRequest, Voice
from studio.errors import StudioError

VOICE = "heart"
NOISE_SEED = 0


class LocalVoice:
    name = "local"
    label = "This studio"
    about = "English, spoken on this machine. Free of charge, nothing leaves it."
    abilities = Abilities({"speed": Range(0.6, 1.6, 1.0)}, speaks_previews=True, queue="cpu")

    def installed(self) -> bool:
        return find_spec("hibari") is not None

    def voices(self, key: str) -> list[Voice]:
        return [Voice(VOICE, "Heart", "A woman's voice, calm", "English")]

    def speak(self, request: SpeechRequest, key: str, folder: Path) -> Path:
        import hibari

        if request.voice_id != VOICE:
            raise StudioError("voice_not_found", "There is no such voice.", "Choose one of the list.", status=404)
        spoken = _engine()(request.script, speed=request.settings["speed"], seed=NOISE_SEED)
        if not spoken.size:
            raise StudioError(
                "tts_script_unspeakable",
                "There is nothing in this text that the voice can speak.",
                "It speaks English; for other languages choose another provider.",
                field="script",
            )
        path = folder / "speech.wav"
        hibari.tts.write_wav(str(path), spoken)
        return path

    def clone(self, name: str, sample: Path, key: str) -> Voice:
        raise NotImplementedError  # abilities say so

    def delete(self, voice_id: str, key: str) -> None:
        raise NotImplementedError  # no voice here is anybody's own

    def check(self, key: str) -> dict[str, Any]:
        return {}


@cache
def _engine() -> Any:
    """The net, loaded once for each process: 0.8 s."""
    from hibari import Hibari

    return Hibari(voice=VOICE)
