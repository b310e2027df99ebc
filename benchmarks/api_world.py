"""A workspace with something of everything, for requests to name, in a process that reaches nothing outside."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import override_settings

from apps.accounts.models import User
from apps.api import addresses, intake, speech
from apps.api.keys import make_key
from apps.api.models import Scope
from apps.api.routes import voices
from apps.generations.models import Status
from apps.voices import speaking
from apps.voices.models import SpeechJob
from apps.voices.providers.base import Abilities, Range, SpeechRequest, Voice
from apps.workspaces.access import membership_for
from apps.workspaces.services import create_workspace
from tests.factories import AssetFactory, GenerationFactory, write_audio


def world() -> tuple[str, dict[str, str]]:
    """A key that may do everything, and ids of what is there by the names that paths give them."""
    owner = User.objects.create_user("ada@studio.example", "open-the-studio-1", name="Ada Lind")
    workspace = create_workspace(name="Harbour films", owner=owner, slug="harbour")
    _, key = make_key(membership=membership_for(owner, workspace), name="all", scope=Scope.MANAGE)
    film = AssetFactory(workspace=workspace, video=True)
    take = GenerationFactory(workspace=workspace, status=Status.COMPLETED, result=film)
    return key, {
        "generation_id": str(take.pk),
        "asset_id": str(film.pk),
        "project_id": str(take.project_id),
    }


class Whistle:
    """A voice that speaks every text at once, as a tone; it answers to the name that examples use."""

    name, label, about = "local", "Whistle", "Tones."
    abilities = Abilities({"speed": Range(0.6, 1.6, 1.0)})

    def installed(self) -> bool:
        return True

    def voices(self, key: str) -> list[Voice]:
        return [Voice("heart", "Heart")]

    def speak(self, request: SpeechRequest, key: str, folder: Path) -> Path:
        return write_audio(folder / "tone.wav", seconds=0.5)


def spoken_here(job: SpeechJob) -> SpeechJob:
    """No worker runs: the text is spoken by the process that asks."""
    speaking.speak(job.pk)
    job.refresh_from_db()
    return speech.waited(job)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No limits of requests, no look-up of names, no waiting, a voice at hand, no line for each refusal, and one
    connection to the database throughout: without it a database in memory would end, and so would the transaction of
    a test.
    """

    def refused(host: str, port: int) -> str:
        raise addresses.AddressRefused("The host of the address is not known.")

    limits = {"API_CREATES_PER_MINUTE": 10**9, "API_REQUESTS_PER_MINUTE": 10**9}
    here = override_settings(PRIVATE_URLS=False, VOICE_PROVIDERS=[f"{__name__}.Whistle"], **limits)
    patches = (
        here,
        mock.patch.object(addresses, "checked_ip", refused),
        mock.patch.object(intake, "PROBE_WAIT_S", 0.0),
        mock.patch.object(voices, "waited", spoken_here),
    )
    with contextlib.ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)
        logging.disable(logging.WARNING)
        for signal in (request_started, request_finished):
            signal.disconnect(close_old_connections)
        try:
            yield
        finally:
            for signal in (request_started, request_finished):
                signal.connect(close_old_connections)
            logging.disable(logging.NOTSET)
