"""The footage check on the workbench: rows in the words for the chosen model, fixes that would change something."""

import pytest
from django.urls import reverse

from apps.assets.models import CheckStatus, FootageCheck
from apps.billing.plans import load_plans
from apps.generations.models import Generation
from apps.projects.footage import rows_of
from apps.projects.models import Project
from apps.projects.people import people_of, who_is_driven
from apps.projects.testing import test_range as range_of_test
from apps.projects.testing import test_segments as segments_of_test
from apps.projects.workbench import draft_context
from apps.workspaces.models import Membership
from studio.errors import StudioError
from tests.factories import AssetFactory

pytestmark = pytest.mark.django_db

COVERED = {
    "kind": "obstruction", "start_s": 6.0, "end_s": 8.0, "severity": "warning", "reason": "A hand.",
    "advice": {"lipsync-2": "lipsync-2 needs help.", "sync-3": "sync-3 keeps it."},
    "fixes": [
        {"action": "set_option", "option": "occlusion_detection_enabled", "value": True, "models": ["lipsync-2"]},
        {"action": "use_model", "model": "sync-3"},
        {"action": "exclude_range", "start_s": 6.0, "end_s": 8.0},
        {"action": "dance"},
    ],
}  # fmt: skip
SMALL = {"kind": "small_face", "start_s": 0.0, "end_s": 10.0, "severity": "info", "reason": "Small.", "fixes": []}
PEOPLE = [
    {"id": 0, "first_s": 0.0, "last_s": 2.0, "seconds": 2.0, "thumbnail_time_s": 1.0, "box": [0, 0, 1, 1]},
    {"id": 1, "first_s": 5.0, "last_s": 10.0, "seconds": 5.0, "thumbnail_time_s": 6.0, "box": [0, 0, 1, 1]},
]


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    monkeypatch.setattr("apps.assets.footage.celery_app.send_task", lambda name, args: None)


@pytest.fixture
def project(workspace) -> Project:
    video = AssetFactory(workspace=workspace, video=True, name="cam.mp4")
    audio = AssetFactory(workspace=workspace, audio=True, name="maren.wav")
    FootageCheck.objects.create(asset=audio, status=CheckStatus.READY, result={"duration_s": 10.0, "findings": []})
    return Project.objects.create(workspace=workspace, name="Harbour", video=video, audio=audio)


def checked(project, status=CheckStatus.READY, **result) -> FootageCheck:
    whole = {"duration_s": 10.0, "findings": [COVERED, SMALL], "people": PEOPLE, "suggested_model": "sync-3"} | result
    return FootageCheck.objects.create(asset=project.video, status=status, result=whole)


def test_a_row_speaks_of_the_chosen_model_and_offers_what_would_change_something(project):
    covered, small = rows_of(checked(project), project)
    assert (covered.title, covered.tone, covered.whole) == ("Mouth is covered", "warn", False)
    assert covered.sentence == "A hand. lipsync-2 needs help."
    assert [(fix.action, fix.value) for fix in covered.fixes] == [
        ("option", "occlusion_detection_enabled"), ("model", "sync-3"), ("exclude", ""),
    ]  # fmt: skip
    assert small.whole
    project.model = "sync-3"
    covered, _ = rows_of(project.video.footage_check, project)
    assert covered.sentence == "A hand. sync-3 keeps it."
    assert [fix.action for fix in covered.fixes] == ["exclude"]


def test_an_option_that_is_on_is_not_offered_again(project):
    project.options = {"occlusion_detection_enabled": True}
    covered, _ = rows_of(checked(project), project)
    assert [fix.action for fix in covered.fixes] == ["model", "exclude"]


def test_a_model_that_helps_only_some_is_offered_to_them_alone(project):
    pro = {"action": "use_model", "model": "lipsync-2-pro", "models": ["lipsync-2"]}
    checked(project, findings=[COVERED | {"kind": "large_face", "fixes": [pro]}])
    (large,) = rows_of(project.video.footage_check, project)
    assert (large.title, [fix.value for fix in large.fixes]) == ("Face is large", ["lipsync-2-pro"])
    project.model = "sync-3"
    (large,) = rows_of(project.video.footage_check, project)
    assert large.fixes == []


def test_people_stand_by_their_time_on_screen(project):
    longest, other = people_of(checked(project), project)
    assert (longest.id, longest.left, longest.width) == (1, 50.0, 50.0)
    assert (other.id, other.left, other.width) == (0, 0.0, 20.0)


def test_a_speaker_is_called_what_somebody_typed_in_every_project_with_the_film(project, as_person, owner):
    check = checked(project)
    address = reverse("projects:name_speaker", args=["harbour", project.pk, 1])
    as_person(owner).post(address, {"name": "  Maren\x00  Holm " + "x" * 80})
    check.refresh_from_db()
    assert check.names == {"1": "Maren Holm " + "x" * 49}
    other = Project.objects.create(workspace=project.workspace, name="Second", video=project.video)
    assert [person.called for person in people_of(check, other)] == ["Maren Holm " + "x" * 49, "Person 2"]
    as_person(owner).post(address, {"name": " "})
    check.refresh_from_db()
    assert check.names == {}


