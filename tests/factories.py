"""Rows and media that many tests need. Media is made on the spot, small and with known content."""

from fractions import Fraction
from pathlib import Path

import av
import factory
import numpy as np
from django.utils import timezone
from factory.django import DjangoModelFactory

from apps.accounts.models import User
from apps.assets.models import Asset, Status
from apps.billing import ledger
from apps.generations.models import Generation
from apps.projects.models import Project
from apps.workspaces.models import Workspace


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"person{n}@studio.example")
    name = "Some Person"


class WorkspaceFactory(DjangoModelFactory):
    class Meta:
        model = Workspace

    slug = factory.Sequence(lambda n: f"workspace-{n}")
    name = "A workspace"
    created_by = factory.SubFactory(UserFactory)


class AssetFactory(DjangoModelFactory):
    """A ready asset without bytes; ``video=True`` or ``audio=True`` gives it the facts of its kind."""

    class Meta:
        model = Asset

    workspace = factory.SubFactory(WorkspaceFactory)
    name = factory.Sequence(lambda n: f"file-{n}")
    status = Status.READY
    size = 1000
    sha256 = factory.Sequence(lambda n: f"{n:064x}")
    duration_s = 10.0

    class Params:
        video = factory.Trait(
            kind="video", fps_num=25, fps_den=1, frame_count=250, width=640, height=360, video_codec="h264"
        )
        audio = factory.Trait(kind="audio", audio_codec="pcm_s16le", channels=1, sample_rate=16000)


class ProjectFactory(DjangoModelFactory):
    class Meta:
        model = Project

    workspace = factory.SubFactory(WorkspaceFactory)
    name = "Harbour film"


class GenerationFactory(DjangoModelFactory):
    """A queued take and its hold; nothing is sent to a worker."""

    class Meta:
        model = Generation
        skip_postgeneration_save = True

    workspace = factory.SubFactory(WorkspaceFactory)
    project = factory.SubFactory(ProjectFactory, workspace=factory.SelfAttribute("..workspace"))
    number = factory.Sequence(lambda n: n + 1)
    video = factory.SubFactory(AssetFactory, video=True, workspace=factory.SelfAttribute("..workspace"))
    audio = factory.SubFactory(AssetFactory, audio=True, workspace=factory.SelfAttribute("..workspace"))
    model = "lipsync-2"
    sync_mode = "cut_off"
    quoted_seconds = 10.0
    created_at = factory.LazyFunction(timezone.now)

    @factory.post_generation
    def hold(self, create, extracted, **kwargs):
        if create:
            ledger.hold(workspace=self.workspace, subject=self.pk, micros=self.quoted_micros)


def write_video(
    path: Path,
    *,
    seconds: float = 1.0,
    fps: int = 25,
    size: tuple[int, int] = (160, 120),
    sound: bool = False,
    rotation: int = 0,
    codec: str = "libx264",
) -> Path:
    """A grey picture that brightens from frame to frame, H.264, with a tone where ``sound`` is asked for."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream(codec, rate=fps, options={"preset": "ultrafast"})
        picture.width, picture.height, picture.pix_fmt = size[0], size[1], "yuv420p"
        track = container.add_stream("aac", rate=16000, layout="mono") if sound else None
        count = round(seconds * fps)
        for index in range(count):
            grey = np.full((size[1], size[0], 3), 40 + 160 * index // max(1, count - 1), np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        if track is not None:
            _tone(container, track, seconds, 16000)
    return path


def write_audio(path: Path, *, seconds: float = 1.0, rate: int = 16000, loud: float = 0.5) -> Path:
    """A tone of 220 Hz as 16-bit WAV; ``loud`` is its peak from 0 to 1."""
    with av.open(str(path), "w") as container:
        _tone(container, container.add_stream("pcm_s16le", rate=rate, layout="mono"), seconds, rate, loud)
    return path


def _tone(container, track, seconds: float, rate: int, loud: float = 0.5) -> None:
    wave = loud * np.sin(2 * np.pi * 220 * np.arange(round(seconds * rate)) / rate)
    samples = (wave * 32767).astype(np.int16)[None]
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    resampler = av.AudioResampler(
        format=track.format.name, layout="mono", rate=rate, frame_size=track.frame_size or 1024
    )
    for piece in [*resampler.resample(frame), *resampler.resample(None)]:
        container.mux(track.encode(piece))
    container.mux(track.encode(None))
