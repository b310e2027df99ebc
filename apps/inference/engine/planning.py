"""Makes the plan: from what the mouth shall do to points, exemplars and joins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from .analysis import FootageAnalysis
from .face.landmarks import WARP_POINTS
from .face.mouth_code import MouthCode, learn_mouth_code
from .faces_in_time import FaceTrack, follow_face, runs
from .motion.joins import find_joins
from .motion.selection import ExemplarPool, Wanted, select_exemplars
from .plan import DRIVEN, NO_FACE, STILL_MOUTH, TURNED_AWAY, MotionPlan
from .render.basis import generic_displacement
from .render.mesh import FaceMesh2D, uncross_lips
from .render.texture import MouthTextures
from .settings import EngineSettings
from .sync_modes import Timeline

Doubles = NDArray[np.float64]

# P95 - P5 of the opening: stills measured .001-.017, everyone who talks .095-.36.
STILL_RANGE = 0.035
# The drawn shape: mostly what is wanted, partly what the exemplar really shows, so that its texture is not torn.
WANTED_SHARE = 0.65
SMOOTHING = 0.55  # frames at 25 per second
UNIT_S = 2.0  # lipsync-2 and -pro work in independent units
EASE_S = 0.12  # at the borders of what is left alone
LARGEST_YAW = 45.0
CUT_MARGIN = 2  # frames beside a cut are no exemplars: encoders smear there
BLUR_PENALTY = 1.0
# What an ordinary mouth does, in eye distances: closed, spread of openings and of widths, and how far jaw, lower and
# upper lip go along with the opening.
STILL_CLOSED, STILL_OPENING, STILL_WIDTH, STILL_SAMPLES = 0.018, 0.062, 0.03, 400
STILL_FOLLOW = np.array([0.75, 0.85, -0.12])


@dataclass(frozen=True)
class Speaker:
    """What the footage tells about the speaker's face."""

    track: FaceTrack
    mesh: FaceMesh2D
    code: MouthCode
    shot: NDArray[np.int64]

    @property
    def is_still(self) -> bool:
        """Whether the mouth never moves in the footage."""
        opening = self.track.params[self.track.usable, 0]
        return bool(np.percentile(opening, 95) - np.percentile(opening, 5) <= STILL_RANGE)


def reference_params(speaker: Speaker, seed: int) -> Doubles:
    """(M, 6) mouth parameters the speaker is known to reach, or would: for a still mouth, those of an ordinary one.

    Half a normal distribution of openings over the closed mouth, jaw and lips following as they do in people who
    talk. A still that smiles with open lips is closed first.
    """
    found = speaker.track.params[speaker.track.usable]
    if not speaker.is_still:
        return found
    random = np.random.default_rng(seed)
    rest = np.median(found, axis=0)
    closed = min(STILL_CLOSED, float(np.percentile(found[:, 0], 5)))
    opening = np.abs(random.standard_normal(STILL_SAMPLES)) * STILL_OPENING
    params = np.tile(rest, (STILL_SAMPLES, 1))
    params[:, 0] = closed + opening
    params[:, [2, 4, 3]] += np.outer(opening - (rest[0] - closed), STILL_FOLLOW)
    params[:, 1] += STILL_WIDTH * random.standard_normal(STILL_SAMPLES)
    return params


def study_speaker(footage: FootageAnalysis) -> Speaker:
    """Pose, shape, mouth code and mesh of the followed face."""
    shot = footage.shot_of()
    track = follow_face(footage.landmarks, footage.times, shot)
    shapes, params = track.faces.shapes[track.usable], track.params[track.usable]
    return Speaker(track, FaceMesh2D.build(track.faces.template), learn_mouth_code(shapes, params), shot)


def make_plan(
    footage: FootageAnalysis, speaker: Speaker, line: Timeline, wanted: Doubles, settings: EngineSettings
) -> MotionPlan:
    """The plan that makes the mouth do ``wanted`` (N, 6) on ``line``."""
    if speaker.is_still:
        return _plan_still(footage, speaker, line, wanted, settings)
    track, faces = speaker.track, speaker.track.faces
    codes = speaker.code.encode(faces.shapes)
    goal = Wanted(speaker.code.from_parameters(wanted), wanted, track.pose[line.source])
    pool = exemplar_pool(footage, speaker, codes, settings)
    unit = round(UNIT_S * footage.fps) if settings.model.startswith("lipsync-2") else None
    chosen = select_exemplars(goal, pool, unit)
    joins = find_joins(chosen, np.isin(np.arange(footage.frame_count), pool.frames), speaker.shot)
    passed = _passed(speaker, line, settings)
    strength = _strength(passed, line)
    shape = WANTED_SHARE * goal.code + (1 - WANTED_SHARE) * codes[chosen]
    shape = gaussian_filter1d(shape, SMOOTHING * footage.fps / 25, axis=0)
    change = (shape - codes[line.source]) * strength[:, None]
    own = mesh_points(speaker)
    return MotionPlan(
        settings=settings, fps=footage.info.fps, size=footage.size, duration_s=line.duration_s,
        interior="inner" if settings.model == "lipsync-1.9.0-beta" else "whole",
        source=line.source, times=line.time, passed=passed, strength=strength.astype(np.float32),
        own=own, eyes=faces.scale.astype(np.float32),
        target=target_points(speaker, line.source, speaker.code.displacement(change), own),
        exemplar=chosen, other=joins.other, weight=joins.weight.astype(np.float32), joins=joins.starts,
        params=wanted.astype(np.float32), own_params=track.params.astype(np.float32),
        triangles=speaker.mesh.triangles, warnings=[],
    )  # fmt: skip


