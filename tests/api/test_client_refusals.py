"""Every method of both official clients meets the refusals of the studio as the client's own error classes."""

from contextlib import suppress

import pytest
from django.core.servers.basehttp import ServerHandler, WSGIRequestHandler
from sync import Audio, Sync, Video
from sync.common.errors import InternalServerError, UnauthorizedError

import apps.api.urls  # noqa: F401  (enters the routes)
from apps.api import routing

UNKNOWN = "00000000-0000-4000-8000-000000000000"
ROOMS = ("generations", "batch", "assets", "models")
INPUTS = [Video(asset_id=UNKNOWN), Audio(asset_id=UNKNOWN)]
CALLS = {
    "generations.create": lambda sync: sync.generations.create(model="lipsync-2", input=INPUTS),
    "generations.create_with_files": lambda sync: sync.generations.create_with_files(
        model="lipsync-2", video=b"film", audio=b"sound"
    ),
    "generations.estimate_cost": lambda sync: sync.generations.estimate_cost(model="lipsync-2", input=INPUTS),
    "generations.get": lambda sync: sync.generations.get(UNKNOWN),
    "generations.list": lambda sync: sync.generations.list(),
    "batch.create": lambda sync: sync.batch.create(input=b"{}"),
    "batch.get": lambda sync: sync.batch.get(UNKNOWN),
    "batch.list": lambda sync: sync.batch.list(),
    "assets.get": lambda sync: sync.assets.get(UNKNOWN),
    "assets.list": lambda sync: sync.assets.list(),
    "models.list": lambda sync: sync.models.list(),
}


@pytest.fixture
def broken_studio(live_server, monkeypatch) -> str:
    """Address of a studio in which every handler breaks."""

    def broken(caller, **parts):
        caller.request.read()
        raise RuntimeError("broken")

    for route in routing.ROUTES:
        monkeypatch.setitem(route.__dict__, "handler", broken)
    monkeypatch.setattr(ServerHandler, "cleanup_headers", _saying_that_it_closes)
    monkeypatch.setattr(WSGIRequestHandler, "handle_one_request", _with_its_whole_body)
    return live_server.url


_one_request, _cleanup_headers = WSGIRequestHandler.handle_one_request, ServerHandler.cleanup_headers


def _saying_that_it_closes(self) -> None:
    """Django's own server does not read bodies sent in chunks, and would take what is left for the next request."""
    _cleanup_headers(self)
    if "chunked" in self.environ.get("HTTP_TRANSFER_ENCODING", ""):
        self.headers["Connection"] = "close"
        self.request_handler.close_connection = True


def _with_its_whole_body(self) -> None:
    """Closing on bytes that nobody has read would reset the connection, and the answer with it."""
    _one_request(self)
    if "chunked" in (getattr(self, "headers", None) or {}).get("Transfer-Encoding", ""):
        self.connection.settimeout(0.2)
        with suppress(OSError):
            while self.rfile.read1(65536):
                pass


def test_the_calls_are_all_there_are():
    sync = Sync(api_key="x")
    methods = {f"{room}.{name}" for room in ROOMS for name in dir(getattr(sync, room)) if not name.startswith("_")}
    assert methods - {f"{room}.with_raw_response" for room in ROOMS} == set(CALLS)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_python_names_a_wrong_key(studio_processes, db, call):
    with pytest.raises(UnauthorizedError) as refused:
        call(Sync(base_url=studio_processes, api_key="lips_no_key"))
    assert (refused.value.body.message, refused.value.body.status_code) == ("Unauthorized", 401)


def test_python_names_a_fault_of_the_studio(broken_studio, key):
    for call in CALLS.values():
        with pytest.raises(InternalServerError) as refused:
            call(Sync(base_url=broken_studio, api_key=key))
        assert refused.value.body.errorCode == "internal_error"


def test_typescript_names_a_wrong_key(typescript, tmp_path):
    _all_refused(typescript, tmp_path, "UnauthorizedError", 401, key="lips_no_key")


def test_typescript_names_a_fault_of_the_studio(typescript, tmp_path, broken_studio):
    _all_refused(typescript, tmp_path, "InternalServerError", 500, base=broken_studio)


def _all_refused(typescript, folder, name: str, status: int, **where: str) -> None:
    file = folder / "file.bin"
    file.write_text("{}")
    refused = typescript("refusals", file, UNKNOWN, **where)["gave"]
    assert {row["call"].lower() for row in refused} == {call.replace("_", "").lower() for call in CALLS}
    assert {(row["refused"], row["status"]) for row in refused} == {(name, status)}
