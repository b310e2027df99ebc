"""The draft: saved as one goes, reopened as it was, never written over by a stale page."""

import json

import pytest
from django.urls import reverse

from apps.assets.models import Asset, Status
from apps.billing.plans import current_plan, subscribe
from apps.billing.templatetags.money import dollars
from apps.projects.comparing import comparison
from apps.projects.models import Project
from apps.projects.services import DraftChanges, StaleDraft, create_project, save_draft
from apps.projects.workbench import draft_context
from apps.workspaces.models import Membership, Role, Visibility
from studio.errors import StudioError
from tests.factories import AssetFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def project(membership) -> Project:
    return create_project(membership=membership, name="Harbour interview")


@pytest.fixture
def video(workspace):
    return AssetFactory(workspace=workspace, video=True, name="cam-a.mp4", duration_s=12.0)


@pytest.fixture
def audio(workspace):
    return AssetFactory(workspace=workspace, audio=True, name="maren.wav", duration_s=9.0)


def save(membership, project, revision, **changes) -> Project:
    return save_draft(membership=membership, project=project, revision=revision, changes=DraftChanges(**changes))


def address(project: Project) -> str:
    return reverse("projects:draft", args=["harbour", project.pk])


def test_each_save_counts_and_keeps_what_it_does_not_mention(membership, project, video, audio):
    first = save(membership, project, 1, video=video, model="sync-3")
    second = save(membership, first, 2, audio=audio)
    assert (second.revision, second.video, second.audio, second.model) == (3, video, audio, "sync-3")


def test_a_project_without_a_name_is_called_like_its_film(membership, video):
    untitled = create_project(membership=membership)
    named = save(membership, untitled, 1, video=video)
    assert named.name == "cam-a"
    other = AssetFactory(workspace=membership.workspace, video=True, name="cam-b.mp4")
    assert save(membership, named, 2, video=other).name == "cam-a", "a name, once there, stays"


def test_a_stale_save_changes_nothing_and_tells_how_it_stands(membership, project):
    save(membership, project, 1, model="sync-3")
    with pytest.raises(StaleDraft) as stale:
        save(membership, project, 1, model="lipsync-2-pro")
    assert (stale.value.project.revision, stale.value.project.model) == (2, "sync-3")
    project.refresh_from_db()
    assert project.model == "sync-3"


def test_options_of_other_models_are_remembered(membership, project):
    one = save(membership, project, 1, model="lipsync-2-pro", options={"temperature": 0.8, "reasoning_enabled": True})
    two = save(membership, one, 2, model="sync-3", options={"active_speaker_detection": True})
    assert two.options == {"temperature": 0.8, "reasoning_enabled": True, "active_speaker_detection": True}


@pytest.mark.parametrize(
    ("place", "facts", "code"),
    [
        ("video", {"audio": True}, "draft_video_is_sound"),
        ("audio", {"kind": "image"}, "draft_audio_is_photo"),
        ("audio", {"video": True}, "draft_audio_is_silent_video"),
    ],
)
def test_a_file_that_cannot_stand_there_is_refused(membership, project, workspace, place, facts, code):
    with pytest.raises(StudioError) as refusal:
        save(membership, project, 1, **{place: AssetFactory(workspace=workspace, **facts)})
    assert refusal.value.code == code
    project.refresh_from_db()
    assert project.revision == 1


def test_a_file_that_is_still_checked_may_be_chosen(as_person, owner, membership, project, workspace):
    fresh = AssetFactory(workspace=workspace, kind="", status=Status.CHECKING, name="fresh.mp4", duration_s=None)
    client = as_person(owner)
    page = client.post(
        address(project), {"revision": 1, "video": str(fresh.pk), "place": "video"}, headers=HTMX
    ).content.decode()
    material = reverse("projects:material", args=["harbour", project.pk])
    assert f'hx-get="{material}"' in page
    assert client.get(material).status_code == 204
    fresh.kind, fresh.status, fresh.duration_s = "video", Status.READY, 4.0
    fresh.save()
    settled = client.get(material)
    assert settled.status_code == 200
    assert f'hx-get="{material}"' not in settled.content.decode()


