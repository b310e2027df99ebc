"""Colour tags travel with the picture untouched: the engine never converts colours, so they stay true."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

RANGE_LIMITED, RANGE_FULL = 1, 2  # AVCOL_RANGE_MPEG and _JPEG; 0 is unspecified
UNSPECIFIED = 2


@dataclass(frozen=True)
class ColourTags:
    """Numbers of ITU-T H.273 as the container carries them; 2 (0 for the range) means unspecified."""

    range: int = 0
    space: int = UNSPECIFIED
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED

    @classmethod
    def of(cls, codec_context: Any) -> ColourTags:
        """The tags of a decoder, or of a decoded picture."""
        return cls(
            int(codec_context.color_range or 0),
            int(codec_context.colorspace),
            int(codec_context.color_primaries),
            int(codec_context.color_trc),
        )

    def or_else(self, other: ColourTags) -> ColourTags:
        """These tags, those of ``other`` where one is unspecified."""
        return ColourTags(
            self.range or other.range,
            *(
                mine if mine != UNSPECIFIED else theirs
                for mine, theirs in (
                    (self.space, other.space), (self.primaries, other.primaries), (self.transfer, other.transfer)
                )
            ),
        )  # fmt: skip

    def apply(self, codec_context: Any) -> None:
        """Set the tags on an encoder."""
        codec_context.color_range = self.range
        codec_context.colorspace = self.space
        codec_context.color_primaries = self.primaries
        codec_context.color_trc = self.transfer

    def to_dict(self) -> dict[str, int]:
        """Plain values for JSON."""
        return asdict(self)
