"""Ranges with sounds and settings of their own: what is driven, what is heard, and what stays bit for bit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings as studio

from apps.inference import engine
from apps.inference.engine.assembly import soundtrack
from apps.inference.engine.errors import EngineError
from apps.inference.engine.film_plan import plan_motion
from apps.inference.engine.media.audio import read_mono
from apps.inference.engine.media.frame_source import FrameSource
from apps.inference.engine.pieces import drawn_frames
from apps.inference.engine.plan import MotionPlan
from apps.inference.engine.report import describe, measure
from apps.inference.engine.segments import MAIN, ORIGINAL, Segment, check_order, driven_spans
from apps.inference.engine.settings import EngineSettings
from apps.inference.engine.sound_plan import sound_parts
from apps.inference.engine.speech.analysis import RATE, SpeechAnalysis
from apps.inference.engine.sync_modes import build_timeline, own_timeline

from .synthetic import make_footage, with_another
from .tiny_media import write_wav

OTHER = Path("other.wav")


def speech(seconds, seed=0, spoken=True):
    """Made-up speech: the mouth opens and closes; without ``spoken`` nobody says anything."""
    count = round(seconds * RATE)
    random = np.random.default_rng(seed)
    mouth = np.repeat(random.normal(size=(count // 8 + 1, 6)), 8, axis=0)[:count]
    return SpeechAnalysis(
        seconds, mouth, np.zeros(count), np.full(count, float(spoken)), np.full(count, -20.0 if spoken else -90.0)
    )


@pytest.fixture(scope="module")
def talking(tmp_path_factory):
    """Two seconds, 50 frames."""
    return make_footage(tmp_path_factory.mktemp("talking"), 50)


@pytest.fixture
def plan_of(talking, tmp_path):
    def make(*segments, main=2.0, other=2.0, **options):
        sounds = {OTHER: speech(other, 7)}
        settings = EngineSettings(**options)
        return plan_motion(talking[1], speech(main), settings, tmp_path, segments=segments, sounds=sounds)

    return make


def heard_as(plan):
    return [(part.source, round(part.start_s, 3), round(part.end_s, 3), round(part.from_s, 3)) for part in plan.sound]


def test_without_segments_the_main_sound_drives_all(plan_of):
    plan = plan_of()
    assert plan.driven.all()
    assert heard_as(plan) == [(MAIN, 0, 2, 0)]


def test_a_segment_drives_its_range_by_its_own_crop_and_leaves_the_rest_alone(plan_of, talking, monkeypatch):
    monkeypatch.setattr("apps.inference.engine.analysis.FootageAnalysis.own_sound", speech(2.0, 3))
    plan = plan_of(Segment(0.4, 1.2, audio=OTHER, audio_start_s=0.5, audio_end_s=1.3))
    assert plan.driven.nonzero()[0].tolist() == list(range(10, 30))
    assert plan.source.tolist() == list(range(50))
    assert heard_as(plan) == [(ORIGINAL, 0, 0.4, 0), ("segment 0", 0.4, 1.2, 0.5), (ORIGINAL, 1.2, 2, 1.2)]
    source = FrameSource(talking[0], talking[1].times)
    for index, picture in drawn_frames(*talking, plan, 0, 50):
        assert np.array_equal(picture, source.picture(index)) != bool(plan.driven[index] and plan.strength[index] > 0.2)
    source.close()


def test_the_crop_of_a_sound_moves_the_mouth_like_the_same_sound_uncropped(plan_of):
    """The wanted mouth at a moment of the sound does not depend on where in the film it is heard."""
    early = plan_of(Segment(0.0, 0.8, audio=OTHER, audio_start_s=0.4))
    late = plan_of(Segment(0.8, 1.6, audio=OTHER, audio_start_s=0.4))
    np.testing.assert_allclose(early.params[3:17], late.params[23:37], atol=1e-6)
    other = plan_of(Segment(0.8, 1.6, audio=OTHER, audio_start_s=1.0))
    assert np.abs(other.params[23:37, 0] - late.params[23:37, 0]).max() > 0.01


def test_a_sound_shorter_than_its_range_ends_the_lipsync_or_leaves_silence(plan_of):
    ends = plan_of(Segment(0.4, 1.6, audio=OTHER, audio_end_s=0.6))
    assert ends.driven.nonzero()[0].tolist() == list(range(10, 25))
    stays = plan_of(Segment(0.4, 1.6, audio=OTHER, audio_end_s=0.6, sync_mode="silence"))
    assert stays.driven.nonzero()[0].tolist() == list(range(10, 40))
    assert heard_as(stays)[1:3] == [("segment 0", 0.4, 1.0, 0), ("", 1.0, 1.6, 0)]
    resting = stays.params[34:38, 0]
    assert resting.max() < np.percentile(stays.own_params[:, 0], 40)
    assert np.ptp(resting) < 0.01


def test_a_sound_longer_than_its_range_is_cut(plan_of):
    plan = plan_of(Segment(0.4, 0.8, audio=OTHER))
    assert plan.driven.sum() == 10
    assert heard_as(plan)[1] == ("segment 0", 0.4, 0.8, 0)


def test_a_segment_without_a_sound_takes_the_main_one_as_it_stands(plan_of):
    assert heard_as(plan_of(Segment(0.4, 0.8)))[1] == (MAIN, 0.4, 0.8, 0.4)


def test_ranges_to_leave_alone_keep_their_sound_and_the_rest_follows_the_sync_mode(plan_of, monkeypatch):
    monkeypatch.setattr("apps.inference.engine.analysis.FootageAnalysis.own_sound", speech(2.0, 3))
    plan = plan_of(Segment(0.5, 1.0, lipsync=False), Segment(2.6, 3.0, lipsync=False), main=4.0, sync_mode="loop")
    assert plan.duration_s == pytest.approx(4.0)
    assert plan.driven.sum() == 100 - 12 - 10
    # The second range shows the video a second time, from 0.6 s on, and sounds like that.
    assert heard_as(plan) == [
        (MAIN, 0, 0.5, 0), (ORIGINAL, 0.5, 1.0, 0.5), (MAIN, 1.0, 2.6, 1.0), (ORIGINAL, 2.6, 3.0, 0.6),
        (MAIN, 3.0, 4.0, 3.0),
    ]  # fmt: skip


def test_what_is_charged_and_reported_is_what_was_driven(plan_of):
    plan = plan_of(Segment(0.4, 0.8, audio=OTHER), Segment(1.0, 1.2, lipsync=False), Segment(1.4, 1.8))
    report = describe(plan)
    assert report.lipsynced_s == pytest.approx(0.8)
    assert [row["lipsynced_s"] for row in report.segments] == pytest.approx([0.4, 0, 0.4])
    assert {row["reason"] for row in report.passed} == {"outside_range"}


def test_each_segment_may_have_a_temperature_and_guard_of_its_own(plan_of):
    plain = plan_of(Segment(0.0, 0.8), Segment(1.0, 1.8))
    lively = plan_of(Segment(0.0, 0.8), Segment(1.0, 1.8, temperature=1.0))
    np.testing.assert_array_equal(lively.params[:20], plain.params[:20])
    assert np.ptp(lively.params[27:43, 0]) > 1.15 * np.ptp(plain.params[27:43, 0])
    assert plan_of(Segment(0.0, 0.8)).object_masks is None
    assert plan_of(Segment(0.0, 0.8, occlusion_detection=True)).object_masks is not None


def test_changing_one_segment_leaves_the_pictures_of_the_others_and_their_fingerprints(plan_of, talking):
    before = plan_of(Segment(0.0, 0.8), Segment(1.0, 1.8))
    after = plan_of(Segment(0.0, 0.8), Segment(1.0, 1.8, audio=OTHER))
    assert before.fingerprint(0, 20) == after.fingerprint(0, 20)
    assert before.fingerprint(20, 25) == after.fingerprint(20, 25)
    assert before.fingerprint(25, 45) != after.fingerprint(25, 45)
    assert before.fingerprint(0, 20) != before.fingerprint(0, 19)
    for (_, one), (_, other) in zip(
        drawn_frames(*talking, before, 0, 20), drawn_frames(*talking, after, 0, 20), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_neighbouring_segments_pass_over_without_a_jump(plan_of):
    parted = plan_of(Segment(0.0, 1.0, audio=OTHER, audio_start_s=1.0), Segment(1.0, 2.0, audio=OTHER))
    opening = parted.params[:, 0]
    assert parted.driven.all()
    assert abs(opening[25] - opening[24]) <= np.abs(np.diff(opening)).max() * 0.75
    assert (parted.strength == 1).all()


def test_of_several_faces_the_report_says_what_became_of_the_one_that_was_asked_for(talking, tmp_path):
    """The first one's reason was told, “not asked for”, and only its warnings."""
    footage = with_another(talking[1], range(35))
    segments = [Segment(*at, face={"kind": "person", "id": who}) for who, at in enumerate([(0.0, 0.8), (1.0, 2.0)])]
    report = describe(plan_motion(footage, speech(2.0), EngineSettings(), tmp_path, segments=segments))
    assert [(row["start_s"], row["reason"]) for row in report.passed] == [(0.8, "outside_range"), (1.4, "no_face")]
    assert "no_face" in {warning["code"] for warning in report.warnings}


