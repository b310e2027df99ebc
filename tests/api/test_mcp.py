"""The studio's tools for assistants, over real standard streams, by the protocol's own client."""

import os
import sys
from collections.abc import Callable, Iterator

import pytest
from anyio.from_thread import start_blocking_portal
from django.core.management import CommandError, call_command
from mcp import Client, StdioServerParameters

from apps.api.keys import digest_of, make_key
from apps.api.models import ApiKey, Scope
from apps.assets.models import Asset, CheckStatus, FootageCheck
from apps.generations.models import Generation
from tests.conftest import ROOT
from tests.factories import AssetFactory

KEY = f"lips_{'a' * 8}_{'b' * 32}"


@pytest.fixture(scope="module")
def assistant(studio_processes) -> Iterator[Callable[..., list]]:
    """One server process for all tests here, and the protocol's client in an event loop of its own thread."""
    server = StdioServerParameters(
        command=sys.executable,
        args=[str(ROOT / "manage.py"), "mcp", "--studio", studio_processes],
        env=dict(os.environ) | {"SYNC_API_KEY": KEY},
    )
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(server)) as client:
        yield lambda *calls: portal.call(_ask, client, calls)


@pytest.fixture
def ask(studio, membership, assistant) -> Callable[..., list]:
    """``ask(("tool", {...}), …)``: the names of the tools, then the answers; a refusal is told as its text."""
    row, _ = make_key(membership=membership, name="assistant", scope=Scope.MANAGE)
    ApiKey.objects.filter(pk=row.pk).update(prefix=KEY.rpartition("_")[0], digest=digest_of(KEY))
    return assistant


async def _ask(client: Client, calls: tuple[tuple[str, dict], ...]) -> list:
    answers: list = [{tool.name for tool in (await client.list_tools()).tools}]
    for name, arguments in calls:
        result = await client.call_tool(name, arguments)
        answers.append(result.content[0].text if result.is_error else result.structured_content)
    return answers


def test_an_assistant_makes_a_take(ask, workspace, clip, voice):
    tools, video, audio = ask(("upload", {"path": str(clip)}), ("upload", {"path": str(voice)}))
    assert tools == {"upload", "check", "generate", "status", "list", "files"}
    stored = Asset.objects.get(pk=video["id"])
    assert (stored.name, stored.size, stored.workspace) == (clip.name, clip.stat().st_size, workspace)
    wish = {"video": video["id"], "audio": audio["id"], "model": "sync-3", "sync_mode": "loop"}
    _, made, listed, files = ask(("generate", wish), ("list", {}), ("files", {"search": clip.name}))
    take = Generation.objects.get(pk=made["id"])
    assert (take.model, take.sync_mode, take.video_id) == ("sync-3", "loop", stored.pk)
    assert [row["id"] for row in listed["generations"]] == [made["id"]]
    assert [row["id"] for row in files["items"]] == [video["id"]]
    _, told = ask(("status", {"generation_id": made["id"]}))
    assert (told["status"], told["progress"]["stage"]) == ("PENDING", "queued")


def test_a_check_and_its_advice(ask, workspace):
    asset = AssetFactory(workspace=workspace, video=True)
    finding = {"kind": "no_face", "start_s": 1.0, "end_s": 2.0, "severity": "warning", "reason": "No face is seen."}
    finding |= {"advice": {"sync-3": "It stays as it is."}, "fixes": []}
    FootageCheck.objects.create(asset=asset, status=CheckStatus.READY, result={"findings": [finding]})
    _, found = ask(("check", {"asset_id": str(asset.pk), "model": "sync-3"}))
    assert [row["kind"] for row in found["findings"]] == ["no_face"]


def test_refusals_say_what_to_do(ask, tmp_path):
    unknown = "00000000-0000-4000-8000-000000000000"
    _, gone, missing, bad = ask(
        ("status", {"generation_id": unknown}),
        ("upload", {"path": str(tmp_path / "none.mp4")}),
        ("generate", {"video": unknown, "audio": unknown, "model": "sync-9"}),
    )
    assert "generation_not_found" in gone
    assert "cannot be read" in missing
    assert "There is no model" in bad and "generation_unsupported_model" in bad


def test_it_needs_a_key(monkeypatch):
    monkeypatch.delenv("SYNC_API_KEY", raising=False)
    with pytest.raises(CommandError, match="SYNC_API_KEY"):
        call_command("mcp")
