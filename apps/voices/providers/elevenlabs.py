"""ElevenLabs by its official SDK, with the workspace's own key."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.voices.providers.base import Abilities, Busy, Range, SpeechRequest, Voice
from studio.errors import StudioError

MODEL = "eleven_multilingual_v2"
FORMAT = "mp3_44100_128"  # every plan of theirs has it
LOOK_S, SPEAK_S = 10, 150
PAGE = 100
VOICES_MOST = 500
QUOTA = ("quota_exceeded", "voice_add_edit_limit_reached")
CLONES_FULL = ("voice_limit_reached", "maximum_voices_reached")
TIMEOUTS = {"timeout_in_seconds": LOOK_S, "max_retries": 1}


class ElevenLabsVoices:
    name = "elevenlabs"
    label = "ElevenLabs"
    about = "Voices in 29 languages and voices of your own. The text goes to ElevenLabs and your account there pays."
    abilities = Abilities(
        {"speed": Range(0.7, 1.2, 1.0), "stability": Range(0, 1, 0.5), "similarityBoost": Range(0, 1, 0.75)},
        needs_key=True,
        clones=True,
    )

    def installed(self) -> bool:
        return find_spec("elevenlabs") is not None

    def voices(self, key: str) -> list[Voice]:
        found: list[Voice] = []
        token = None
        with _mapped():
            client = _client(key)
            while len(found) < VOICES_MOST:
                page = client.voices.search(page_size=PAGE, next_page_token=token, request_options=TIMEOUTS)
                found += [_voice(voice) for voice in page.voices]
                token = page.next_page_token
                if not page.has_more or not token:
                    break
        return sorted(found, key=lambda voice: (not voice.own, voice.name.lower()))

    def speak(self, request: SpeechRequest, key: str, folder: Path) -> Path:
        path = folder / "speech.mp3"
        with _mapped():
            from elevenlabs import VoiceSettings

            manner = VoiceSettings(
                stability=request.settings["stability"],
                similarity_boost=request.settings["similarityBoost"],
                speed=request.settings["speed"],
            )
            pieces = _client(key).text_to_speech.convert(
                request.voice_id,
                text=request.script,
                model_id=MODEL,
                output_format=FORMAT,
                voice_settings=manner,
                # No second try here: it would be paid twice where only the answer was lost.
                request_options={"timeout_in_seconds": SPEAK_S, "max_retries": 0},
            )
            with path.open("wb") as file:
                for piece in pieces:
                    file.write(piece)
        return path

    def clone(self, name: str, sample: Path, key: str) -> Voice:
        with _mapped(), sample.open("rb") as file:
            made = _client(key).voices.ivc.create(
                name=name, files=[file], request_options={"timeout_in_seconds": 40, "max_retries": 0}
            )
        return Voice(made.voice_id, name, own=True)

    def delete(self, voice_id: str, key: str) -> None:
        with _mapped():
            _client(key).voices.delete(voice_id, request_options=TIMEOUTS)

    def check(self, key: str) -> dict[str, Any]:
        with _mapped():
            account = _client(key).user.subscription.get(request_options=TIMEOUTS)
        return {"used": account.character_count, "limit": account.character_limit}


def _client(key: str) -> Any:
    from elevenlabs.client import ElevenLabs

    return ElevenLabs(api_key=key, base_url=settings.ELEVENLABS_URL, follow_redirects=False)


def _voice(voice: Any) -> Voice:
    labels = voice.labels or {}
    words = [labels.get(name, "") for name in ("gender", "age", "accent")]
    return Voice(
        id=voice.voice_id,
        name=voice.name or voice.voice_id,
        description=", ".join(filter(None, words)).capitalize(),
        language=labels.get("language", ""),
        preview_url=voice.preview_url or "",
        own=voice.category in ("cloned", "professional"),
    )


@contextmanager
def _mapped() -> Iterator[None]:
    """Errors of the SDK as ours: documented codes, and ``Busy`` where another try may do."""
    import httpx
    from elevenlabs.core.api_error import ApiError

    try:
        yield
    except ApiError as error:
        raise _meaning(error.status_code or 0, error.body) from error
    except httpx.HTTPError as error:
        raise Busy(_unavailable("It cannot be reached.")) from error


def _meaning(status: int, body: Any) -> Exception:
    detail = body.get("detail") if isinstance(body, dict) else None
    code, words = (detail.get("status", ""), detail.get("message", "")) if isinstance(detail, dict) else ("", "")
    words = str(words)[:200]
    if code in QUOTA or status == 402:
        return StudioError(
            "elevenlabs_quota_exceeded",
            f"The ElevenLabs account has too few characters left. {words}".strip(),
            "Wait until it is renewed, change the plan there, or choose another voice.",
            status=402,
        )
    if code in CLONES_FULL:
        message = f"The ElevenLabs account has as many voices as it may have. {words}".strip()
        return StudioError("voice_clone_limit_reached", message, "Delete a voice first.", status=402)
    if status in (401, 403):
        return StudioError(
            "elevenlabs_api_key_invalid",
            f"ElevenLabs does not take this workspace's key. {words}".strip(),
            "An administrator can enter another one on the page of voices.",
        )
    if status == 404 or code == "voice_not_found":
        return StudioError("voice_not_found", "ElevenLabs has no such voice.", "Choose one of the list.", status=404)
    if status in (408, 409, 425, 429) or status >= 500:
        return Busy(_unavailable(f"It answers with status {status}."))
    return StudioError(
        "tts_refused", f"ElevenLabs refuses this: {words or f'status {status}'}", "Change the text or the voice."
    )


def _unavailable(why: str) -> StudioError:
    return StudioError(
        "elevenlabs_service_unavailable", f"ElevenLabs does not work now. {why}", "Try again in a minute.", status=503
    )
