"""The voice on this machine, for real."""

import numpy as np
import pytest
from scipy.io import wavfile

from apps.voices import keys, previews
from apps.voices.providers import local
from apps.voices.providers.base import SpeechRequest
from apps.voices.registry import provider
from apps.voices.services import Order
from studio.errors import StudioError

LINE = "Good morning. The harbour opens at seven, and every ship is welcome to come in."


def spoken(folder, script: str = LINE, speed: float = 1.0):
    path = local.LocalVoice().speak(SpeechRequest(local.VOICE, script, {"speed": speed}), "", folder)
    return wavfile.read(path)


def test_it_speaks_at_the_pace_asked_for_and_always_the_same(tmp_path):
    rate, usual = spoken(tmp_path)
    _, fast = spoken(tmp_path, speed=1.5)
    _, again = spoken(tmp_path)
    assert rate == 24000 and np.abs(usual).max() > 3000
    assert 1.25 < len(usual) / len(fast) < 1.7
    assert np.array_equal(usual, again)
    order = Order(local.LocalVoice(), local.LocalVoice().voices("")[0], LINE, {"speed": 1.0})
    assert len(usual) / rate == pytest.approx(order.seconds, rel=0.35)  # what an estimate says before


def test_what_it_cannot_speak_is_said(tmp_path):
    with pytest.raises(StudioError) as refusal:
        spoken(tmp_path, "日本語")
    assert refusal.value.code == "tts_script_unspeakable"
    with pytest.raises(StudioError) as refusal:
        local.LocalVoice().speak(SpeechRequest("fenrir", LINE, {"speed": 1.0}), "", tmp_path)
    assert refusal.value.code == "voice_not_found"  # its weights are not in the package: nothing is downloaded


@pytest.mark.django_db
def test_without_the_package_the_studio_says_how_to_install_it(settings, workspace, monkeypatch):
    settings.VOICE_PROVIDERS = ["local"]
    monkeypatch.setattr(local, "find_spec", lambda name: None)
    with pytest.raises(StudioError) as refusal:
        keys.key_for(workspace, provider("local"))
    assert refusal.value.code == "tts_not_configured" and "make voice" in refusal.value.advice
    assert keys.usable(workspace) == []


@pytest.mark.django_db
def test_a_preview_is_spoken_once(settings, workspace):
    from django.core.files.storage import default_storage

    settings.VOICE_PROVIDERS = ["local"]
    previews.make(workspace.pk, "local", "heart")
    place = previews.place_of(provider("local"), provider("local").voices("")[0])
    assert default_storage.size(place) > 50_000
    previews.make(workspace.pk, "local", "nobody")  # says so in the log, breaks nothing