def test_a_second_in_which_only_another_face_is_driven_counts_as_driven(talking, tmp_path):
    footage = with_another(talking[1], range(50))
    segments = [Segment(*at, face={"kind": "person", "id": who}) for who, at in enumerate([(0.0, 1.0), (1.0, 2.0)])]
    plan = plan_motion(footage, speech(2.0), EngineSettings(), tmp_path, segments=segments)
    report = measure(talking[0], plan, seen=np.zeros(50), models=Path(studio.MODELS_DIR))
    assert [row["driven"] for row in report.per_second] == [1.0, 1.0]


def test_a_plan_with_segments_survives_the_way_to_another_process(plan_of, tmp_path):
    plan = plan_of(Segment(0.4, 0.8, audio=OTHER), Segment(1.0, 1.4))
    again = MotionPlan.load(tmp_path)
    assert (again.sound, again.segments) == (plan.sound, plan.segments)
    assert again.fingerprint(0, 50) == plan.fingerprint(0, 50)


def test_large_arrays_of_a_plan_stay_on_disk_and_what_is_written_to_them_does_not_reach_it(
    plan_of, tmp_path, monkeypatch
):
    plan = plan_of(Segment(0.4, 0.8, audio=OTHER))
    monkeypatch.setattr("apps.inference.engine.plan.MAPPED_FROM", 0)
    loaded = MotionPlan.load(tmp_path)
    assert isinstance(loaded.target.base, np.memmap)
    loaded.target[:] = 0
    np.testing.assert_array_equal(MotionPlan.load(tmp_path).target, plan.target)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: [Segment(1.0, 0.5)], "from 1 to 0.5"),
        (lambda: [Segment(float("nan"), 1.0)], "from nan"),
        (lambda: [Segment(0.0, 0.1)], "shorter than 0.2"),
        (lambda: [Segment(0.0, 1.0, audio_start_s=2.0, audio_end_s=1.0)], "ends before it starts"),
        (lambda: [Segment(0.0, 1.0), Segment(0.9, 1.5)], "overlap"),
        (lambda: [Segment(0.0, 3.0)], "the video lasts 2.00 s"),
    ],
)
def test_segments_that_cannot_be_used_are_refused_in_words(make, said):
    with pytest.raises(EngineError, match=said) as refusal:
        check_order(make(), 2.0)
    assert refusal.value.code == "generation_input_segments_invalid"
    assert refusal.value.advice


