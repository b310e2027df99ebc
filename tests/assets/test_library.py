"""The library's pages: what they show, to whom, and how they change files."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.assets.library import PAGE
from apps.assets.models import Asset, Origin, Status
from tests.factories import AssetFactory

HTMX = {"HTTP_HX_REQUEST": "true"}


def address(name: str, *arguments, ws: str = "harbour") -> str:
    return reverse(f"assets:{name}", args=[ws, *arguments])


@pytest.fixture
def client(owner, workspace, as_person) -> Client:
    return as_person(owner)


@pytest.fixture
def video(workspace) -> Asset:
    return AssetFactory(workspace=workspace, name="interview.mp4", video=True)


def names_on(response) -> list[str]:
    """Names of the cards of a page, in order."""
    return [entry.asset.name for entry in response.context["page"].entries]


# --- Who may see and do what ----------------------------------------------------------------------


@pytest.mark.parametrize("page", ["library", "detail", "card"])
def test_pages_open_for_the_team_and_hide_from_others(page, video, owner, teammate, viewer, outsider, as_person):
    path = address(page, video.pk) if page != "library" else address(page)
    for person in (owner, teammate, viewer):
        assert as_person(person).get(path).status_code == 200
    assert as_person(outsider).get(path).status_code == 404
    anonymous = Client().get(path)
    assert anonymous.status_code == 302
    assert anonymous["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("deed", ["rename", "delete", "restore"])
def test_a_viewer_may_change_nothing(deed, video, viewer, outsider, as_person):
    path = address(deed, video.pk)
    assert as_person(viewer).post(path, {"name": "other.mp4"}).status_code == 403
    assert as_person(outsider).post(path, {"name": "other.mp4"}).status_code == 404
    video.refresh_from_db()
    assert (video.name, video.deleted_at) == ("interview.mp4", None)


def test_a_viewer_is_offered_nothing_that_would_be_refused(video, viewer, as_person):
    client = as_person(viewer)
    page = client.get(address("library")).content.decode()
    detail = client.get(address("detail", video.pk)).content.decode()
    assert "data-choose-files" not in page
    assert address("upload") not in page
    assert address("delete", video.pk) not in detail
    assert address("rename", video.pk) not in detail
    assert address("download", video.pk) in detail


def test_another_workspaces_file_is_not_found_under_ours(client, outsider):
    theirs = AssetFactory(workspace=outsider.workspaces.get())
    assert client.get(address("detail", theirs.pk)).status_code == 404
    assert client.post(address("delete", theirs.pk)).status_code == 404


# --- Search, kinds, order, pages ------------------------------------------------------------------


def test_the_newest_file_comes_first_under_its_day(client, workspace):
    now = timezone.now()
    for age, name in ((0, "new"), (1, "yesterday"), (400, "old")):
        AssetFactory(workspace=workspace, name=name, created_at=now - timedelta(days=age))
    page = client.get(address("library"))
    assert names_on(page) == ["new", "yesterday", "old"]
    days = [entry.day for entry in page.context["page"].entries]
    assert days[:2] == ["Today", "Yesterday"]
    assert days[2].endswith(str((now - timedelta(days=400)).year))


@pytest.mark.parametrize(
    ("zone", "day"), [("-480", "Today"), ("0", "Yesterday"), ("", "Yesterday"), ("x", "Yesterday")]
)
def test_days_are_those_of_whoever_looks(client, workspace, zone, day):
    """At half past five in Los Angeles it is the next day in Greenwich."""
    made = datetime(2026, 11, 27, 23, 0, tzinfo=UTC)
    Asset.objects.filter(pk=AssetFactory(workspace=workspace).pk).update(created_at=made)
    client.cookies["zone"] = zone
    with time_machine.travel(made + timedelta(hours=2.5), tick=False):
        (entry,) = client.get(address("library")).context["page"].entries
    assert entry.day == day


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?q=HARBOUR", ["harbour.mp4", "harbour.wav"]),
        ("?kind=video", ["harbour.mp4", "take.mp4"]),
        ("?kind=audio", ["harbour.wav"]),
        ("?kind=result", ["take.mp4"]),
        ("?kind=nonsense&sort=nonsense&from=minus", ["harbour.mp4", "harbour.wav", "take.mp4"]),
        ("?sort=oldest", ["take.mp4", "harbour.wav", "harbour.mp4"]),
        ("?sort=name", ["harbour.mp4", "harbour.wav", "take.mp4"]),
        ("?sort=length", ["harbour.wav", "take.mp4", "harbour.mp4"]),
        ("?sort=size&kind=video", ["take.mp4", "harbour.mp4"]),
    ],
)
def test_filters_and_orders_live_in_the_address(client, workspace, query, expected):
    now = timezone.now()
    AssetFactory(workspace=workspace, name="harbour.mp4", video=True, duration_s=3, size=10, created_at=now)
    AssetFactory(
        workspace=workspace, name="harbour.wav", audio=True, duration_s=9, size=20, created_at=now - timedelta(hours=1)
    )
    AssetFactory(
        workspace=workspace,
        name="take.mp4",
        video=True,
        duration_s=5,
        size=30,
        origin=Origin.RESULT,
        created_at=now - timedelta(hours=2),
    )
    assert names_on(client.get(address("library") + query)) == expected


def test_a_search_keeps_the_kind_and_the_order(client, workspace):
    page = client.get(address("library") + "?kind=video&sort=name&q=cam").context["page"]
    assert page.query.address({"q": "dog"}) == "?q=dog&kind=video&sort=name"
    assert {chip.label: chip.current for chip in page.chips}["Video"]


def test_pages_of_the_list_meet_without_gap_or_overlap(client, workspace):
    moment = timezone.now()
    for number in range(PAGE + 12):  # the same moment for all: ties must not shuffle between pages
        AssetFactory(workspace=workspace, name=f"file-{number:03d}", created_at=moment)
    first = client.get(address("library"))
    rest = client.get(address("library") + first.context["page"].more, **HTMX)
    shown = names_on(first) + names_on(rest)
    assert len(names_on(first)) == PAGE
    assert sorted(shown) == [f"file-{number:03d}" for number in range(PAGE + 12)]
    assert rest.context["page"].more == ""
    assert b"<html" not in rest.content
    assert rest.context["page"].entries[0].day == "", "the day's heading stands above the first page already"


def test_the_page_costs_the_same_number_of_queries_with_many_files(
    client, workspace, video, django_assert_max_num_queries
):
    def queries() -> int:
        with django_assert_max_num_queries(11) as captured:
            assert client.get(address("library")).status_code == 200
        return len(captured)

    client.get(address("library"))  # the session notes the workspace once
    with_one = queries()
    AssetFactory.create_batch(60, workspace=workspace, video=True, thumbnail="t.webp")
    assert queries() == with_one


def test_a_filter_answers_with_the_list_alone_and_names_its_address(client, video):
    answer = client.get(address("library") + "?kind=audio", **HTMX)
    assert b"<html" not in answer.content
    assert b'id="listing"' in answer.content
    assert answer["HX-Push-Url"] == address("library") + "?kind=audio"
    redrawn = client.get(address("library") + "?kind=audio", HTTP_HX_TRIGGER="listing", **HTMX)
    assert "HX-Push-Url" not in redrawn


def test_an_empty_library_teaches_and_an_empty_search_says_so(client, workspace):
    assert "Start with a video and a new soundtrack" in client.get(address("library")).content.decode()
    found = client.get(address("library") + "?q=<b>nothing</b>").content.decode()
    assert "No file is called “&lt;b&gt;nothing&lt;/b&gt;”" in found
    assert "Start with a video" not in found


# --- Cards ----------------------------------------------------------------------------------------


def test_a_card_is_asked_for_until_the_check_is_done(client, workspace):
    asset = AssetFactory(workspace=workspace, status=Status.CHECKING, kind="", duration_s=None)
    path = address("card", asset.pk) + "?poll"
    assert client.get(path).status_code == 204
    Asset.objects.filter(pk=asset.pk).update(status=Status.READY, kind="audio", duration_s=72.4)
    card = client.get(path)
    assert card.status_code == 200
    assert "1:12" in card.content.decode()
    assert "every 1500ms" not in card.content.decode()


def test_without_scripts_one_can_look_again_while_a_file_is_checked(client, workspace):
    asset = AssetFactory(workspace=workspace, status=Status.CHECKING, kind="")
    assert "Look again" in client.get(address("library")).content.decode()
    Asset.objects.filter(pk=asset.pk).update(status=Status.READY)
    assert "Look again" not in client.get(address("library")).content.decode()


def test_a_refused_file_keeps_its_name_and_says_why(client, workspace):
    asset = AssetFactory(
        workspace=workspace, name="lecture.avi", status=Status.REJECTED, error_message="The file ends after 12.8 s."
    )
    card = client.get(address("card", asset.pk)).content.decode()
    assert "lecture.avi" in card
    assert "The file ends after 12.8 s." in card
    assert "Replace file" in card


def test_the_small_waveform_is_one_shape_in_the_text_colour(client, workspace):
    asset = AssetFactory(workspace=workspace, audio=True)
    asset.peaks.save("peaks.json", ContentFile(b'{"rate": 100, "peaks": [[-127, 127], [0, 0], [-64, 32]]}'))
    answer = client.get(address("wave", asset.pk))
    assert answer["Content-Type"] == "image/svg+xml"
    assert "immutable" in answer["Cache-Control"]
    assert answer.content.count(b"<path") == 1
    assert b"currentColor" in answer.content
    assert client.get(address("wave", AssetFactory(workspace=workspace, video=True).pk)).status_code == 404


# --- Changes --------------------------------------------------------------------------------------


def test_renaming_shows_the_new_name_everywhere_on_the_page(client, video):
    answer = client.post(address("rename", video.pk), {"name": " cam-b.mp4 "}, **HTMX)
    video.refresh_from_db()
    assert video.name == "cam-b.mp4"
    html = answer.content.decode()
    assert f'id="asset-{video.pk}"' in html
    assert html.count('hx-swap-oob="true"') == 2
    assert client.post(address("rename", video.pk), {"name": "c.mp4"})["Location"] == address("detail", video.pk)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_an_empty_name_is_refused_beside_the_field_and_the_old_one_stays(client, video, headers):
    answer = client.post(address("rename", video.pk), {"name": "   "}, **headers)
    assert answer.status_code == 422
    assert "A file needs a name." in answer.content.decode()
    assert 'value="   "' in answer.content.decode()
    video.refresh_from_db()
    assert video.name == "interview.mp4"


def test_deleting_offers_undo_and_undo_brings_the_file_back(client, video):
    answer = client.post(address("delete", video.pk), **HTMX)
    undo = address("restore", video.pk)
    assert f'action="{undo}"' in answer.content.decode()
    assert '<p class="sm muted ellipsis" id="count" hx-swap-oob="true"></p>' in answer.content.decode()
    assert names_on(client.get(address("library"))) == []
    assert client.get(address("detail", video.pk)).status_code == 404
    back = client.post(undo, **HTMX)
    assert back.status_code == 204
    assert back["HX-Trigger"] == "studio:library"
    assert names_on(client.get(address("library"))) == ["interview.mp4"]


def test_deleting_without_scripts_leads_back_with_the_same_undo(client, video):
    page = client.post(address("delete", video.pk), follow=True)
    assert page.redirect_chain[-1][0] == address("library")
    assert f'action="{address("restore", video.pk)}"' in page.content.decode()


def test_files_come_in_through_a_plain_form(client, workspace):
    files = [SimpleUploadedFile("one.wav", b"RIFF1"), SimpleUploadedFile("two.wav", b"RIFF2")]
    answer = client.post(address("upload"), {"files": files})
    assert answer["Location"] == address("library")
    assert set(Asset.objects.in_library(workspace).values_list("name", "size")) == {("one.wav", 5), ("two.wav", 5)}


def test_a_plain_form_says_what_it_refuses_and_takes_the_rest(client, workspace):
    files = [SimpleUploadedFile("empty.wav", b""), SimpleUploadedFile("good.wav", b"RIFF")]
    page = client.post(address("upload"), {"files": files}, follow=True).content.decode()
    assert "empty.wav is empty." in page
    assert list(Asset.objects.in_library(workspace).values_list("name", flat=True)) == ["good.wav"]


def test_an_empty_form_and_a_viewers_form_change_nothing(client, workspace, viewer, as_person):
    assert "No file was chosen." in client.post(address("upload"), follow=True).content.decode()
    assert as_person(viewer).post(address("upload"), {"files": SimpleUploadedFile("a.wav", b"R")}).status_code == 403
    assert not Asset.objects.filter(workspace=workspace).exists()


def test_replacing_a_refused_file_takes_it_away_only_when_the_new_one_is_in(client, workspace):
    refused = AssetFactory(workspace=workspace, status=Status.REJECTED)
    client.post(address("upload"), {"files": SimpleUploadedFile("b.wav", b""), "replaces": str(refused.pk)})
    refused.refresh_from_db()
    assert refused.deleted_at is None
    client.post(address("upload"), {"files": SimpleUploadedFile("b.wav", b"RIFF"), "replaces": str(refused.pk)})
    refused.refresh_from_db()
    assert refused.deleted_at is not None
    nonsense = {"files": SimpleUploadedFile("c.wav", b"RIFFc"), "replaces": "nonsense"}
    assert client.post(address("upload"), nonsense).status_code == 404
    assert not Asset.objects.filter(name="c.wav").exists()
