"""The lipsync engine: plain Python and NumPy; it knows nothing of the studio around it.

Names are loaded on first use, so that reading the settings or an error does not load the whole engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .analysis import FootageAnalysis, analyse_footage
    from .assembly import assemble, encode_film_sound
    from .errors import Cancelled, EngineError
    from .film_plan import film_sound, plan_motion
    from .media.probe import MediaInfo, probe_media
    from .parts import analyse_part, footage_parts, join_parts
    from .pieces import PieceReport, render_piece
    from .pipeline import lipsync
    from .plan import MotionPlan
    from .proof import seen_opening
    from .report import Report, measure
    from .segments import Segment
    from .settings import MODELS, SYNC_MODES, EngineSettings
    from .speech.analysis import SpeechAnalysis, analyse_speech
    from .versions import ENGINE_VERSION

__all__ = [
    "ENGINE_VERSION",
    "MODELS",
    "SYNC_MODES",
    "Cancelled",
    "EngineError",
    "EngineSettings",
    "FootageAnalysis",
    "MediaInfo",
    "MotionPlan",
    "PieceReport",
    "Report",
    "Segment",
    "SpeechAnalysis",
    "analyse_footage",
    "analyse_part",
    "analyse_speech",
    "assemble",
    "encode_film_sound",
    "film_sound",
    "footage_parts",
    "join_parts",
    "lipsync",
    "measure",
    "plan_motion",
    "probe_media",
    "render_piece",
    "seen_opening",
]

_HOMES = {
    "analysis": ("FootageAnalysis", "analyse_footage"),
    "assembly": ("assemble", "encode_film_sound"),
    "errors": ("Cancelled", "EngineError"),
    "media.probe": ("MediaInfo", "probe_media"),
    "parts": ("analyse_part", "footage_parts", "join_parts"),
    "pieces": ("PieceReport", "render_piece"),
    "pipeline": ("lipsync",),
    "plan": ("MotionPlan",),
    "film_plan": ("film_sound", "plan_motion"),
    "proof": ("seen_opening",),
    "report": ("Report", "measure"),
    "segments": ("Segment",),
    "settings": ("MODELS", "SYNC_MODES", "EngineSettings"),
    "speech.analysis": ("SpeechAnalysis", "analyse_speech"),
    "versions": ("ENGINE_VERSION",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value