def test_nothing_left_to_do_and_silence_are_refused(plan_of, talking, tmp_path):
    with pytest.raises(EngineError, match="Nothing is left"):
        plan_of(Segment(0.0, 2.0, lipsync=False))
    with pytest.raises(EngineError, match="silent"):
        plan_motion(talking[1], speech(2.0, spoken=False), EngineSettings(), tmp_path, segments=[Segment(0.0, 1.0)])
    with pytest.raises(EngineError) as refusal:
        plan_of(Segment(0.0, 1.0, face={"kind": "person", "id": 99}))
    assert refusal.value.code == "generation_input_face_selection_invalid"


def test_where_the_picture_does_not_run_forward_there_is_no_original_sound():
    times = np.arange(50) / 25
    line = build_timeline(times, 2.0, 6.0, "bounce", 25.0)
    parts = sound_parts([], line, times, True)
    assert [(p.source, round(p.start_s, 2), round(p.end_s, 2)) for p in parts] == [
        (ORIGINAL, 0, 2.0), *[("", *pair) for pair in _steps(2.0, 3.92)], (ORIGINAL, 3.92, 5.92),
        *[("", *pair) for pair in _steps(5.92, 6.0)],
    ]  # fmt: skip
    assert parts[0].start_s == 0
    assert parts[-1].end_s == line.duration_s
    assert [p.source for p in sound_parts([], line, times, False)] == [""]


