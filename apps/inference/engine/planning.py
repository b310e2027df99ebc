"""Makes the plan: from what the mouth shall do to points, exemplars and joins."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from .analysis import FootageAnalysis
from .crops import in_spread_runs
from .faces_in_time import BEYOND, runs
from .lettering.lines import Rows
from .motion.joins import find_joins
from .motion.selection import ExemplarPool, Wanted, select_exemplars
from .motion.softening import soften
from .plan import CUT_OFF, DRIVEN, NO_FACE, OBSTRUCTED, OUTSIDE_RANGE, STILL_MOUTH, TURNED_AWAY, MotionPlan
from .render.basis import generic_displacement
from .render.detail import reference_detail
from .render.mesh import OUTER
from .render.occlusion import HOPELESS_SHARE, Obstructions, find_obstructions
from .render.texture import MouthTextures
from .settings import TURN_ERROR, EngineSettings
from .speaker import Speaker, mesh_depth, mesh_points, opening_response, target_points, turned_eyes
from .sync_modes import Timeline

Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

# The drawn shape is what is wanted, leaning towards what the exemplar really shows, so that its texture is not torn.
# Only the leaning is smoothed (it jumps at joins); closures of two frames keep their depth.
EXEMPLAR_SHARE = 0.25
SMOOTHING = 0.8  # frames at 25 per second
UNIT_S = 2.0  # lipsync-2 and -pro choose mouths in independent units
EASE_S = 0.12  # at the borders of what is left alone
CUT_MARGIN = 2  # frames beside a cut are no exemplars: encoders smear there
MOST_EXEMPLARS = 1500  # a minute of speech holds every mouth a speaker makes; the search costs their square
# What a mouth costs that is wholly blurred beside the sharper ones of a like opening: otherwise the plain ones, tongue
# or dark, are preferred to teeth, for they never pop. More (3.5) makes mouths pop for sharpness' sake.
BLUR_PENALTY = 2.5
LENT = 0.15  # eye distances around the lips
HIDDEN_PENALTY = 50.0  # times the share of the mouth's surroundings that something stands before
LIKE_OPENINGS, SHARPER = 25, 65  # frames looked at, percentile of their sharpness
# Models that raise detail, and to which percentile of the speaker's own frames. 1.9.0-beta makes up for what it loses:
# its lips are a shut mouth's stretched open, and what is stretched is soft.
DETAIL_PERCENTILE = {"lipsync-1.9.0-beta": 50, "lipsync-2-pro": 80}


def make_plan(
    footage: FootageAnalysis,
    speaker: Speaker,
    line: Timeline,
    wanted: Doubles,
    settings: EngineSettings,
    asked: Mask | None = None,
    guarded: Mask | None = None,
) -> MotionPlan:
    """The plan that makes the mouth do ``wanted`` (N, 6) on ``line``.

    ``asked`` (N,) marks the frames whose mouth shall be driven (None: all), ``guarded`` (N,) those in which objects in
    front of it stay there (None: as the settings say). Each stretch of asked frames is planned by itself: what is
    asked elsewhere does not change it.
    """
    own = mesh_points(speaker)
    if asked is None:
        asked = np.ones(len(line), bool)
    if guarded is None:
        guarded = np.full(len(line), settings.handles_occlusion)
    obstructions = None
    if (asked & guarded).any() and footage.frame_count > 1:
        shown = np.zeros(footage.frame_count, bool)
        shown[line.source[asked & guarded]] = True
        looked_at = _looked_at(footage, shown)
        obstructions = find_obstructions(
            footage.crops, own, speaker.mesh, looked_at, turned_eyes(speaker), footage.lettering
        )
        obstructions.share[~shown] = 0
    passed = _passed(speaker, line, settings, obstructions)
    passed[~asked] = OUTSIDE_RANGE
    strength = _strength(passed, line, speaker.shot)
    if speaker.is_still:
        change = np.where(asked[:, None], wanted - speaker.track.params[line.source], 0) * strength[:, None]
        drawn = _painted(speaker, line, change, own)
    else:
        stretches = runs(asked, np.zeros(len(line), np.int64))
        drawn = _borrowed(footage, speaker, line, wanted, strength, settings, own, obstructions, stretches)
    glide, glide_share = line.glides(footage.fps)
    glide[~(speaker.track.usable[glide] & speaker.track.usable[line.source]) & (passed == DRIVEN)] = -1
    return MotionPlan(
        settings=settings, fps=footage.info.fps, size=footage.size, duration_s=line.duration_s,
        source=line.source, times=line.time, passed=passed, strength=strength.astype(np.float32),
        own=own, eyes=speaker.track.faces.scale.astype(np.float32),
        params=wanted.astype(np.float32), own_params=speaker.track.params.astype(np.float32),
        triangles=speaker.mesh.triangles, opens=opening_response(speaker), person=footage.person,
        depth=mesh_depth(speaker),
        object_masks=np.where(obstructions.share[:, None] > 0, obstructions.masks, 0).astype(np.uint8)
        if obstructions else None,
        to_canvas=obstructions.to_canvas if obstructions else None,
        lettering=footage.lettering if len(footage.lettering) else None, fields=footage.info.fields,
        glide=glide if (glide >= 0).any() else None, glide_share=glide_share.astype(np.float32), **drawn,
    )  # fmt: skip


def _looked_at(footage: FootageAnalysis, shown: Mask) -> Mask:
    """(F,): frames that are ``shown`` (F,) or may lend their mouth."""
    count = footage.frame_count
    return shown | np.array([in_spread_runs(frame, count, MOST_EXEMPLARS) for frame in range(count)])


def _borrowed(
    footage: FootageAnalysis, speaker: Speaker, line: Timeline, wanted: Doubles, strength: Doubles,
    settings: EngineSettings, own: NDArray[np.float32], obstructions: Obstructions | None,
    stretches: list[tuple[int, int]],
) -> dict[str, Any]:  # fmt: skip
    """The part of the plan for a speaker whose footage shows mouths to borrow."""
    codes = np.concatenate([speaker.code.encode(block) for block in speaker.track.faces.shape_blocks()])
    goal = Wanted(speaker.code.from_parameters(wanted), wanted, speaker.track.pose[line.source])
    good = usable_exemplars(footage, speaker, obstructions)
    pool = _pool(footage, speaker, codes, good, own, obstructions)
    unit = round(UNIT_S * footage.fps) if settings.model.startswith("lipsync-2") else None
    chosen, change = np.full(len(line), -1, np.int64), np.zeros_like(goal.code)
    for first, last in stretches:
        here = slice(first, last)
        chosen[here] = select_exemplars(goal.part(here), pool, unit)
        leaning = gaussian_filter1d(codes[chosen[here]] - goal.code[here], SMOOTHING * footage.fps / 25, axis=0)
        shape = goal.code[here] + EXEMPLAR_SHARE * leaning
        change[here] = (shape - codes[line.source[here]]) * strength[here, None]
    joins = find_joins(chosen, good, speaker.shot)
    joins = soften(joins, chosen, pool.textures)
    percentile = DETAIL_PERCENTILE.get(settings.model)
    return {
        "interior": "inner" if settings.model == "lipsync-1.9.0-beta" else "whole",
        "target": target_points(speaker, line.source, change, speaker.code.displacement, own),
        "exemplar": chosen, "other": joins.other, "weight": joins.weight.astype(np.float32),
        "inside": joins.inside.astype(np.float32), "joins": joins.starts,
        "detail": reference_detail(footage.crops, own, speaker.track.faces.scale, pool.frames, percentile)
        if percentile is not None else None,
    }  # fmt: skip


def _painted(speaker: Speaker, line: Timeline, change: Doubles, own: NDArray[np.float32]) -> dict[str, Any]:
    """The part of the plan for a mouth that never moves: general movement and a painted interior."""
    none = np.full(len(line), -1, np.int64)
    return {
        "interior": "painted",
        "target": target_points(speaker, line.source, change, generic_displacement, own),
        "exemplar": none, "other": none, "weight": np.ones(len(line), np.float32),
        "inside": np.ones(len(line), np.float32), "joins": none[:0],
    }  # fmt: skip


def usable_exemplars(
    footage: FootageAnalysis, speaker: Speaker, obstructions: Obstructions | None
) -> NDArray[np.bool_]:
    """(F,): mouths that may be lent: seen, stored, nothing in front, not beside a cut; of long films spread runs."""
    seen = speaker.track.seen & footage.crops.stored
    good = seen.copy()
    for cut in footage.shots[1:]:
        good[max(0, cut - CUT_MARGIN) : cut + CUT_MARGIN] = False
    if obstructions is not None:
        good &= ~obstructions.alarm
    if (good & (speaker.track.turn < BEYOND)).any():
        good &= speaker.track.turn < BEYOND  # their landmarks are wrong
    if not good.any():
        return seen
    count = footage.frame_count
    return good & np.array([in_spread_runs(frame, count, MOST_EXEMPLARS) for frame in range(count)])


def _pool(
    footage: FootageAnalysis, speaker: Speaker, codes: Doubles, good: NDArray[np.bool_], own: NDArray[np.float32],
    obstructions: Obstructions | None,
) -> ExemplarPool:  # fmt: skip
    """The exemplars with what the search compares."""
    penalty = BLUR_PENALTY * blurredness(footage.sharpness, speaker.track.params[:, 0], np.flatnonzero(good))
    penalty += HIDDEN_PENALTY * lettered(footage.lettering, own, speaker.track.faces.scale)
    if obstructions is not None:
        penalty += HIDDEN_PENALTY * obstructions.share
    # A run is compared with the frame that would follow it, whether or not that one may be lent itself.
    looked_at = good | (np.roll(good, 1) & footage.crops.stored)
    textures = MouthTextures(footage.crops, own, speaker.mesh, np.flatnonzero(looked_at))
    return ExemplarPool(
        np.flatnonzero(good), codes, speaker.track.params, speaker.track.pose, speaker.shot, penalty, textures
    )


def lettered(lines: Rows, own: NDArray[np.floating], eyes: NDArray[np.floating]) -> Doubles:
    """(F,) 0..1: share of the mouth and its surroundings that ``lines`` of letters stand before."""
    share = np.zeros(len(own))
    for frame, x, y, width, height, _ in lines.tolist():
        low, high = own[frame, OUTER].min(0) - LENT * eyes[frame], own[frame, OUTER].max(0) + LENT * eyes[frame]
        seen = np.clip(np.minimum(high, (x + width, y + height)) - np.maximum(low, (x, y)), 0, None)
        share[frame] += float(seen.prod() / max(1e-6, (high - low).prod()))
    return np.minimum(np.nan_to_num(share), 1.0)


def blurredness(sharpness: Doubles, opening: Doubles, frames: NDArray[np.int64]) -> Doubles:
    """(F,) 0..1: how far each of ``frames`` falls short of the sharper ones of a like ``opening`` (F,); 0 elsewhere."""
    order = frames[np.argsort(opening[frames])]
    count = min(LIKE_OPENINGS, len(order))
    first = np.clip(np.arange(len(order)) - count // 2, 0, len(order) - count)
    like = np.percentile(sharpness[order][first[:, None] + np.arange(count)], SHARPER, axis=1)
    short = np.zeros(len(sharpness))
    short[order] = np.clip(1 - sharpness[order] / np.maximum(like, 1e-6), 0, 1)
    return short


def _passed(
    speaker: Speaker, line: Timeline, settings: EngineSettings, obstructions: Obstructions | None
) -> NDArray[np.uint8]:
    """(N,): why each output frame is left as it is; ``DRIVEN`` where it is not."""
    usable = speaker.track.usable
    passed = np.full(usable.shape, DRIVEN, np.uint8)
    if obstructions is not None:
        passed[obstructions.share > HOPELESS_SHARE] = OBSTRUCTED
    if speaker.is_still and not settings.opens_still_mouths:
        passed[:] = STILL_MOUTH
    passed[speaker.track.turn > settings.largest_turn + TURN_ERROR] = TURNED_AWAY
    passed[~usable] = NO_FACE
    passed[speaker.track.cut_off] = CUT_OFF
    return passed[line.source]


def _strength(passed: NDArray[np.uint8], line: Timeline, shot: NDArray[np.integer]) -> Doubles:
    """(N,) 0..1: rises and falls over ``EASE_S`` at the borders of driven stretches inside a shot, ``shot`` (F,)."""
    shown = shot[line.source]
    strength = (passed == DRIVEN).astype(np.float64)
    for first, last in runs(passed == DRIVEN, np.zeros(len(passed), np.int64)):
        times = line.time[first:last]
        if first > 0 and shown[first - 1] == shown[first]:
            strength[first:last] *= np.clip((times - line.time[first - 1]) / EASE_S, 0, 1)
        if last < len(passed) and shown[last - 1] == shown[last]:
            strength[first:last] *= np.clip((line.time[last] - times) / EASE_S, 0, 1)
    return strength
