"""The footage check: what it says of made-up footage, and of real clips whose contents are written down."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apps.inference.engine.analysis import FootageAnalysis, analyse_footage
from apps.inference.engine.errors import EngineError
from apps.inference.engine.face.landmarks import OUTER_LIPS
from apps.inference.engine.footage import check as check_room
from apps.inference.engine.footage.check import check_footage, check_sound
from apps.inference.engine.footage.findings import clock, said, stretches
from apps.inference.engine.footage.heard import Sound, listen
from apps.inference.engine.settings import MODELS
from tests.engine.synthetic import EYES_PX, SIZE, made_up_person, make_footage, talking_landmarks, turned
from tests.engine.tiny_media import write_wav

TALK = Sound(4.0, np.full(200, -18.0), np.ones(200, bool), np.zeros(200, bool))
SHARP = 300.0  # of the lips: a face of 70 px with clear edges


@pytest.fixture(scope="module")
def talking(tmp_path_factory):
    """Four seconds of a face that talks; sharp, lit, moving."""
    _, footage = make_footage(tmp_path_factory.mktemp("talking"), 100)
    footage.motion[:] = 2.0
    footage.people[0].rows.sharpness[:] = SHARP
    return footage


def with_person(footage, number=0, **changes):
    """The footage with other values for one person's rows."""
    people = list(footage.people)
    people[number] = replace(people[number], rows=replace(people[number].rows, **changes))
    return replace(footage, people=people, person=None)


def large(footage):
    """The same face, as if it were larger: nothing is small any more."""
    return replace(footage, people=[replace(person, eyes_px=120.0) for person in footage.people], size=(1280, 720))


def kinds(footage, sound=TALK):
    return check_footage(footage, own_sound=sound).kinds()


def test_clean_footage_has_no_findings_and_its_person_is_told(talking):
    check = check_footage(large(talking), own_sound=TALK)
    assert check.findings == []
    assert check.suggested_model == "lipsync-2"
    (person,) = check.to_dict()["people"]
    assert (person["id"], person["first_s"], person["last_s"], person["share"]) == (0, 0.0, 4.0, 1.0)
    assert person["box"] == [round(90 / 1280, 4), round(70 / 720, 4), round(80 / 1280, 4), round(100 / 720, 4)]


def test_a_small_face_and_few_pixels_are_said_once(talking):
    assert kinds(talking) == {"small_face", "low_resolution"}
    assert EYES_PX < 80


def test_in_a_close_up_the_model_with_the_most_detail_is_offered(talking):
    people = [replace(person, eyes_px=340.0) for person in talking.people]
    (found,) = check_footage(replace(talking, people=people, size=(3840, 2160)), own_sound=TALK).findings
    assert (found.kind, found.severity) == ("large_face", "info")
    assert "544 pixels" in found.reason
    assert found.fixes == [
        {"action": "use_model", "model": "lipsync-2-pro", "models": ["lipsync-1.9.0-beta", "lipsync-2"]}
    ]
    assert kinds(large(talking)) == set()


@pytest.mark.parametrize(("row", "value", "kind"), [("light", 30.0, "dark"), ("sharpness", 1.0, "blurred")])
def test_a_dark_or_blurred_second_is_found_at_its_place(talking, row, value, kind):
    values = np.array(getattr(talking.people[0].rows, row))
    values[50:80] = value
    check = check_footage(large(with_person(talking, **{row: values})), own_sound=TALK)
    (found,) = check.findings
    assert found.kind == kind
    assert (found.start_s, found.end_s) == pytest.approx((2.0, 3.2), abs=0.1)
    assert set(found.advice) == set(MODELS)


def test_one_bad_frame_is_no_finding(talking):
    light = np.array(talking.people[0].rows.light)
    light[50:53] = 0.0
    assert kinds(large(with_person(talking, light=light))) == set()


def test_lips_too_small_to_be_looked_at_or_outside_the_picture_are_neither_dark_nor_blurred(talking):
    """Where somebody comes from afar, light and sharpness were taken for 0 until the face was large enough."""
    light, sharpness = np.array(talking.people[0].rows.light), np.array(talking.people[0].rows.sharpness)
    light[:60] = sharpness[:60] = 0.0
    assert kinds(large(with_person(talking, light=light, sharpness=sharpness))) == set()


def test_a_very_dark_film_does_not_stand_still(talking):
    """Where lips have eight levels of light, a tenth of a level is as much change as one and a half are by day."""
    dark = large(with_person(talking, light=np.full(100, 8.0)))
    dark = replace(dark, motion=np.full(100, 0.1))
    assert "still_image" not in kinds(dark) and "dark" in " ".join(kinds(dark))
    assert "still_image" in kinds(replace(dark, motion=np.zeros(100)))


