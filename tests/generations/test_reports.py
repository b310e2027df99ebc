"""Reading the engine's report."""

import pytest

from apps.generations.reports import report_view


def seconds(*offsets, driven=1.0):
    return [{"second": at, "driven": driven, "agreement": 0.9, "offset_ms": one} for at, one in enumerate(offsets)]


def test_an_empty_report_has_no_meter_and_no_worst_place():
    view = report_view({})
    assert (view.seconds, view.bars, view.worst, view.passed_s) == ([], [], None, 0)


def test_the_worst_second_is_the_one_furthest_off_either_way():
    view = report_view({"fps": 25, "duration_s": 4.0, "per_second": seconds(30, -120, 80, 0)})
    assert [one.second for one in view.worst_first] == [1, 2]
    assert view.worst is not None
    assert view.worst.words == "120 ms early"


def test_one_frame_off_is_within_at_any_rate():
    # 1/29.97 s is 33.4 ms, and the report has whole milliseconds.
    assert report_view({"fps": 29.97, "per_second": seconds(33)}).worst is None
    assert report_view({"fps": 29.97, "per_second": seconds(35)}).worst is not None


def test_seconds_left_alone_have_no_bar():
    view = report_view({"fps": 25, "duration_s": 2.0, "per_second": seconds(90, 90, driven=0.3)})
    assert (view.bars, view.worst) == ([], None)
    assert view.seconds[0].words == "left as it was"


@pytest.mark.parametrize(("offset", "scale"), [(20, 60.0), (61, 120.0), (-150, 200.0)])
def test_the_scale_holds_the_longest_bar(offset, scale):
    view = report_view({"fps": 25, "duration_s": 1.0, "per_second": seconds(offset)})
    assert view.scale_ms == scale
    (bar,) = view.bars
    assert 0 <= bar.y <= bar.y + bar.height <= 100


def test_late_is_drawn_above_the_line_and_early_below():
    view = report_view({"fps": 25, "duration_s": 2.0, "per_second": seconds(50, -50)})
    late, early = view.bars
    assert late.y + late.height == 50
    assert early.y == 50


def test_reasons_and_stages_are_said_in_words():
    passed = [{"start_s": 1, "end_s": 2.5, "reason": "turned_away"}, {"start_s": 3, "end_s": 4, "reason": "new_thing"}]
    view = report_view({"passed": passed, "timings_s": {"lipsync": 2, "proof": 1}, "warnings": ["plain"]})
    assert [one.reason for one in view.passed] == ["face turned away", "new thing"]
    assert view.passed_s == 2.5
    assert [name for name, _ in view.timings] == ["Lipsync", "Proof"]
    assert view.warnings == ["plain"]
