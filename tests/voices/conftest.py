"""Voices of the tests' own: a provider that beeps, and a server that answers as ElevenLabs does."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from apps.voices import registry
from apps.voices.providers.base import Abilities, Range, SpeechRequest, Voice
from tests.factories import write_audio

KEY = "sk_of-the-workspace-1234"


class Beeper:
    """Speaks any text as a tone; ``trouble`` is raised instead where a test puts one there."""

    name = "beeper"
    label = "Beeper"
    about = "Tones."
    abilities = Abilities({"speed": Range(0.5, 2, 1)}, speaks_previews=True)

    def __init__(self) -> None:
        self.spoken: list[SpeechRequest] = []
        self.trouble: list[Exception] = []

    def installed(self) -> bool:
        return True

    def voices(self, key: str) -> list[Voice]:
        return [Voice("low", "Low"), Voice("high", "High")]

    def speak(self, request: SpeechRequest, key: str, folder: Path) -> Path:
        if self.trouble:
            raise self.trouble.pop(0)
        self.spoken.append(request)
        return write_audio(folder / "beep.wav", seconds=0.5 + len(request.script) / 100)

    def check(self, key: str) -> dict[str, Any]:
        return {}


@pytest.fixture
def beeper(settings) -> Beeper:
    """The one provider of the studio."""
    settings.VOICE_PROVIDERS = ["tests.voices.conftest.Beeper"]
    registry.load.cache_clear()
    found = registry.load("tests.voices.conftest.Beeper")
    yield found
    registry.load.cache_clear()


class Service:
    """What the server answers: voices, a sound, and failures a test wants. ``asked`` is what came."""

    def __init__(self) -> None:
        self.voices = [
            {
                "voice_id": "v1",
                "name": "Anna",
                "category": "premade",
                "labels": {"gender": "female", "accent": "british", "language": "en"},
                "preview_url": "https://media.example/anna.mp3",
            },
            {"voice_id": "v2", "name": "Mine", "category": "cloned", "labels": {}},
        ]
        self.failure: tuple[int, Any] | None = None
        self.asked: list[tuple[str, str, Any]] = []
        self.sound = b""

    def answer(self, method: str, path: str, body: bytes, key: str | None) -> tuple[int, Any]:
        parsed = json.loads(body) if body[:1] == b"{" else body
        self.asked.append((method, path, parsed))
        if key != KEY:
            return 401, {"detail": {"status": "invalid_api_key", "message": "Invalid API key"}}
        if self.failure:
            return self.failure
        if method == "GET" and path.startswith("/v2/voices"):
            return 200, {"voices": self.voices, "has_more": False, "total_count": len(self.voices)}
        if path.startswith("/v1/text-to-speech/"):
            return 200, self.sound
        if path == "/v1/voices/add":
            self.voices.append({"voice_id": "v3", "name": "New", "category": "cloned", "labels": {}})
            return 200, {"voice_id": "v3", "requires_verification": False}
        if method == "DELETE":
            self.voices = [voice for voice in self.voices if voice["voice_id"] != path.rsplit("/", 1)[1]]
            return 200, {"status": "ok"}
        return 200, {"tier": "creator", "character_count": 100, "character_limit": 1000}


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Transfer-Encoding") == "chunked":
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            status, data = service.answer(self.command, self.path, body, self.headers.get("xi-api-key"))
            out = data if isinstance(data, bytes) else json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Type", "audio/mpeg" if isinstance(data, bytes) else "application/json")
            self.send_header("Content-Length", str(len(out)))
            self.end_headers()
            self.wfile.write(out)

        do_GET = do_POST = do_DELETE = do

        def log_message(self, *args: Any) -> None:
            pass

    return Handler


@pytest.fixture
def service(settings, tmp_path) -> Iterator[Service]:
    """ElevenLabs on this machine."""
    cache.clear()
    found = Service()
    found.sound = write_audio(tmp_path / "sound.wav", seconds=1.5).read_bytes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(found))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.VOICE_PROVIDERS = ["elevenlabs"]
    settings.ELEVENLABS_URL = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    server.server_close()
