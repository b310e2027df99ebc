"""Which providers of voices there are: those that ``STUDIO_VOICES`` names, in its order."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from apps.voices.providers.base import SpeechProvider
from studio.errors import StudioError

SHIPPED = {
    "local": "apps.voices.providers.local.LocalVoice",
    "elevenlabs": "apps.voices.providers.elevenlabs.ElevenLabsVoices",
}


def providers() -> list[SpeechProvider]:
    """All that are switched on, installed or not."""
    return [load(name) for name in settings.VOICE_PROVIDERS]


def provider(name: str) -> SpeechProvider:
    """The one with this name. Raises ``StudioError`` where the studio has none such."""
    for one in providers():
        if one.name == name:
            return one
    known = ", ".join(one.name for one in providers())
    raise StudioError(
        "voice_provider_unknown",
        f"There is no voice provider “{name[:40]}” here.",
        f"There are: {known}." if known else "Whoever runs the studio can switch one on.",
        field="provider",
    )


@cache
def load(name: str) -> SpeechProvider:
    """One instance for each name and process; a name is a shipped one or the dotted path of a class."""
    found: SpeechProvider = import_string(SHIPPED.get(name, name))()
    return found
