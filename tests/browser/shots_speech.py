"""Typing words for ``tests.browser.shots``: the dialog in its states, and the page of providers."""

from typing import Any

from tests.browser.shots_takes import BENCH, VACANT, settled

WORDS = "Good morning, and welcome to the harbour. The first boat leaves at seven, the last one comes back at ten."


class Choir:
    """A provider with many voices, as a service has them."""

    name = "choir"
    label = "Choir"
    about = "Voices in many languages. The text goes to the service and your account there pays."

    def __init__(self) -> None:
        from apps.voices.providers.base import Abilities, Range

        self.abilities = Abilities(
            {"speed": Range(0.7, 1.2, 1), "stability": Range(0, 1, 0.5), "similarityBoost": Range(0, 1, 0.75)},
            speaks_previews=True,
        )

    def installed(self) -> bool:
        return True

    def voices(self, key: str) -> list[Any]:
        from apps.voices.providers.base import Voice

        names = ("Ada", "Bruno", "Chiara", "Daan", "Emre", "Femke", "Gustav", "Hana", "Ines", "Jonas", "Kim", "Luise")
        tongues = ("Italian", "German", "Dutch", "Turkish")
        return [
            Voice(name.lower(), name, "A warm voice, middle-aged", tongues[index % 4], own=index == 0)
            for index, name in enumerate(names)
        ]


def fill_speech(membership) -> None:
    """Three providers, and words that were spoken already."""
    from django.conf import settings

    from apps.voices import speaking
    from apps.voices.services import order_of, request_speech

    settings.VOICE_PROVIDERS = ["local", "tests.browser.shots_speech.Choir", "elevenlabs"]
    order = order_of(membership=membership, provider="local", voice_id="heart", script=WORDS)
    speaking.speak(request_speech(membership=membership, order=order).pk)


# --- States -------------------------------------------------------------------------------------------------


def opened(page) -> None:
    settled(page)
    if page.locator("[data-tab=files]").is_visible():
        page.locator("[data-tab=files]").click()
    page.get_by_role("link", name="Type the words").click()
    page.get_by_role("textbox", name="Words").wait_for()


def typed(page) -> None:
    opened(page)
    page.get_by_role("textbox", name="Words").fill(WORDS)


def choosing(page) -> None:
    typed(page)
    page.get_by_role("link", name="Choir").click()
    page.get_by_label("Chiara").check()


def refused(page) -> None:
    opened(page)
    page.get_by_role("textbox", name="Words").fill(" ")
    page.evaluate("document.getElementById('speech-script').required = false")
    page.get_by_role("button", name="Speak").click()
    page.get_by_role("alert").wait_for()


def waiting(page) -> None:
    opened(page)
    page.get_by_role("textbox", name="Words").fill("These words wait for a worker.")
    page.get_by_role("button", name="Speak").click()
    page.get_by_text("Waiting for a worker").wait_for()


def spoken(page) -> None:
    page.get_by_role("textbox", name="Words").fill(WORDS)
    page.get_by_role("button", name="Speak").click()
    page.get_by_text("has spoken").wait_for()
    page.wait_for_timeout(500)


NEXT = f"/w/harbour/p/{VACANT}/"
SPEECH = (
    ("speech-typed", NEXT, typed),
    ("speech-voices", NEXT, choosing),
    ("speech-refused", NEXT, refused),
    ("speech-waiting", NEXT, waiting),
    ("speech-spoken", "/w/harbour/speech/", spoken),
    ("speech-providers", "/w/harbour/voices/", None),
    ("speech-bench", BENCH, settled),
)