def test_nobody_who_is_not_in_the_film_gets_a_name(project, as_person, owner):
    address = reverse("projects:name_speaker", args=["harbour", project.pk, 7])
    assert as_person(owner).post(address, {"name": "Maren"}).status_code == 404
    checked(project)
    assert as_person(owner).post(address, {"name": "Maren"}).status_code == 404


A, B = "6f1c2d0e-0000-4000-8000-000000000001", "6f1c2d0e-0000-4000-8000-000000000002"
SEVERAL = {
    "kind": "several_people", "start_s": 5.0, "end_s": 9.0, "severity": "warning", "reason": "Several people are seen.",
    "advice": {"lipsync-2": "Choose whom."},
    "fixes": [{"action": "set_option", "option": "active_speaker_detection", "value": True}],
}  # fmt: skip


def spoken(person: int | None, audio: str | None = None) -> dict:
    face = None if person is None else {"kind": "person", "id": person}
    return {"start_s": 0.0, "end_s": 2.0, "lipsync": True, "audio": audio, "face": face}


@pytest.mark.parametrize(
    ("segments", "options", "said"),
    [
        ([], {}, ""),
        ([spoken(None)], {}, ""),
        ([spoken(0, A), spoken(1, B)], {}, "Each sound moves its own speaker."),
        ([spoken(0, A), spoken(1)], {}, "Each segment says whose lips move."),
        ([spoken(0, A), spoken(None)], {}, ""),
        ([{"start_s": 0.0, "end_s": 1.0, "lipsync": False}], {}, ""),
        ([], {"active_speaker_detection": {"kind": "person", "id": 1}}, "Person 1 gets the new lips."),
        ([], {"active_speaker_detection": True}, "Whoever speaks gets the new lips."),
    ],
)
def test_several_people_are_a_question_only_as_long_as_nobody_is_chosen(project, segments, options, said):
    project.segments, project.options = segments, options
    check = checked(project, findings=[SEVERAL])
    settled = who_is_driven(people_of(check, project), project)
    [row] = rows_of(check, project, settled=settled)
    assert settled == said
    assert row.tone == ("pic" if said else "warn")
    assert row.sentence == f"Several people are seen. {said or 'Choose whom.'}"
    assert bool(row.fixes) == (not said and not options)


def test_the_strip_has_places_and_the_cuts_edges_to_snap_to(project, membership):
    cut = {"kind": "scene_cut", "start_s": 4.0, "end_s": 4.0, "severity": "info", "reason": "A cut.", "fixes": []}
    checked(project, findings=[SMALL, cut, COVERED])
    facts = draft_context(membership, project)["facts"]
    assert [mark["title"] for mark in facts["marks"]] == ["Cut", "Mouth is covered"]
    assert facts["cuts"] == [4.0]


@pytest.mark.parametrize(("status", "words"), [
    (CheckStatus.WAITING, "Looking through the files"), (CheckStatus.FAILED, "Check again"),
    (CheckStatus.READY, "This footage suits"),
])  # fmt: skip
def test_each_state_is_said(project, as_person, owner, status, words):
    checked(project, status)
    page = as_person(owner).get(reverse("projects:workbench", args=["harbour", project.pk])).content.decode()
    assert words in page


def test_a_footage_without_findings_is_fine(project, as_person, owner):
    checked(project, findings=[], suggested_model="lipsync-2")
    page = as_person(owner).get(reverse("projects:workbench", args=["harbour", project.pk])).content.decode()
    assert "Nothing to worry about." in page
    assert "This footage suits" not in page


def test_asking_is_answered_when_the_check_is_through(project, as_person, owner):
    address = reverse("projects:check", args=["harbour", project.pk])
    check = checked(project, CheckStatus.RUNNING)
    client = as_person(owner)
    assert client.get(address).status_code == 204
    FootageCheck.objects.filter(pk=check.pk).update(status=CheckStatus.READY)
    answer = client.get(address).content.decode()
    assert "Mouth is covered" in answer
    assert 'id="facts"' in answer


def test_a_failed_check_is_asked_for_again(project, as_person, teammate, viewer):
    check = checked(project, CheckStatus.FAILED)
    address = reverse("projects:recheck", args=["harbour", project.pk])
    assert as_person(viewer).post(address).status_code == 403
    as_person(teammate).post(address)
    check.refresh_from_db()
    assert check.status == CheckStatus.WAITING


@pytest.mark.parametrize(("at", "expected"), [(0.0, (0.0, 5.0)), (3.5, (3.5, 8.5)), (9.9, (5.0, 10.0))])
def test_the_test_begins_where_it_is_asked_for_and_lies_inside_both_files(project, at, expected):
    assert range_of_test(project, at) == expected


def test_a_test_of_segments_with_sounds_of_their_own_lies_anywhere_in_the_video(project):
    project.audio.duration_s = 2.0
    project.segments = [{"start_s": 6.0, "end_s": 9.0, "audio": "x"}]
    assert range_of_test(project, 4.5) == (4.5, 9.5)
    project.segments = [{"start_s": 0.0, "end_s": 1.0}]
    assert range_of_test(project, 4.5) == (0.0, 2.0)