def _plan_still(
    footage: FootageAnalysis, speaker: Speaker, line: Timeline, wanted: Doubles, settings: EngineSettings
) -> MotionPlan:
    """The plan for a mouth that never moves: general movement and a painted interior, or nothing at all."""
    track, none = speaker.track, np.full(len(line), -1, np.int64)
    passed = _passed(speaker, line, settings)
    strength = _strength(passed, line)
    change = (wanted - track.params[line.source]) * strength[:, None]
    own = mesh_points(speaker)
    return MotionPlan(
        settings=settings, fps=footage.info.fps, size=footage.size, duration_s=line.duration_s, interior="painted",
        source=line.source, times=line.time, passed=passed, strength=strength.astype(np.float32), own=own,
        eyes=track.faces.scale.astype(np.float32),
        target=target_points(speaker, line.source, generic_displacement(change), own),
        exemplar=none, other=none, weight=np.ones(len(line), np.float32), joins=np.zeros(0, np.int64),
        params=wanted.astype(np.float32), own_params=track.params.astype(np.float32),
        triangles=speaker.mesh.triangles,
    )  # fmt: skip


def mesh_points(speaker: Speaker) -> NDArray[np.float32]:
    """(F, Q, 2): warp and ring points of every source frame, in pixels."""
    faces, ring = speaker.track.faces, speaker.mesh.ring
    around = faces.scale[:, None, None] * np.einsum("rc,fdc->frd", ring, faces.rotation) + faces.shift[:, None]
    return np.concatenate([faces.landmarks[:, WARP_POINTS, :2], around[..., :2]], axis=1).astype(np.float32)


def target_points(
    speaker: Speaker, source: NDArray[np.integer], displacement: Doubles, own: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(N, Q, 2): where the points of each output frame shall be; ``displacement`` (N, P, 3) in eye distances.

    The displacement is added to the frame's own landmarks, so that errors of the canonical frame cancel.
    """
    faces = speaker.track.faces
    shape = uncross_lips(faces.shapes[source][:, WARP_POINTS] + displacement)
    placed = np.einsum("npc,ndc->npd", shape, faces.rotation[source]) * faces.scale[source][:, None, None]
    placed = placed + faces.shift[source][:, None]
    target = own[source].copy()
    target[:, : len(WARP_POINTS)] = placed[..., :2]
    return target


def exemplar_pool(footage: FootageAnalysis, speaker: Speaker, codes: Doubles, settings: EngineSettings) -> ExemplarPool:
    """All mouths that may be lent: seen, stored, not beside a cut; lipsync-2-pro prefers sharp ones."""
    track = speaker.track
    good = track.seen & footage.crops.stored
    for cut in footage.shots[1:]:
        good[max(0, cut - CUT_MARGIN) : cut + CUT_MARGIN] = False
    if not good.any():
        good = track.seen & footage.crops.stored
    penalty = np.zeros(footage.frame_count)
    if settings.model == "lipsync-2-pro":
        reference = max(1e-6, float(np.percentile(footage.sharpness[good], 80)))
        penalty = BLUR_PENALTY * np.clip(1 - footage.sharpness / reference, 0, 1) ** 2
    textures = MouthTextures(footage.crops, mesh_points(speaker), speaker.mesh)
    return ExemplarPool(np.flatnonzero(good), codes, track.params, track.pose, speaker.shot, penalty, textures)


def _passed(speaker: Speaker, line: Timeline, settings: EngineSettings) -> NDArray[np.uint8]:
    """(N,): why each output frame is left as it is; ``DRIVEN`` where it is not."""
    passed = np.full(speaker.track.usable.shape, DRIVEN, np.uint8)
    passed[~speaker.track.usable] = NO_FACE
    passed[speaker.track.usable & (np.abs(speaker.track.pose[:, 0]) > LARGEST_YAW)] = TURNED_AWAY
    if speaker.is_still and not settings.opens_still_mouths:
        passed[passed == DRIVEN] = STILL_MOUTH
    return passed[line.source]


def _strength(passed: NDArray[np.uint8], line: Timeline) -> Doubles:
    """(N,) 0..1: rises and falls over ``EASE_S`` at the borders of driven stretches inside the film."""
    strength = (passed == DRIVEN).astype(np.float64)
    for first, last in runs(passed == DRIVEN, np.zeros(len(passed), np.int64)):
        times = line.time[first:last]
        if first > 0:
            strength[first:last] *= np.clip((times - line.time[first - 1]) / EASE_S, 0, 1)
        if last < len(passed):
            strength[first:last] *= np.clip((line.time[last] - times) / EASE_S, 0, 1)
    return strength