def test_lips_that_never_move_need_sync_3(tmp_path):
    _, footage = make_footage(tmp_path, 75, opening=0.0)
    footage.people[0].rows.sharpness[:] = SHARP
    footage.motion[:] = 2.0
    check = check_footage(large(footage), own_sound=TALK)
    (found,) = check.findings
    assert found.kind == "silent_lips"
    assert found.advice["lipsync-2"].startswith("lipsync-2 leaves 0:00–0:03 as it is: the speaker is still. ")
    assert "generated talking" in found.advice["lipsync-2"], "of a made-up person, what to ask its generator for"
    assert "opens silent lips" in found.advice["sync-3"]
    assert found.fixes == [{"action": "use_model", "model": "sync-3"}]
    assert check.suggested_model == "sync-3"
    footage.motion[:] = 0.0
    assert kinds(large(footage)) == {"silent_lips", "still_image"}


def test_a_stretch_without_a_face_can_be_left_out(tmp_path):
    _, footage = make_footage(tmp_path, 100, unseen=range(40, 65))
    footage.people[0].rows.sharpness[:] = SHARP
    footage.motion[:] = 2.0
    (found,) = check_footage(large(footage), own_sound=TALK).findings
    assert (found.kind, found.start_s, found.end_s) == ("no_face", 1.6, 2.6)
    assert found.fixes == [{"action": "exclude_range", "start_s": 1.6, "end_s": 2.6}]


@pytest.mark.parametrize(
    ("read", "said_to_be", "left_by", "fixes"),
    [
        (34, "up to 34°", [], []),
        (58, "up to 58°", MODELS[:3], ["use_model", "exclude_range"]),
        (75, "more than 60°", MODELS, ["exclude_range"]),
    ],
)
def test_each_model_draws_a_turned_head_as_far_as_it_can(talking, read, said_to_be, left_by, fixes):
    points = np.array(talking.people[0].rows.points)
    points[60:90] = turned(points[60:90], read)
    check = check_footage(large(with_person(talking, points=points)), own_sound=TALK)
    (found,) = [one for one in check.findings if one.kind == "profile"]
    assert (found.start_s, found.end_s) == pytest.approx((2.4, 3.6), abs=0.15)
    degrees = int(found.reason.split("°")[0].split()[-1])
    assert degrees == pytest.approx(int(said_to_be.split("°")[0].split()[-1]), abs=6)
    assert said_to_be.split()[0] in found.reason
    assert {model for model, advice in found.advice.items() if "as they are" in advice} == set(left_by)
    assert [fix["action"] for fix in found.fixes] == fixes
    assert check.suggested_model == "sync-3" or "use_model" not in fixes


def test_several_people_are_told_and_a_poster_is_not(talking):
    landmarks = talking_landmarks(100) + np.array([120, 0, 0], np.float32)
    other = made_up_person(landmarks, talking.crops.index, 1)
    other.rows.sharpness[:] = SHARP
    both = replace(talking, people=[talking.people[0], other])
    (found,) = [one for one in check_footage(large(both), own_sound=TALK).findings if one.kind == "several_people"]
    assert (found.start_s, found.end_s) == (0.0, 4.0)
    assert {"action": "choose_person", "person": 1} in found.fixes
    both.people[1].fixed = True
    assert kinds(large(both)) == set()
    assert len(check_footage(both, own_sound=TALK).people) == 2, "it can still be chosen"


def test_cuts_are_marked_and_many_are_counted(talking, monkeypatch):
    cut = replace(large(talking), shots=np.array([0, 30]))
    check = check_footage(cut, own_sound=TALK)
    assert check.cuts_s == [1.2]
    assert [(one.kind, one.start_s, one.severity) for one in check.findings] == [("scene_cut", 1.2, "info")]
    monkeypatch.setattr(check_room, "MOST_CUTS_NAMED", 3)
    many = replace(large(talking), shots=np.arange(0, 100, 20))
    (found,) = check_footage(many, own_sound=TALK).findings
    assert "4 cuts" in found.reason


def test_a_face_cut_every_fifth_of_a_second_is_driven_and_one_seen_for_half_of_that_is_not(talking):
    cut = replace(large(talking), shots=np.arange(0, 100, 5))
    assert {one.kind for one in check_footage(cut, own_sound=TALK).findings} == {"scene_cut"}
    flashing = replace(cut, landmarks=np.where(np.arange(100)[:, None, None] % 5 < 3, np.nan, cut.landmarks))
    assert check_footage(flashing, own_sound=TALK).findings[0].severity == "blocking"


def test_a_mouth_that_the_border_cuts_off_is_told(talking):
    low = round(float(talking.landmarks[:, OUTER_LIPS, 1].max()))
    sinking = talking.landmarks + np.where(np.arange(100) < 50, 0, [[0], [30], [0]]).T[:, None].astype(np.float32)
    cut = replace(large(talking), landmarks=sinking, size=(SIZE[0], low + 20))
    (found,) = [one for one in check_footage(cut, own_sound=TALK).findings if one.kind == "mouth_cut_off"]
    assert (found.start_s, found.end_s, found.severity) == (2.0, 4.0, "warning")
    assert found.fixes == [{"action": "exclude_range", "start_s": 2.0, "end_s": 4.0}]
    assert "no_face" not in check_footage(cut, own_sound=TALK).kinds()
    found = check_footage(replace(cut, size=(SIZE[0], low - 5)), own_sound=TALK).findings[0]
    assert (found.kind, found.severity) == ("mouth_cut_off", "blocking")


