"""The check of a video before a run: findings with advice for each model, the people in it, a model to start with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..analysis import FootageAnalysis
from ..settings import LARGEST_TURN, MODELS, TURN_ERROR
from ..speech.offset import estimate_offset
from ..versions import ENGINE_VERSION
from .findings import BLOCKING, INFO, WARNING, Finding, FootageCheck, PersonSeen, said
from .heard import Sound, every_model, sound_findings
from .seen import FACE_WIDTH, LARGE_FACE_PX, SMALL_EYES_PX, TINY_EYES_PX, Picture, Ranges, look_at_picture

LIPSYNC_2 = ("lipsync-2", "lipsync-2-pro")
WITHOUT_SYNC_3 = ("lipsync-1.9.0-beta", *LIPSYNC_2)
LOW_SIDE = 480  # pixels of the shorter side; below it faces are found less reliably
LATE_S = 0.12  # from here on everybody sees that sound and picture are apart
MOST_CUTS_NAMED = 12
GENERATED = "A generated person has to be generated talking."
USE_SYNC_3: dict[str, Any] = {"action": "use_model", "model": "sync-3"}


def check_footage(
    footage: FootageAnalysis, *, own_sound: Sound | None = None, soundtrack: Sound | None = None
) -> FootageCheck:
    """Look through a kept analysis; nothing is decoded again.

    ``own_sound`` is the video's own sound (:func:`.heard.listen`), ``soundtrack`` the new one where it is known.
    """
    picture = look_at_picture(footage)
    findings = _faces(picture, footage) + _lips(picture, footage) + _look(picture, footage) + _cuts(footage)
    findings += _own_sound(footage, picture, own_sound)
    if soundtrack is not None:
        findings += sound_findings(soundtrack, drives=True)
    findings.sort(key=lambda finding: (finding.start_s, GRAVE_FIRST.get(finding.severity, 0)))
    return FootageCheck(
        version=ENGINE_VERSION,
        duration_s=round(footage.end_s, 3),
        fps=round(footage.fps, 3),
        width=footage.size[0],
        height=footage.size[1],
        findings=findings,
        people=[_seen(footage, number) for number in range(len(footage.people))],
        cuts_s=[round(float(footage.times[frame]), 3) for frame in footage.shots[1:]],
        suggested_model=_suggested(findings),
    )


GRAVE_FIRST = {BLOCKING: -2, WARNING: -1, INFO: 0}


def check_sound(sound: Sound) -> FootageCheck:
    """The same for a soundtrack alone: no picture, no people."""
    findings = sound_findings(sound, drives=True)
    return FootageCheck(ENGINE_VERSION, round(sound.duration_s, 3), 0.0, 0, 0, findings, [], [], "lipsync-2")


def _faces(picture: Picture, footage: FootageAnalysis) -> list[Finding]:
    """Where nobody, several people, or faces that are too small are seen, and where they turn away."""
    if picture.speaker is None and picture.cut_off:
        cut = "The picture's border cuts the mouth off."
        whole_mouth = every_model("Use footage in which the whole mouth is in the picture.")
        return [Finding("mouth_cut_off", 0.0, footage.end_s, BLOCKING, cut, whole_mouth)]
    if picture.speaker is None:
        small = picture.eyes_px > 0
        kind = "small_face" if small else "no_face"
        reason = (
            f"The face is only {2 * picture.eyes_px:.0f} pixels wide." if small else "No face is seen in the video."
        )
        advice = "Use footage in which a human face is seen from the front, at least 100 pixels wide."
        return [Finding(kind, 0.0, footage.end_s, BLOCKING, reason, every_model(advice))]
    found = []
    for one in picture.unseen:
        leaves = every_model(f"{{model}} leaves {said([one])} as it is.")
        found.append(
            _finding("no_face", one, WARNING, f"No usable face is seen at {said([one])}.", leaves, [_exclude(one)])
        )
    for one in picture.cut_off:
        reason = f"The picture's border cuts the mouth off at {said([one])}."
        leaves = every_model(f"{{model}} leaves {said([one])} as it is.")
        found.append(_finding("mouth_cut_off", one, WARNING, reason, leaves, [_exclude(one)]))
    for one in picture.several:
        choose = every_model("{model} moves the lips of one person. Choose whom, or follow whoever speaks.")
        speaking = _option("active_speaker_detection", MODELS)
        fixes = [speaking, *({"action": "choose_person", "person": person.id} for person in footage.people)]
        found.append(
            _finding("several_people", one, WARNING, f"Several people are seen at {said([one])}.", choose, fixes)
        )
    if picture.eyes_px < SMALL_EYES_PX:
        severity = WARNING if picture.eyes_px < TINY_EYES_PX else INFO
        reason = f"The face is small: about {FACE_WIDTH * picture.eyes_px:.0f} pixels wide."
        soft = every_model("{model} draws the lips softly at this size. Footage closer to the face looks sharper.")
        found.append(_finding("small_face", (0.0, footage.end_s), severity, reason, soft))
    if (width := FACE_WIDTH * picture.eyes_px) > LARGE_FACE_PX:
        found.append(_large((0.0, footage.end_s), width))
    for start, end, turn in picture.turned:
        found.append(_profile((start, end), turn))
    return found


def _large(at: tuple[float, float], width: float) -> Finding:
    """No model works at a size of its own here; what differs is the detail, which shows in a close-up."""
    advice = {
        "lipsync-1.9.0-beta": "{model} draws the lips softer than the footage is, which shows at this size.",
        "lipsync-2": "{model} draws them as sharp as the footage; lipsync-2-pro restores teeth, beard and fine lines.",
        "lipsync-2-pro": "{model} restores teeth, beard and fine lines.",
        "sync-3": "{model} draws them as sharp as the footage.",
    }
    pro = {"action": "use_model", "model": "lipsync-2-pro", "models": ["lipsync-1.9.0-beta", "lipsync-2"]}
    return _finding("large_face", at, INFO, f"The face is large: about {width:.0f} pixels wide.", advice, [pro])


def _profile(at: tuple[float, float], turn: float) -> Finding:
    most = max(LARGEST_TURN.values())
    how = "more than" if turn > most + TURN_ERROR else "up to"
    reason = f"The head is turned by {how} {min(turn, most):.0f}° at {said([at])}."
    leaves = {model: limit for model, limit in LARGEST_TURN.items() if turn > limit + TURN_ERROR}
    advice = every_model("{model} draws turned lips less exactly.")
    advice |= {model: f"{{model}} leaves frames turned by more than {limit:.0f}° as they are."
               for model, limit in leaves.items()}  # fmt: skip
    fixes = [_exclude(at)] if leaves else []
    if leaves and len(leaves) < len(MODELS):
        fixes = [USE_SYNC_3, *fixes]
    return _finding("profile", at, WARNING if leaves else INFO, reason, advice, fixes)


def _lips(picture: Picture, footage: FootageAnalysis) -> list[Finding]:
    """Lips that never move, that rest, or that are hidden."""
    whole = (0.0, footage.end_s)
    found = []
    if picture.is_still_picture:
        refused = (
            "{model} needs a video."
            if footage.info.kind == "image"
            else "{model} leaves a picture that stands still as it is."
        )
        advice = every_model(refused, WITHOUT_SYNC_3) | {"sync-3": "{model} opens the lips; the head stays still."}
        found.append(_finding("still_image", whole, WARNING, "The picture stands still.", advice, [USE_SYNC_3]))
    if picture.is_still_mouth:
        left = f"{{model}} leaves {said([whole])} as it is: the speaker is still. {GENERATED}"
        advice = every_model(left, WITHOUT_SYNC_3)
        advice["sync-3"] = "{model} opens silent lips, with a general movement instead of the speaker's own."
        found.append(
            _finding("silent_lips", whole, WARNING, "The lips never move in this video.", advice, [USE_SYNC_3])
        )
    for one in picture.resting:
        advice = every_model("{model} moves them with mouths from other moments.", MODELS)
        found.append(_finding("still_lips", one, INFO, f"The lips rest at {said([one])}.", advice, [_exclude(one)]))
    for one in picture.hidden:
        reason = f"Something is in front of the mouth at {said([one])}."
        advice = {
            "lipsync-1.9.0-beta": "{model} draws over it.",
            **every_model("{model} keeps it in front where obstruction detection is on.", LIPSYNC_2),
            "sync-3": "{model} keeps it in front.",
        }
        fixes = [_option("occlusion_detection_enabled", LIPSYNC_2), USE_SYNC_3, _exclude(one)]
        found.append(_finding("obstruction", one, WARNING, reason, advice, fixes))
    for one in picture.lettered:
        reason = f"Captions stand before the face at {said([one])}."
        advice = every_model("{model} draws the mouth behind them. Lips are surer in footage without captions.")
        found.append(_finding("captions", one, INFO, reason, advice, [_exclude(one)]))
    return found


def _look(picture: Picture, footage: FootageAnalysis) -> list[Finding]:
    """Light, sharpness, size and fields."""
    found = _each("dark", picture.dark, "The face is dark", "{model} sees little there. Brighten the footage.")
    found += _each(
        "blurred", picture.blurred, "The face is out of focus", "{model} draws lips as soft as the footage is."
    )
    side = min(footage.size)
    if side < LOW_SIDE:
        reason = f"The picture has {footage.size[0]}×{footage.size[1]} pixels."
        advice = every_model("{model} works at this size; faces are found most surely from 480 lines on.")
        found.append(_finding("low_resolution", (0.0, footage.end_s), INFO, reason, advice))
    if footage.info.fields:
        reason = "The picture is interlaced: each frame holds two moments in turn, row by row."
        advice = every_model(
            "{model} draws the mouth at the first of the two and leaves the rest as it is. Browsers show stripes where "
            "something moves, here as in the footage; for the web, deinterlace it before."
        )
        found.append(_finding("interlaced", (0.0, footage.end_s), INFO, reason, advice))
    return found


def _each(kind: str, ranges: Ranges, reason: str, advice: str) -> list[Finding]:
    return [_finding(kind, one, WARNING, f"{reason} at {said([one])}.", every_model(advice)) for one in ranges]


def _cuts(footage: FootageAnalysis) -> list[Finding]:
    """Cuts harm nothing here; people want to see them on the timeline."""
    cuts = [float(footage.times[frame]) for frame in footage.shots[1:]]
    advice = every_model("{model} begins anew after a cut and follows the same person.")
    if len(cuts) > MOST_CUTS_NAMED:
        return [_finding("scene_cut", (cuts[0], cuts[-1]), INFO, f"The video has {len(cuts)} cuts.", advice)]
    return [_finding("scene_cut", (cut, cut), INFO, "A cut.", advice) for cut in cuts]


def _own_sound(footage: FootageAnalysis, picture: Picture, sound: Sound | None) -> list[Finding]:
    """What is so about the video's own sound, which teaches the speaker's way of talking."""
    if footage.info.kind == "image":
        return []
    if sound is None:
        advice = every_model("{model} uses the general way of talking: there is no voice to learn from.", MODELS)
        return [_finding("no_sound", (0.0, footage.end_s), INFO, "The video has no sound.", advice)]
    found = sound_findings(sound, drives=False)
    heard = footage.own_sound
    if picture.speaker is None or picture.is_still_mouth or heard is None:
        return found
    usable = picture.speaker.track.usable
    offset = estimate_offset(heard, footage.times[usable], picture.speaker.track.params[usable])
    if offset.is_trusted and abs(offset.seconds) > LATE_S:
        side = "after" if offset.seconds > 0 else "before"
        reason = f"The video's own sound comes {abs(offset.seconds):.2f} s {side} the picture."
        advice = every_model("{model} allows for it. The new soundtrack is placed exactly.")
        found.append(_finding("sound_offset", (0.0, footage.end_s), INFO, reason, advice))
    return found


def _finding(
    kind: str, at: tuple[float, float], severity: str, reason: str, advice: dict[str, str],
    fixes: list[dict[str, Any]] | None = None,
) -> Finding:  # fmt: skip
    named = {model: sentence.replace("{model}", model) for model, sentence in advice.items()}
    return Finding(kind, round(at[0], 3), round(at[1], 3), severity, reason, named, fixes or [])


def _exclude(at: tuple[float, float]) -> dict[str, Any]:
    return {"action": "exclude_range", "start_s": round(at[0], 3), "end_s": round(at[1], 3)}


def _option(name: str, models: Sequence[str]) -> dict[str, Any]:
    return {"action": "set_option", "option": name, "value": True, "models": list(models)}


def _seen(footage: FootageAnalysis, number: int) -> PersonSeen:
    person = footage.people[number]
    ends = [*footage.times[1:], footage.end_s]
    frames = person.rows.frames
    seconds = sum(float(ends[frame] - footage.times[frame]) for frame in frames)
    (x, y, width, height), (across, down) = person.head_box, footage.size
    return PersonSeen(
        id=person.id,
        first_s=round(float(footage.times[frames[0]]), 3),
        last_s=round(float(ends[frames[-1]]), 3),
        seconds=round(seconds, 3),
        share=round(seconds / max(footage.end_s, 1e-6), 3),
        thumbnail_time_s=round(float(footage.times[person.head_frame]), 3),
        box=[round(value, 4) for value in (x / across, y / down, width / across, height / down)],
        fixed=person.fixed,
    )


def _suggested(findings: list[Finding]) -> str:
    """sync-3 where it alone does what is needed, else lipsync-2."""
    return "sync-3" if any(USE_SYNC_3 in finding.fixes for finding in findings) else "lipsync-2"
