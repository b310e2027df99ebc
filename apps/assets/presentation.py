"""How an asset is described to people: the line under its name and the table of facts beside its picture."""

from dataclasses import dataclass

from apps.assets.models import Asset, Kind, Origin, Status
from studio.templatetags.measures import NO_BREAK, clock, rate, size

CHANNELS = {1: "mono", 2: "stereo"}
# Heights that people know by name; anything upright or odd is given as width × height.
NAMED_HEIGHTS = {360, 480, 540, 720, 1080, 1440, 2160, 4320}
ICONS: dict[str, str] = {Kind.VIDEO: "film", Kind.AUDIO: "audio-lines", Kind.IMAGE: "image"}
CODECS = {
    "h264": "H.264",
    "hevc": "HEVC",
    "vp8": "VP8",
    "vp9": "VP9",
    "av1": "AV1",
    "mpeg4": "MPEG-4",
    "prores": "ProRes",
    "aac": "AAC",
    "mp3": "MP3",
    "opus": "Opus",
    "vorbis": "Vorbis",
    "flac": "FLAC",
}


@dataclass(frozen=True)
class Fact:
    """One row of the table of facts."""

    label: str
    value: str


def icon_of(asset: Asset) -> str:
    """Icon of the kind; a plain sheet until the probe has said what it is."""
    return ICONS.get(asset.kind, "file")


def summary(asset: Asset) -> str:
    """The line under the name: what the file is, in three figures at most."""
    if asset.status != Status.READY:
        return size(asset.size)
    if asset.kind == Kind.VIDEO:
        parts = [picture_size(asset), rate(asset.fps), size(asset.size)]
    elif asset.kind == Kind.AUDIO:
        parts = [sample_rate(asset), CHANNELS.get(asset.channels or 0, ""), size(asset.size)]
    else:
        parts = [picture_size(asset), size(asset.size)]
    return ", ".join(part for part in parts if part)


def picture_size(asset: Asset) -> str:
    """``1080p`` for a 16:9 picture of a height with a name, else ``1080×1920``."""
    if not asset.width or not asset.height:
        return ""
    wide = abs(asset.width / asset.height - 16 / 9) < 0.01
    if asset.kind == Kind.VIDEO and wide and asset.height in NAMED_HEIGHTS:
        return f"{asset.height}p"
    return f"{asset.width}×{asset.height}"


def sample_rate(asset: Asset) -> str:
    """``48 kHz`` or ``44.1 kHz``."""
    return f"{asset.sample_rate / 1000:g}{NO_BREAK}kHz" if asset.sample_rate else ""


def facts(asset: Asset) -> list[Fact]:
    """Every fact that the probe found, in the order that people ask for them; unknown ones are left out."""
    rows = [
        ("Length", clock(asset.duration_s, 1) if asset.duration_s else ""),
        ("Picture", f"{asset.width}×{asset.height}" if asset.width else ""),
        ("Frames", frames(asset)),
        ("Turned by", f"{asset.rotation}° in the file" if asset.rotation else ""),
        ("Sound", sound(asset)),
        ("Size", size(asset.size)),
        ("Format", file_format(asset)),
        ("Came by", Origin(asset.origin).label if asset.origin in Origin else asset.origin),
    ]
    return [Fact(label, value) for label, value in rows if value]


def frames(asset: Asset) -> str:
    """``1,440 at 29.97 fps``; says so where the distance between frames varies."""
    if not asset.frame_count or asset.kind != Kind.VIDEO:
        return ""
    varying = ", varying" if asset.variable_rate else ""
    return f"{asset.frame_count:,} at {rate(asset.fps)}{varying}" if asset.fps else f"{asset.frame_count:,}"


def sound(asset: Asset) -> str:
    """``AAC, 48 kHz, stereo``; a video without sound says so."""
    if not asset.audio_codec:
        return "none" if asset.kind == Kind.VIDEO and asset.is_ready else ""
    channels = CHANNELS.get(asset.channels or 0, f"{asset.channels} channels" if asset.channels else "")
    return ", ".join(part for part in (codec(asset.audio_codec), sample_rate(asset), channels) if part)


def file_format(asset: Asset) -> str:
    """Container and picture codec: ``mp4, H.264``."""
    return ", ".join(part for part in (asset.container, codec(asset.video_codec)) if part)


def codec(name: str) -> str:
    """A codec's usual spelling; plain PCM under its own name."""
    return "PCM" if name.startswith("pcm_") else CODECS.get(name, name)
