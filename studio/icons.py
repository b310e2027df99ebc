"""The icon sprite: one SVG file cut from the pinned lucide-static package (ISC), with only the icons that are used.

The package's own sprite holds 2,176 icons in over 500 kB; ours is a few kilobytes, addressed by the hash of its content
so that browsers keep it for good.
"""

import hashlib
import re
from functools import cache
from pathlib import Path

from django.conf import settings

# Names of lucide icons. A name must be listed here before a template can draw it.
LISTED = """
    arrow-left-right audio-lines ban bell bell-off captions check chevron-down chevron-left chevron-right chevron-up
    chevrons-up-down circle-alert circle-check circle-help circle-x clapperboard clock code columns-2 copy cpu
    credit-card download ellipsis eye file file-json file-video film flip-horizontal-2 folder gauge image info
    keyboard layers layout-grid link list loader-circle lock log-out magnet maximize message-square mic minus
    monitor moon mouse-pointer-click octagon-alert package pause pencil play plus redo-2 refresh-cw repeat rotate-ccw
    rotate-cw scan scissors search server settings-2 skip-back skip-forward sliders-horizontal sparkle
    square-split-horizontal step-back step-forward sun timer trash-2 triangle-alert undo-2 upload user users
    volume-2 volume-x x zoom-in zoom-out
"""
NAMES = frozenset(LISTED.split())

SYMBOL = '<symbol id="{name}" viewBox="0 0 24 24">{shapes}</symbol>'
SHEET = '<svg xmlns="http://www.w3.org/2000/svg">{symbols}</svg>'


def folder() -> Path:
    """Where `npm ci` unpacks the icons."""
    return Path(settings.VENDOR_DIR) / "lucide-static" / "icons"


@cache
def sprite() -> bytes:
    """The sprite as UTF-8 SVG; empty when the front-end libraries are not installed."""
    if not folder().is_dir():
        return b""
    return SHEET.format(symbols="".join(symbol(name) for name in sorted(NAMES))).encode()


def symbol(name: str) -> str:
    """One icon as a ``<symbol>``: its shapes without the comment, the outer element and the line breaks."""
    source = (folder() / f"{name}.svg").read_text()
    shapes = re.search(r"<svg[^>]*>(.*)</svg>", source, re.DOTALL)
    if shapes is None:
        raise ValueError(f"{name}.svg of lucide-static holds no <svg> element.")
    return SYMBOL.format(name=name, shapes=re.sub(r"\s*\n\s*", "", shapes[1]))


@cache
def version() -> str:
    """First 12 hex digits of the sprite's SHA-256, part of its address."""
    return hashlib.sha256(sprite()).hexdigest()[:12]
