"""A file by its address: it stands in the library at once, and a worker fetches it or says why it could not."""

import pytest
from botocore.exceptions import EndpointConnectionError
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError

from apps.api.fetching import FetchFailed, TooLarge, TooSlow
from apps.assets.checking import recheck_lost
from apps.assets.models import Asset, Origin, Status
from apps.desk import services
from apps.desk.tasks import fetch_file
from tests.factories import write_audio

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch, django_capture_on_commit_callbacks):
    """What was handed to workers."""
    calls: list[tuple[str, list[str]]] = []
    monkeypatch.setattr("studio.celery.app.send_task", lambda name, args=None, **_: calls.append((name, args or [])))
    return calls


def ask(client, url, **headers):
    return client.post(reverse("desk:import_link", args=["harbour"]), {"url": url}, headers=headers)


def test_the_file_stands_in_the_library_before_it_is_here(
    sent, as_person, owner, workspace, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        ask(as_person(owner), "https://media.example/clips/harbour%20one.mp4?x=1")
    asset = Asset.objects.get()
    assert (asset.name, asset.origin, asset.status) == ("harbour one.mp4", Origin.URL, Status.CHECKING)
    assert sent == [("desk.fetch_file", [str(asset.pk), "https://media.example/clips/harbour%20one.mp4?x=1"])]
    page = as_person(owner).get(reverse("assets:library", args=["harbour"])).content.decode()
    assert "harbour one.mp4" in page


@pytest.mark.parametrize("url", ["", "words", "ftp://a.example/x", "https://", "http://[", "javascript:alert(1)"])
def test_what_is_no_address_stays_in_the_field(sent, as_person, owner, workspace, url):
    answer = ask(as_person(owner), url, **{"HX-Request": "true"})
    assert answer.status_code == 422
    assert "That is no web address." in answer.content.decode()
    assert not Asset.objects.exists()


def test_the_address_opens_as_a_page_and_keeps_what_was_refused(sent, as_person, owner, workspace):
    client = as_person(owner)
    assert "Address of the file" in client.get(reverse("desk:import_link", args=["harbour"])).text
    refused = ask(client, "words")
    assert refused.status_code == 422
    assert "That is no web address." in refused.text
    assert 'value="words"' in refused.text
    assert ask(client, "https://media.example/one.mp4").url == reverse("assets:library", args=["harbour"])


def test_links_that_are_on_their_way_are_limited(sent, as_person, owner, workspace, monkeypatch):
    monkeypatch.setattr(services, "LINKS_MOST", 2)
    client = as_person(owner)
    answers = [ask(client, f"https://media.example/{n}.mp4").status_code for n in range(3)]
    assert answers == [302, 302, 422] and Asset.objects.count() == 2
    Asset.objects.first().delete()
    assert ask(client, "https://media.example/3.mp4").status_code == 302


def test_viewers_import_nothing(as_person, viewer, outsider):
    assert ask(as_person(viewer), "https://a.example/x.mp4").status_code == 403
    assert ask(as_person(outsider), "https://a.example/x.mp4").status_code == 404


def make(workspace, owner) -> Asset:
    return Asset.objects.create(workspace=workspace, created_by=owner, name="voice.wav", origin=Origin.URL)


def test_the_bytes_go_into_the_same_asset(monkeypatch, sent, workspace, owner):
    asset = make(workspace, owner)
    monkeypatch.setattr(
        "apps.desk.tasks.fetch", lambda url, path, **_: write_audio(path.with_suffix(".wav")).rename(path)
    )
    fetch_file(str(asset.pk), "https://a.example/voice.wav")
    asset.refresh_from_db()
    assert asset.file.read()[:4] == b"RIFF"
    assert (asset.status, asset.size > 1000, Asset.objects.count()) == (Status.CHECKING, True, 1)
    before = asset.updated_at
    fetch_file(str(asset.pk), "https://a.example/voice.wav")  # a message that came twice
    asset.refresh_from_db()
    assert asset.updated_at == before


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (FetchFailed("The address answers with status 403."), "asset_link_unreachable"),
        (TooLarge(), "file_size_exceeds_plan_limit"),
        (TooSlow(), "asset_link_slow"),
    ],
)
def test_a_failure_is_told_on_the_card(monkeypatch, workspace, owner, as_person, failure, code):
    asset = make(workspace, owner)

    def fail(*_args, **_kwargs):
        raise failure

    monkeypatch.setattr("apps.desk.tasks.fetch", fail)
    fetch_file(str(asset.pk), "https://a.example/voice.wav")
    asset.refresh_from_db()
    assert (asset.status, asset.error_code) == (Status.REJECTED, code)
    assert asset.error_message in as_person(owner).get(reverse("assets:library", args=["harbour"])).content.decode()


def test_a_file_deleted_meanwhile_is_not_fetched(monkeypatch, workspace, owner):
    asset = make(workspace, owner)
    Asset.objects.filter(pk=asset.pk).update(deleted_at="2026-01-01T00:00:00Z")
    monkeypatch.setattr("apps.desk.tasks.fetch", lambda *_args, **_kwargs: pytest.fail("fetched"))
    fetch_file(str(asset.pk), "https://a.example/voice.wav")


def test_the_probe_is_not_asked_for_what_is_not_here(workspace, owner, sent):
    asset = make(workspace, owner)
    Asset.objects.filter(pk=asset.pk).update(updated_at="2020-01-01T00:00:00Z")
    assert recheck_lost() == 0


def test_a_storage_that_is_away_is_asked_again_and_then_told_on_the_card(monkeypatch, workspace, owner):
    asset = make(workspace, owner)
    monkeypatch.setattr("apps.desk.tasks.fetch", lambda url, path, **_: path.write_bytes(b"sound"))

    def away(*_args, **_kwargs):
        raise EndpointConnectionError(endpoint_url="https://bucket.example")

    monkeypatch.setattr("apps.desk.tasks.import_file", away)
    with pytest.raises(EndpointConnectionError):  # what a task raises that is to be run again, outside a worker
        fetch_file(str(asset.pk), "https://a.example/voice.wav")
    asset.refresh_from_db()
    assert asset.status == Status.CHECKING
    fetch_file.apply(args=[str(asset.pk), "https://a.example/voice.wav"], retries=fetch_file.max_retries)
    asset.refresh_from_db()
    assert (asset.status, asset.error_code) == (Status.REJECTED, "asset_link_not_fetched")


def test_a_link_that_could_not_be_handed_on_is_told_at_once(
    monkeypatch, workspace, membership, django_capture_on_commit_callbacks
):
    def away(*_args, **_kwargs):
        raise OperationalError("Redis is away")

    monkeypatch.setattr("studio.celery.app.send_task", away)
    with django_capture_on_commit_callbacks(execute=True):
        services.import_link(membership=membership, url="https://a.example/voice.wav")
    assert Asset.objects.get().error_code == "asset_link_not_fetched"


def test_a_link_whose_message_was_lost_is_told_in_the_end(workspace, owner):
    asset, fresh = make(workspace, owner), make(workspace, owner)
    Asset.objects.filter(pk=asset.pk).update(updated_at=timezone.now() - 2 * services.LINK_LOST_AFTER)
    assert services.refuse_lost_links() == 1
    asset.refresh_from_db()
    fresh.refresh_from_db()
    assert (asset.status, fresh.status) == (Status.REJECTED, Status.CHECKING)
