"""A bucket on this machine: a server that speaks S3, and the studio set up for it."""

from collections.abc import Iterator
from urllib.request import Request, urlopen

import boto3
import pytest
from csp.constants import SELF
from moto.server import ThreadedMotoServer

from tests.api.conftest import free_port


class Bucket:
    """``client`` is boto3's; ``address`` is where the server answers."""

    name = "studio"

    def __init__(self) -> None:
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
        self.server.start()
        # All servers of a process share what they hold.
        urlopen(Request(f"{self.address}/moto-api/reset", method="POST")).close()
        self.client = boto3.client("s3", endpoint_url=self.address, region_name="us-east-1")
        self.client.create_bucket(Bucket=self.name)

    def names(self) -> list[str]:
        return [one["Key"] for one in self.client.list_objects_v2(Bucket=self.name).get("Contents", [])]

    def unfinished(self) -> int:
        return len(self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", []))


@pytest.fixture
def bucket_server(settings, monkeypatch) -> Iterator[Bucket]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    found = Bucket()
    options = {"bucket_name": found.name, "endpoint_url": found.address, "region_name": "us-east-1"}
    storage = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options | {"file_overwrite": True}}
    settings.STORAGES = settings.STORAGES | {"default": storage}
    policy = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    open_to = {name: [*policy[name], found.address] for name in ("connect-src", "img-src", "media-src")}
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": policy | open_to | {"default-src": [SELF]}}
    yield found
    found.server.stop()
