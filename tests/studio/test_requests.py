"""What the studio believes and takes of a request before anybody has signed in."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory

from studio import form_files
from studio.bucket_origins import bucket_origins
from studio.client_address import client_address, client_network


@pytest.mark.parametrize(
    ("proxies", "told", "address"),
    [
        (0, "203.0.113.7", "10.0.0.2"),  # no proxy of ours: the header is whatever the client wrote
        (1, "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        (2, "198.51.100.1, 203.0.113.7, 10.0.0.3", "203.0.113.7"),
        (2, "203.0.113.7", "10.0.0.2"),  # it did not come through both
        (1, "", "10.0.0.2"),
    ],
)
def test_the_address_of_the_client_is_read_from_our_own_proxies_alone(settings, proxies, told, address):
    settings.PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.2", HTTP_X_FORWARDED_FOR=told)
    assert client_address(request) == address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.7"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_a_limit_counts_networks_of_ipv6(address, network):
    assert client_network(RequestFactory().get("/", REMOTE_ADDR=address)) == network


def test_a_form_with_large_files_is_refused_before_it_is_kept(db, monkeypatch, settings):
    monkeypatch.setattr(form_files, "FORM_LIMIT", 1000)
    kept = []
    monkeypatch.setattr("django.core.files.uploadhandler.MemoryFileUploadHandler.new_file", kept.append)
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.get("/account/login/")  # for the cookie: without one Django refuses unread
    answer = client.post("/account/login/", {"file": SimpleUploadedFile("talk.mp4", b"x" * 2000)})
    assert (answer.status_code, kept) == (400, [])


def test_a_small_file_still_comes_through_a_form(settings):
    request = RequestFactory().post("/", {"table": SimpleUploadedFile("lines.csv", b"a,b\n1,2\n")})
    assert request.FILES["table"].read() == b"a,b\n1,2\n"


@pytest.mark.parametrize("endpoint", ["", "https://store.example", "http://127.0.0.1:9000"])
@pytest.mark.parametrize("bucket", ["films", "films.of.ours"])
def test_the_policy_names_the_origin_of_signed_addresses(monkeypatch, endpoint, bucket):
    from storages.backends.s3 import S3Storage

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    storage = S3Storage(bucket_name=bucket, endpoint_url=endpoint or None, region_name="eu-north-1")
    origin = "/".join(storage.url("a.mp4").split("/")[:3])
    assert origin in bucket_origins(bucket, endpoint, "eu-north-1")


def test_without_a_bucket_no_origin_is_named():
    assert bucket_origins("", "https://store.example", "eu-north-1") == []


def test_a_part_of_a_page_is_not_answered_with_the_door(client, db):
    """htmx follows the way there unseen, and its page takes a 200 for "saved"."""
    address = "/w/harbour/library/"
    asked = {"HX-Request": "true", "HX-Current-URL": "http://testserver/w/harbour/library/?q=a"}
    answer = client.get(address, headers=asked)
    assert (answer.status_code, answer["HX-Redirect"]) == (
        401,
        "/account/login/?next=%2Fw%2Fharbour%2Flibrary%2F%3Fq%3Da",
    )
    refused = client.post(f"{address}delete/", headers=asked)
    assert (refused.status_code, "HX-Redirect" in refused) == (401, False)
    assert client.get(address).status_code == 302


def test_a_page_and_its_parts_are_told_apart_by_caches_of_the_browser(client, db):
    assert "HX-Request" in client.get("/account/login/")["Vary"]
    assert "HX-Request" not in client.get("/healthz").get("Vary", "")