def test_the_answer_tells_the_new_revision_and_the_new_price(as_person, owner, project, video, audio, settings):
    settings.BILLING = True
    subscribe(workspace=project.workspace, plan=current_plan("creator"))
    client = as_person(owner)
    client.post(address(project), {"revision": 1, "video": str(video.pk), "audio": str(audio.pk)})
    answer = client.post(address(project), {"revision": 2, "model": "lipsync-2", "sync_mode": "cut_off"}, headers=HTMX)
    page = answer.content.decode()
    assert answer["X-Draft-Revision"] == "3"
    # 9 s are 225 frames at 25 a second, at $0.002 each.
    assert '<b class="num dims" id="price">$0.45</b>' in page
    assert 'id="stage-picture"' not in page, "an edit of the options must not reload the picture"


def test_the_mark_of_a_plan_is_told_before_anything_is_spent(as_person, owner, project, video, audio, settings):
    client = as_person(owner)
    settings.BILLING = True
    files = {"video": str(video.pk), "audio": str(audio.pk)}
    told = {}
    for revision, plan in enumerate(("hobbyist", "creator"), start=1):
        subscribe(workspace=project.workspace, plan=current_plan(plan))
        page = client.post(address(project), {"revision": revision, **files}, headers=HTMX).content.decode()
        told[plan] = "carry “Lipsync Studio” in the lower right corner" in page
    assert told == {"hobbyist": True, "creator": False}


def test_picking_a_soundtrack_leaves_the_picture_alone(as_person, owner, project, video, audio):
    client = as_person(owner)
    picked = client.post(address(project), {"revision": 1, "audio": str(audio.pk), "place": "audio"}, headers=HTMX)
    assert 'id="stage-sound"' in picked.content.decode()
    assert 'id="stage-picture"' not in picked.content.decode()


def test_an_option_row_changes_its_state_but_never_vanishes(as_person, owner, project):
    client = as_person(owner)
    states = {}
    for revision, model in enumerate(("lipsync-2-pro", "sync-3", "lipsync-1.9.0-beta"), start=1):
        page = client.post(address(project), {"revision": revision, "model": model}, headers=HTMX).content.decode()
        rows = [
            page.index(f'id="row-{name}"')
            for name in ("temperature", "occlusion_detection_enabled", "reasoning_enabled", "active_speaker_detection")
        ]
        assert rows == sorted(rows)
        row = page[rows[0] : rows[1]]
        states[model] = "Automatic" if "Automatic" in row else "none" if "Not available" in row else "slider"
    assert states == {"lipsync-2-pro": "slider", "sync-3": "Automatic", "lipsync-1.9.0-beta": "none"}


def test_a_switch_that_is_off_is_saved_as_off(as_person, owner, membership, project):
    save(membership, project, 1, options={"active_speaker_detection": True})
    as_person(owner).post(address(project), {"revision": 2, "option-active_speaker_detection": "off"})
    project.refresh_from_db()
    assert project.options == {"active_speaker_detection": False}


@pytest.mark.parametrize(
    ("name", "value"),
    [("model", "lipsync-9"), ("sync_mode", "spin"), ("option-temperature", "1.5"), ("option-temperature", "warm")],
)
def test_a_value_that_is_none_is_refused_in_words(as_person, owner, project, name, value):
    answer = as_person(owner).post(address(project), {"revision": 1, name: value}, headers=HTMX)
    assert answer.status_code == 422
    assert f"“{value}”" in answer.content.decode()
    project.refresh_from_db()
    assert project.revision == 1


def test_a_conflict_offers_both_and_keeps_the_input(as_person, owner, membership, project):
    save(membership, project, 1, model="sync-3")
    client = as_person(owner)
    mine = {"revision": 1, "model": "lipsync-2-pro", "sync_mode": "remap"}
    answer = client.post(address(project), mine)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "This draft was changed in another window." in page
    assert 'value="lipsync-2-pro" id="model-2" checked' in page
    assert 'name="over" value="2"' in page
    client.post(address(project), mine | {"over": "2"})
    project.refresh_from_db()
    assert (project.model, project.sync_mode, project.revision) == ("lipsync-2-pro", "remap", 3)


def test_a_page_without_a_revision_is_told_to_load_again(as_person, owner, project):
    assert as_person(owner).post(address(project), {"model": "sync-3"}).status_code == 400


