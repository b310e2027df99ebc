"""Every method of both official clients meets the refusals of the studio as the client's own error classes."""

import pytest
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
    return live_server.url


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
