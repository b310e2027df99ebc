"""Segments as people send them: what is kept, what is priced, what is refused and in which words."""

from uuid import uuid4

import pytest

from apps.assets.models import Kind
from apps.assets.models import Status as AssetStatus
from apps.billing import ledger
from apps.billing.plans import current_plan, subscribe
from apps.generations.models import SegmentSound
from apps.generations.segments import MOST, clean_segments
from apps.generations.services import complete, estimate, retry_generation, submit_generation
from apps.workspaces.access import membership_for
from studio.errors import StudioError
from tests.factories import AssetFactory, GenerationFactory, ProjectFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def video(workspace):
    return AssetFactory(workspace=workspace, kind=Kind.VIDEO, duration_s=10.0)


@pytest.fixture
def audio(workspace):
    return AssetFactory(workspace=workspace, kind=Kind.AUDIO, duration_s=8.0, audio_codec="pcm_s16le")


@pytest.fixture
def line(workspace):
    """A recorded line of two seconds."""
    return AssetFactory(workspace=workspace, kind=Kind.AUDIO, duration_s=2.0, audio_codec="pcm_s16le", name="line.wav")


@pytest.fixture
def clean(workspace, video, audio):
    def do(*rows, model="lipsync-2", sync_mode="cut_off", picture=None):
        return clean_segments(
            list(rows), workspace=workspace, video=picture or video, audio=audio, model=model, sync_mode=sync_mode
        )

    return do


def test_rows_come_out_complete_and_in_order(clean, line):
    found = clean({"start_s": 5, "end_s": 6}, {"start_s": 1, "end_s": 3, "audio": str(line.pk), "options": {}})
    assert found.rows[0] == {
        "start_s": 1.0, "end_s": 3.0, "lipsync": True, "audio": str(line.pk), "audio_start_s": 0.0,
        "audio_end_s": None, "face": None, "options": {},
    }  # fmt: skip
    assert (found.rows[1]["start_s"], found.rows[1]["audio"]) == (5.0, None)
    assert found.sounds == {str(line.pk): line}
    assert (found.length_s, found.seconds, found.warnings) == (10.0, pytest.approx(3.0), [])


@pytest.mark.parametrize(
    ("rows", "sync_mode", "length", "seconds"),
    [
        ([{"start_s": 2, "end_s": 4, "lipsync": False}], "cut_off", 8.0, 6.0),
        ([{"start_s": 2, "end_s": 4, "lipsync": False}], "silence", 10.0, 8.0),
        ([{"start_s": 7, "end_s": 9.5}], "cut_off", 10.0, 1.0),  # the soundtrack ends at 8 s
        ([{"start_s": 7, "end_s": 9.5}], "silence", 10.0, 2.5),
        ([{"start_s": 7, "end_s": 9.5, "options": {"sync_mode": "silence"}}], "cut_off", 10.0, 2.5),
        ([{"start_s": 1, "end_s": 2}, {"start_s": 3, "end_s": 4, "lipsync": False}], "loop", 10.0, 1.0),
    ],
)
def test_priced_is_what_is_lipsynced(clean, rows, sync_mode, length, seconds):
    found = clean(*rows, sync_mode=sync_mode)
    assert (found.length_s, found.seconds) == (pytest.approx(length), pytest.approx(seconds))


def test_a_sound_that_does_not_fit_its_range_is_said(clean, line):
    (longer,) = clean({"start_s": 1, "end_s": 2, "audio": str(line.pk)}).warnings
    assert longer == "The sound of the segment at 1 s is 1.0 s longer than it; its end is not heard."
    (shorter,) = clean({"start_s": 1, "end_s": 4, "audio": str(line.pk)}).warnings
    assert shorter == "The sound of the segment at 1 s ends 1.0 s before it; the rest stays as it was."
    assert not clean({"start_s": 1, "end_s": 2, "audio": str(line.pk), "audio_end_s": 1.0}).warnings


def test_an_option_of_the_whole_film_is_named_and_left_out_of_a_segment(clean):
    row = {"start_s": 1, "end_s": 2, "options": {"reasoning_enabled": True, "temperature": 0.9}}
    found = clean(row, model="lipsync-2-pro")
    assert found.rows[0]["options"] == {"temperature": 0.9}
    assert found.warnings == ["Second look is not used for a segment alone. Choose it for the whole take."]