def _steps(start, end):
    count = round((end - start) * 25)
    return [(round(start + k / 25, 2), round(start + (k + 1) / 25, 2)) for k in range(count)]


def test_spans_are_told_in_order_whatever_the_order_of_the_segments():
    segments = [Segment(3.0, 4.0, audio=OTHER), Segment(0.0, 1.0)]
    spans = driven_spans(segments, 5.0, {MAIN: 0.6, "segment 0": 9.0}, "cut_off")
    assert [(span.segment, span.start_s, span.end_s) for span in spans] == [(1, 0.0, 0.6), (0, 3.0, 4.0)]
    assert own_timeline(np.arange(3) / 25, 0.12).source.tolist() == [0, 1, 2]


def test_the_whole_run_keeps_sound_and_picture_outside_the_segment(short_sample, tmp_path):
    """Three seconds of the sample with a tone in the middle second: outside, the film sounds as it did."""
    tone = write_wav(tmp_path / "new.wav", read_mono(short_sample.new_line)[:16_000])
    out = tmp_path / "out.mp4"
    segments = [Segment(1.0, 2.0, audio=tone)]
    report = engine.lipsync(
        short_sample.video, short_sample.new_line, out, EngineSettings(model="lipsync-2"), segments=segments,
        models=Path(studio.MODELS_DIR),
    )  # fmt: skip
    assert report.lipsynced_s == pytest.approx(1.0, abs=0.001)
    assert (report.segments[0]["lipsynced_s"], report.duration_s) == (1.0, pytest.approx(3.0, abs=0.05))
    before, after, new = read_mono(short_sample.video), read_mono(out), read_mono(tone)
    for name, first, last, reference in (
        ("before", 0, 15_800, before[:15_800]),
        ("inside", 16_300, 31_700, new[300:15_700]),
        ("after", 32_200, 46_000, before[32_200:46_000]),
    ):
        error = after[first:last] - reference
        assert np.sqrt((error**2).mean()) < 0.1 * np.sqrt((reference**2).mean()), name


def test_the_sound_of_a_plan_takes_each_part_from_its_file(plan_of, tmp_path):
    main = write_wav(tmp_path / "main.wav", np.full(32_000, 0.5, np.float32))
    mine = write_wav(tmp_path / "mine.wav", np.full(32_000, 0.25, np.float32))
    segment = Segment(0.4, 0.8, audio=OTHER)
    plan = plan_of(segment, Segment(1.0, 1.4))
    from dataclasses import replace

    sound = soundtrack(plan.sound, main, None, [replace(segment, audio=mine), Segment(1.0, 1.4)])
    heard = np.concatenate(list(sound.blocks(96_000)), axis=1)[0]
    levels = [heard[round(at * 48_000)] for at in (0.2, 0.6, 0.9, 1.2, 1.7)]
    np.testing.assert_allclose(levels, [0, 0.25, 0, 0.5, 0], atol=2e-3)


def test_however_somebody_is_chosen_the_mouth_runs_on_into_the_next_segment(plan_of):
    """It was two faces in one place: at the border the one went back to its own mouth, and then the other came."""
    same, chosen = Segment(0.0, 1.0), Segment(1.0, 2.0, face={"kind": "person", "id": 0})
    plan = plan_of(same, chosen)
    assert plan.others == []
    assert plan.driven.all() and (plan.strength == 1).all()


def test_footage_in_which_nobody_was_seen_is_refused_by_name(talking, tmp_path):
    """A footage check keeps what it saw also where it saw nobody; the take that comes to it must say so."""
    unseen = np.full_like(talking[1].landmarks, np.nan)
    nobody = replace(talking[1], people=[], person=None, landmarks=unseen)
    with pytest.raises(EngineError) as refusal:
        plan_motion(nobody, speech(2.0), EngineSettings(), tmp_path / "plan")
    assert refusal.value.code == "generation_input_video_no_face"
