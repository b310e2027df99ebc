"""Colour tags travel with the picture untouched: the engine never converts colours, so they stay true."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

RANGE_LIMITED, RANGE_FULL = 1, 2  # AVCOL_RANGE_MPEG and _JPEG; 0 is unspecified
UNSPECIFIED = 2


@dataclass(frozen=True)
class ColourTags:
    """Numbers of ITU-T H.273 as the container carries them; 2 (0 for the range) means unspecified.

    ``mastering`` tells of the display that high dynamic range was mastered on (SMPTE ST 2086) and of the brightest
    light (CTA-861.3), as an x264 parameter each; empty where the footage does not say.
    """

    range: int = 0
    space: int = UNSPECIFIED
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    mastering: str = ""

    @classmethod
    def of(cls, codec_context: Any) -> ColourTags:
        """The tags of a decoder, or of a decoded picture."""
        return cls(
            int(codec_context.color_range or 0),
            int(codec_context.colorspace),
            int(codec_context.color_primaries),
            int(codec_context.color_trc),
            _mastering(codec_context),
        )

    def or_else(self, other: ColourTags) -> ColourTags:
        """These tags, those of ``other`` where one is unspecified."""

        def known(mine: int, theirs: int) -> int:
            return mine if mine != UNSPECIFIED else theirs

        return ColourTags(
            self.range or other.range, known(self.space, other.space), known(self.primaries, other.primaries),
            known(self.transfer, other.transfer), self.mastering or other.mastering,
        )  # fmt: skip

    def apply(self, codec_context: Any) -> None:
        """Set the tags on an encoder."""
        codec_context.color_range = self.range
        codec_context.colorspace = self.space
        codec_context.color_primaries = self.primaries
        codec_context.color_trc = self.transfer

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def _mastering(picture: Any) -> str:
    """What a decoded picture says, from the structures AVMasteringDisplayMetadata and AVContentLightMetadata."""
    try:
        side_data = getattr(picture, "side_data", {})
        display, light = side_data.get("MASTERING_DISPLAY_METADATA"), side_data.get("CONTENT_LIGHT_LEVEL")
    except ValueError:  # something beside the picture that PyAV has no name for, as in photos
        return ""
    told = []
    if display is not None:
        numbers = np.frombuffer(bytes(display), np.int32)
        has_primaries, has_luminance = numbers[20:22]
        if has_primaries and has_luminance:
            over, under = numbers[:20:2].astype(float), np.maximum(1, numbers[1:20:2])
            red, green, blue, white, luminance = np.rint(
                over / under * np.repeat([50_000, 10_000], [8, 2])).astype(int).reshape(5, 2).tolist()  # fmt: skip
            told.append("mastering-display=G({},{})B({},{})R({},{})WP({},{})L({},{})".format(
                *green, *blue, *red, *white, *luminance[::-1]))  # fmt: skip
    if light is not None:
        most, average = np.frombuffer(bytes(light), np.uint32)[:2]
        told.append(f"cll={most},{average}")
    return ":".join(told)