def test_options_are_those_of_the_model_and_others_are_named(clean):
    row = {"start_s": 1, "end_s": 2, "options": {"temperature": 0.9, "sync_mode": "silence"}}
    assert clean(row).rows[0]["options"] == {"temperature": 0.9, "sync_mode": "silence"}
    found = clean(row, model="sync-3")
    assert found.rows[0]["options"] == {"sync_mode": "silence"}
    assert "sync-3 finds the range" in found.warnings[0]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"start_s": 1}, "end_s of a segment is “None”"),
        ({"start_s": 3, "end_s": 2}, "from 3 to 2 s"),
        ({"start_s": "1", "end_s": 2}, "start_s of a segment is “1”"),
        ({"start_s": True, "end_s": 2}, "start_s of a segment is “True”"),
        ({"start_s": float("nan"), "end_s": 2}, "start_s of a segment is “nan”"),
        ({"start_s": 10**400, "end_s": 2}, "start_s of a segment"),
        ({"start_s": -1, "end_s": 2}, "from -1 to 2 s"),
        ({"start_s": 1, "end_s": 1.1}, "shorter than 0.2 s"),
        ({"start_s": 9, "end_s": 11}, "the video lasts 10.00 s"),
        ({"start_s": 8.5, "end_s": 9}, "no sound left for the segment at 8.5 s"),
        ({"start_s": 1, "end_s": 2, "lipsync": "yes"}, "neither true nor false"),
        ({"start_s": 1, "end_s": 2, "audio": "line.wav"}, "no file of the library"),
        ({"start_s": 1, "end_s": 2, "audio_start_s": 2, "audio_end_s": 1}, "ends before it starts"),
        ({"start_s": 1, "end_s": 2, "color": "red"}, "no “color”"),
        ({"start_s": 1, "end_s": 2, "options": {"volume": 3}}, "no option “volume”"),
        ({"start_s": 1, "end_s": 2, "options": {"temperature": 3}}, "Expressiveness is “3”"),
        ({"start_s": 1, "end_s": 2, "options": {"sync_mode": "twice"}}, "no sync mode “twice”"),
        ({"start_s": 1, "end_s": 2, "options": [1]}, "no object"),
        ({"start_s": 1, "end_s": 2, "face": {"kind": "nearest"}}, "no way to choose"),
        ({"start_s": 1, "end_s": 2, "face": {"kind": ["a"]}}, "no way to choose"),
        ({"start_s": 1, "end_s": 2, "face": "Ada"}, "how its face is chosen"),
        ({"start_s": 1, "end_s": 2, "face": {"kind": "person", "id": "Ada"}}, "The id of the chosen face"),
        ({"start_s": 1, "end_s": 2, "face": {"kind": "boxes", "boxes": [[1, 2, 3]]}}, "The box of frame 0"),
        ({"start_s": 0, "end_s": 8, "lipsync": False}, "Nothing is left"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_words(clean, row, said):
    with pytest.raises(StudioError, match=said) as refusal:
        clean(row)
    assert refusal.value.status == 422
    assert refusal.value.advice


@pytest.mark.parametrize(
    "face",
    [{"kind": "auto"}, {"kind": "person", "id": 1}, {"kind": "point", "frame": 3, "x": 10, "y": 20.5},
     {"kind": "boxes", "boxes": [None, [1, 2, 3, 4]]}],
)  # fmt: skip
def test_a_face_may_be_chosen_for_a_range(clean, face):
    assert clean({"start_s": 1, "end_s": 2, "face": face}).rows[0]["face"] == face


def test_overlaps_strange_lists_and_too_many_are_refused(clean, workspace, video, audio):
    with pytest.raises(StudioError, match="overlap"):
        clean({"start_s": 1, "end_s": 3}, {"start_s": 2, "end_s": 4})
    with pytest.raises(StudioError, match=f"Use at most {MOST}"):
        clean(*({"start_s": k / 10, "end_s": k / 10 + 0.1} for k in range(MOST + 1)))
    for raw in ("all of it", {"start_s": 1}, [[1, 2]], [None]):
        with pytest.raises(StudioError, match="no list of objects"):
            clean_segments(raw, workspace=workspace, video=video, audio=audio, model="lipsync-2", sync_mode="cut_off")


def test_a_sound_of_another_workspace_does_not_exist(clean):
    foreign = AssetFactory(kind=Kind.AUDIO, duration_s=2.0, audio_codec="pcm_s16le")
    for identity in (foreign.pk, uuid4()):
        with pytest.raises(StudioError) as refusal:
            clean({"start_s": 1, "end_s": 2, "audio": str(identity)})
        assert (refusal.value.code, refusal.value.status) == ("asset_not_found", 404)


def test_a_photo_lasts_as_long_as_the_sound(clean, workspace):
    photo = AssetFactory(workspace=workspace, kind=Kind.IMAGE, duration_s=0.0)
    assert clean({"start_s": 1, "end_s": 3}, model="sync-3", picture=photo).length_s == 8.0


def test_an_estimate_prices_the_segments_and_never_raises(workspace, video, audio, line):
    def found(*rows):
        return estimate(
            workspace=workspace, video=video, audio=audio, model="lipsync-2", sync_mode="cut_off", options={},
            segments=rows,
        )  # fmt: skip

    whole, part = found(), found({"start_s": 1, "end_s": 3, "audio": str(line.pk)})
    assert (whole.seconds, part.seconds, part.length_s) == (8.0, 2.0, 10.0)
    assert part.quote.micros * 4 == whole.quote.micros
    assert found({"start_s": 3, "end_s": 1}).refusals[0].code == "generation_input_segments_invalid"
    line.status = AssetStatus.CHECKING
    line.save()
    assert found({"start_s": 1, "end_s": 3, "audio": str(line.pk)}).refusals[0].code == "asset_not_ready"


def test_a_take_keeps_its_segments_holds_their_price_and_protects_their_sounds(
    workspace, owner, video, audio, line, settings
):
    settings.BILLING = True
    subscribe(workspace=workspace, plan=current_plan("creator"))
    membership = membership_for(owner, workspace)
    take = submit_generation(
        membership=membership,
        project=ProjectFactory(workspace=workspace),
        video=video,
        audio=audio,
        model="lipsync-2",
        sync_mode="cut_off",
        options={},
        segments=[{"start_s": 1, "end_s": 3, "audio": str(line.pk)}],
    )
    assert take.segments[0]["audio"] == str(line.pk)
    assert take.quoted_seconds == pytest.approx(2.0)
    assert ledger.held_for(take.pk) == take.quoted_micros
    assert [row.asset for row in SegmentSound.objects.filter(generation=take)] == [line]
    from apps.assets.services import remove_for_good

    assert remove_for_good(asset=line) is False
    GenerationFactory._meta.model.objects.filter(pk=take.pk).update(status="PROCESSING")
    assert complete(generation_id=take.pk, result=video, lipsynced_s=1.5, report={})
    take.refresh_from_db()
    assert take.charged_seconds == 1.5
    again = retry_generation(membership=membership, generation=take)
    assert again.segments == take.segments
