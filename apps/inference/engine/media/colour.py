"""Colour tags travel with the picture untouched: the engine never converts colours, so they stay true."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

RANGE_LIMITED, RANGE_FULL = 1, 2  # AVCOL_RANGE_MPEG and _JPEG; 0 is unspecified


@dataclass(frozen=True)
class ColourTags:
    """Numbers of ITU-T H.273 as the container carries them; 2 (0 for the range) means unspecified."""

    range: int = 0
    space: int = 2
    primaries: int = 2
    transfer: int = 2

    @classmethod
    def of(cls, codec_context: Any) -> ColourTags:
        """The tags of a decoder."""
        return cls(
            int(codec_context.color_range or 0),
            int(codec_context.colorspace),
            int(codec_context.color_primaries),
            int(codec_context.color_trc),
        )

    def apply(self, codec_context: Any) -> None:
        """Set the tags on an encoder."""
        codec_context.color_range = self.range
        codec_context.colorspace = self.space
        codec_context.color_primaries = self.primaries
        codec_context.color_trc = self.transfer

    def to_dict(self) -> dict[str, int]:
        """Plain values for JSON."""
        return asdict(self)