def test_segments_are_saved_with_the_draft_and_reach_the_take(client, membership, project, video, audio, owner):
    rows = [{"start_s": 1, "end_s": 3}, {"start_s": 5, "end_s": 6, "lipsync": False}]
    saved = save(membership, project, 1, video=video, audio=audio, segments=rows)
    assert [(row["start_s"], row["lipsync"]) for row in saved.segments] == [(1.0, True), (5.0, False)]
    kept = save(membership, saved, 2, model="sync-3")
    assert kept.segments == saved.segments
    client.force_login(owner)
    posted = client.post(address(project), {"revision": 3, "segments": json.dumps(rows[:1])}, headers=HTMX)
    assert posted.status_code == 200
    project.refresh_from_db()
    assert len(project.segments) == 1
    emptied = client.post(address(project), {"revision": 4, "segments": ""}, headers=HTMX)
    project.refresh_from_db()
    assert (emptied.status_code, project.segments) == (200, [])


def test_every_model_is_priced_for_what_the_segments_lipsync(membership, project, video, audio, settings):
    settings.BILLING = True
    subscribe(workspace=project.workspace, plan=current_plan("creator"))
    whole = draft_context(membership, save(membership, project, 1, video=video, audio=audio))
    rows = [{"start_s": 1, "end_s": 4}]
    draft = save(membership, project, 2, segments=rows)
    parts = draft_context(membership, draft)
    assert [card.micros for card in parts["cards"]] == [card.micros // 3 for card in whole["cards"]]
    assert [row.micros for row in comparison(draft)] == [card.micros for card in parts["cards"]]
    chosen = next(card for card in parts["cards"] if card.selected)
    assert chosen.micros == parts["estimate"].quote.micros > 0


def test_with_segments_the_timeline_runs_straight_in_any_sync_mode(membership, project, video, audio):
    rows = [{"start_s": 1, "end_s": 4}]
    draft = save(membership, project, 1, video=video, audio=audio, sync_mode="remap", segments=rows)
    facts = draft_context(membership, draft)["facts"]
    assert (facts["mode"], facts["length"]) == ("cut_off", 12.0)
    left = save(membership, draft, 2, segments=[rows[0] | {"lipsync": False}])
    assert draft_context(membership, left)["facts"]["mode"] == "remap"


def test_a_photo_is_priced_for_the_length_of_its_sound(as_person, owner, membership, project, audio, settings):
    settings.BILLING = True
    subscribe(workspace=project.workspace, plan=current_plan("creator"))
    photo = AssetFactory(workspace=project.workspace, kind="image", name="face.png", duration_s=None)
    draft = save(membership, project, 1, video=photo, audio=audio, model="sync-3")
    context = draft_context(membership, draft)
    assert context["length_sentence"] == "The photo is shown as long as the soundtrack lasts: 0:09.0."
    chosen = next(card for card in context["cards"] if card.selected)
    assert chosen.micros == context["estimate"].quote.micros > 0
    page = as_person(owner).get(reverse("projects:workbench", args=["harbour", project.pk])).content.decode()
    assert f'id="price">{dollars(chosen.micros)}' in page


def test_a_sound_that_somebody_does_not_see_is_none_for_their_segments(workspace, membership, project, viewer, audio):
    """They may know its id from before it was private. Where others have put it, it stays."""
    Membership.objects.filter(user=viewer).update(role=Role.EDITOR)
    editor = Membership.objects.get(user=viewer)
    Asset.objects.filter(pk=audio.pk).update(visibility=Visibility.PRIVATE, created_by=membership.user)
    rows = [{"start_s": 1, "end_s": 3, "audio": str(audio.pk)}]
    with pytest.raises(StudioError) as refused:
        save(editor, project, 1, segments=rows)
    assert (refused.value.code, refused.value.status) == ("asset_not_found", 404)
    saved = save(membership, project, 1, segments=rows)
    moved = save(editor, saved, 2, segments=[rows[0] | {"end_s": 4}])
    assert moved.segments[0]["end_s"] == 4.0


@pytest.mark.parametrize("text", ["{", "{}", "7", '[{"start_s": 1}]', "[" * 100_000, '[{"start_s": NaN, "end_s": 2}]'])
def test_segments_that_cannot_be_read_are_refused_and_change_nothing(client, project, owner, text):
    client.force_login(owner)
    answer = client.post(address(project), {"revision": 1, "segments": text}, headers=HTMX)
    assert answer.status_code == 422
    project.refresh_from_db()
    assert (project.revision, project.segments) == (1, [])
