"""Engines as plug-ins: one protocol, one registry, chosen per model by ``STUDIO_BACKENDS``."""

from apps.inference.backends.base import Backend, Outcome, Piece, Render, RenderSegment, Split
from apps.inference.backends.registry import backend_for

__all__ = ["Backend", "Outcome", "Piece", "Render", "RenderSegment", "Split", "backend_for"]
