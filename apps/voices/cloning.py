"""Voices of one's own: learned by a provider from a recording, and deleted there."""

from pathlib import Path

import av
from av.error import FFmpegError

from apps.assets import files
from apps.billing.limits import voice_refusal
from apps.billing.plans import plan_of
from apps.inference.engine.errors import EngineError, audio_invalid
from apps.inference.engine.media.container import open_input
from apps.voices.keys import key_for
from apps.voices.listing import forget_voices, voice_of, voices_of
from apps.voices.providers.base import Busy, SpeechProvider, Voice
from apps.workspaces.access import require
from apps.workspaces.activity import record
from apps.workspaces.models import Membership, Role
from studio.errors import StudioError

SOURCE_LIMIT = 500 * 1024**2
LEAST_S, MOST_S = 30.0, 180.0
RATE, BIT_RATE = 44100, 128_000


def clone(*, membership: Membership, provider: SpeechProvider, name: str, source: Path) -> Voice:
    """A new voice from the sound of ``source`` (its first three minutes).

    Raises ``StudioError``: a provider that cannot, a sample without enough sound, as many voices as the plan allows.
    """
    require(membership, Role.EDITOR)
    if not provider.abilities.clones:
        message = f"{provider.label} cannot learn voices."
        raise StudioError("voice_clone_unsupported", message, "Choose a provider that can.", field="provider")
    workspace = membership.workspace
    key = key_for(workspace, provider)
    own = sum(voice.own for voice in voices_of(workspace, provider))
    if refusal := voice_refusal(plan_of(workspace), own):
        raise refusal
    with files.scratch_folder() as folder:
        sample = sample_of(source, folder / "sample.mp3")
        try:
            voice = provider.clone(name.strip()[:100], sample, key)
        except Busy as busy:
            raise busy.error from busy
    forget_voices(workspace, provider)
    record("voices.cloned", workspace=workspace, actor=membership.user, subject=voice.name)
    return voice


def delete(*, membership: Membership, provider: SpeechProvider, voice_id: str) -> None:
    """Remove a voice of one's own at the provider. Raises ``StudioError``."""
    require(membership, Role.EDITOR)
    voice = voice_of(membership.workspace, provider, voice_id)
    if not voice.own:
        message = f"{voice.name} is not one of your own voices."
        raise StudioError("voice_not_deletable", message, "Only cloned voices can be deleted.", field="voiceId")
    try:
        provider.delete(voice.id, key_for(membership.workspace, provider))
    except Busy as busy:
        raise busy.error from busy
    forget_voices(membership.workspace, provider)
    record("voices.deleted", workspace=membership.workspace, actor=membership.user, subject=voice.name)


def sample_of(source: Path, target: Path) -> Path:
    """The first minutes of a film's or recording's sound as one channel of MP3. Raises ``StudioError``."""
    try:
        with open_input(source, audio_invalid) as found, av.open(str(target), "w", format="mp3") as into:
            if not found.streams.audio:
                raise StudioError(
                    "voice_sample_type_unsupported", "The sample has no sound.", "Send a recording of one person."
                )
            stream = into.add_stream("libmp3lame", rate=RATE, bit_rate=BIT_RATE, layout="mono")
            resampler = av.AudioResampler(format="s16p", layout="mono", rate=RATE, frame_size=1152)
            written = 0
            for frame in found.decode(found.streams.audio[0]):
                for piece in resampler.resample(frame):
                    written += piece.samples
                    into.mux(stream.encode(piece))
                if written >= MOST_S * RATE:
                    break
            into.mux(stream.encode(None))
    except (EngineError, FFmpegError, ValueError) as error:
        raise StudioError(
            "voice_sample_type_unsupported", "The sample cannot be read as sound.", "Send a WAV, MP3 or M4A file."
        ) from error
    if written < LEAST_S * RATE:
        raise StudioError(
            "voice_sample_too_short",
            f"The sample has {written / RATE:.0f} s of sound.",
            f"Send {LEAST_S:.0f} seconds or more of clean speech.",
        )
    return target