def test_a_test_costs_five_seconds_and_keeps_the_draft(project, as_person, owner, monkeypatch):
    load_plans()
    monkeypatch.setattr("apps.generations.services.dispatch", lambda: None)
    checked(project)
    answer = as_person(owner).post(
        reverse("projects:test", args=["harbour", project.pk]), {"revision": "1", "at": "3.5", "segments": "[]"}
    )
    take = Generation.objects.get()
    assert answer.url == reverse("generations:take", args=["harbour", project.pk, 1])
    assert take.quoted_seconds == pytest.approx(5.0)
    assert [(row["start_s"], row["end_s"]) for row in take.segments] == [(3.5, 8.5)]
    assert take.note == "Test 0:03.5 to 0:08.5"
    project.refresh_from_db()
    assert project.segments == []


def gap(start: float, end: float) -> dict:
    return {"start_s": start, "end_s": end, "lipsync": False}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([gap(0, 3)], [(3, 7)]),
        ([gap(3, 4), gap(5, 6.9)], [(2, 3), (4, 5)]),
        ([gap(8, 9)], [(2, 7)]),
        ([gap(2.1, 4)], [(4, 7)]),
        ([{"start_s": 0, "end_s": 3}, gap(4, 5), {"start_s": 6.5, "end_s": 9}], [(2, 3), (6.5, 7)]),
    ],
)
def test_a_test_drives_what_the_draft_drives_there(rows, expected):
    found = segments_of_test(rows, 2, 7, {})
    assert [(row["start_s"], row["end_s"]) for row in found] == expected


def test_the_sound_and_the_face_of_a_segment_are_those_of_its_test():
    row = {"start_s": 1.0, "end_s": 6.0, "audio": "a", "audio_start_s": 0.5, "face": {"kind": "person", "id": 1}}
    [cut] = segments_of_test([row], 2, 7, {})
    assert cut == row | {"start_s": 2, "end_s": 6.0, "audio_start_s": 1.5}


def test_a_segment_whose_sound_is_over_keeps_no_other_from_being_tested():
    row = {"audio": "a", "audio_start_s": 0.0}
    rows = [row | {"start_s": 0.0, "end_s": 4.0}, row | {"start_s": 4.0, "end_s": 9.0}]
    assert [part["start_s"] for part in segments_of_test(rows, 2, 7, {"a": 1.5})] == [4.0]
    rows[0]["audio_end_s"] = 1.0
    assert [part["start_s"] for part in segments_of_test(rows, 2, 7, {"a": 20.0})] == [4.0]


@pytest.mark.parametrize("rows", [[gap(0, 9)], [gap(2.1, 6.9)], [{"start_s": 8, "end_s": 9}]])
def test_a_test_of_nothing_is_refused(rows):
    with pytest.raises(StudioError, match="leave these five seconds"):
        segments_of_test(rows, 2, 7, {})


@pytest.mark.parametrize("at", ["", "nan", "inf", "-1", "words"])
def test_a_playhead_that_is_none_is_the_start(project, as_person, owner, monkeypatch, at):
    load_plans()
    monkeypatch.setattr("apps.generations.services.dispatch", lambda: None)
    checked(project)
    as_person(owner).post(reverse("projects:test", args=["harbour", project.pk]), {"revision": "1", "at": at})
    assert Generation.objects.get().segments[0]["start_s"] == 0.0


def test_a_card_names_the_sound_a_person_speaks_with(project, as_person, owner):
    checked(project)
    sounds = [AssetFactory(workspace=project.workspace, audio=True, name=f"voice_{number}.wav") for number in range(3)]

    def segment(start: float, person: int, sound) -> dict:
        return {"start_s": start, "end_s": start + 1, "audio": str(sound.pk), "face": {"kind": "person", "id": person}}

    project.segments = [segment(0, 1, sounds[0]), segment(2, 0, sounds[1]), segment(4, 0, sounds[2])]
    project.save()
    by_id = {
        person.id: person.sound
        for person in draft_context(Membership.objects.get(user=owner, workspace=project.workspace), project)["people"]
    }
    assert by_id == {1: "voice_0.wav", 0: "2 sounds"}
    page = as_person(owner).get(reverse("projects:workbench", args=["harbour", project.pk])).content.decode()
    assert 'id="sound-of-1"' in page and "voice_0.wav" in page


def test_the_sounds_for_a_person_are_a_dialogs_inside_only(project, as_person, owner):
    checked(project)
    address = reverse("projects:pick", args=["harbour", project.pk, "speaker"])
    client = as_person(owner)
    assert client.get(address, {"for": "1"}).url == reverse("projects:workbench", args=["harbour", project.pk])
    inside = client.get(address, {"for": "1"}, headers={"HX-Request": "true"}).content.decode()
    assert 'data-person-id="1"' in inside and "maren.wav" in inside and "cam.mp4" not in inside
    assert "Take their sound away" not in inside
    assert 'name="speaker"' not in inside, "it is laid by the timeline, not posted as a file of the draft"