def test_half_a_face_that_is_taken_for_somebody_else_is_no_second_person(talking):
    low = round(float(talking.landmarks[:, OUTER_LIPS, 1].max())) + 20
    half, gone = talking.landmarks[50:] + np.float32([0, 30, 0]), talking.landmarks.copy()
    gone[50:] = np.nan
    nobody = np.full((100, 5), -1)
    whole = replace(made_up_person(talking.landmarks[:50], nobody[:50]), eyes_px=120.0)
    other = replace(made_up_person(half, nobody[50:], 1), eyes_px=120.0)
    other.rows.frames += 50
    cut = replace(talking, people=[whole, other], landmarks=gone, size=(SIZE[0], low))
    found = [one for one in check_footage(cut, own_sound=TALK).findings if one.severity == "warning"]
    assert [(one.kind, one.start_s) for one in found] == [("mouth_cut_off", 2.0)]


def test_footage_that_shows_nobody_is_blocking(talking):
    nobody = FootageAnalysis.unseen(
        info=talking.info, colour=talking.colour, size=SIZE, times=talking.times, end_s=4.0, landmarks=468,
        shots=np.array([0]), motion=talking.motion, folder=talking.folder,
    )  # fmt: skip
    check = check_footage(nobody)
    assert {one.kind: one.severity for one in check.findings} == {
        "no_face": "blocking", "low_resolution": "info", "no_sound": "info"
    }  # fmt: skip
    assert check.to_dict()["people"] == []


def test_sound_is_judged_more_gravely_when_it_drives(models_dir, tmp_path):
    silent = listen(write_wav(tmp_path / "silent.wav", np.zeros(32000)), models_dir)
    assert [(one.kind, one.severity) for one in check_sound(silent).findings] == [("silent_sound", "blocking")]
    quiet = replace(TALK, level_db=np.full(200, -40.0))
    assert check_sound(quiet).findings[0].kind == "quiet_sound"
    speech = np.ones(200, bool)
    speech[80:190] = False
    (music,) = check_sound(replace(TALK, speech=speech)).findings
    assert (music.kind, music.severity) == ("music", "warning")
    assert music.start_s == pytest.approx(1.6, abs=0.6)
    assert check_sound(replace(TALK, speech=np.zeros(200, bool))).kinds() == {"no_speech"}
    assert check_sound(TALK).findings == []


def test_cut_off_peaks_are_heard(models_dir, tmp_path):
    wave = 0.9 * np.sin(2 * np.pi * 150 * np.arange(32000) / 16000)
    clean = listen(write_wav(tmp_path / "clean.wav", wave), models_dir)
    clipped = listen(write_wav(tmp_path / "clipped.wav", np.clip(2 * wave, -0.999, 0.999)), models_dir)
    assert not clean.clipped.any()
    assert clipped.clipped.mean() > 0.9


def test_stretches_and_their_names():
    times = np.arange(10) / 10
    mask = np.array([1, 1, 0, 1, 1, 0, 0, 0, 1, 1], bool)
    assert stretches(mask, times, 1.0, 0.0) == [(0.0, 0.2), (0.3, 0.5), (0.8, 1.0)]
    assert stretches(mask, times, 1.0, 0.3, 0.15) == [(0.0, 0.5)]
    assert said([(12.0, 17.0), (31.5, 65.0)]) == "0:12–0:17 and 0:31.5–1:05"
    assert [clock(value) for value in (59.97, 7.5, 3600)] == ["1:00", "0:07.5", "60:00"]


# What the clips' own list says of them, and nothing more; the shorter ones, for the suite's sake.
REAL = {
    "p02": {"scene_cut"},
    "p03": set(),
    "p06": {"silent_lips", "no_sound"},
    "p09": {"small_face", "low_resolution", "no_sound"},
    "p10": {"no_face", "low_resolution", "no_sound", "scene_cut"},
    "p11": set(),
    "p12": {"silent_sound"},
    "p13": {"no_sound"},
    "p15": {"still_image", "silent_lips", "silent_sound"},
}


@pytest.mark.parametrize(("clip", "expected"), REAL.items())
def test_real_clips_are_marked_as_their_list_says(sample_media, models_dir, tmp_path, clip, expected):
    check = checked(next((sample_media / "video").glob(f"{clip}_*")), models_dir, tmp_path)
    assert check.kinds() == expected
    if clip == "p02":
        assert check.cuts_s == pytest.approx([9.03], abs=0.05)
    if clip == "p10":
        assert check.cuts_s == pytest.approx([1.2, 3.04, 5.48, 7.48, 9.68], abs=0.05)
    assert len(check.people) == (0 if clip == "p10" else 1)


def checked(video: Path, models: Path, folder: Path):
    try:
        analyse_footage(video, folder, models=models)
    except EngineError as error:
        assert error.code == "generation_input_video_no_face"
    footage = FootageAnalysis.load(folder)
    own = listen(video, models, footage.own_sound) if footage.info.acodec else None
    return check_footage(footage, own_sound=own)
