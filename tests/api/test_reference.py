"""The OpenAPI document is valid and true, the docs name every route, the quick starts run."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
from django.utils.html import escape
from openapi_spec_validator import validate

from apps.api import openapi
from apps.api.fields import fields_of
from apps.api.routes.generations import FORM_FIELDS
from apps.api.routing import ROUTES
from apps.api.schemas import CreateGeneration
from apps.api.snippets import quick_starts, request_of, snippets_of
from apps.assets.checking import check_asset
from apps.assets.models import Origin
from apps.assets.services import import_file
from apps.generations.models import Generation, Status
from apps.generations.services import begin, complete
from tests.conftest import ROOT
from tests.factories import AssetFactory, GenerationFactory, ProjectFactory

GUIDE = (ROOT / "docs" / "api.md").read_text()
QUICK_START_S = 60


@pytest.fixture(scope="module")
def document() -> dict:
    import apps.api.urls  # noqa: F401  (enters the routes)

    return openapi.document("http://studio.example")


def test_the_document_is_valid_and_complete(document):
    validate(document)
    assert document["openapi"] == "3.1.0"
    operations = {(method.upper(), path) for path, entry in document["paths"].items() for method in entry}
    assert operations == {(route.method, f"/v2/{route.path}") for route in ROUTES}
    names = [operation["operationId"] for entry in document["paths"].values() for operation in entry.values()]
    assert len(set(names)) == len(names)
    for entry in document["paths"].values():
        for operation in entry.values():
            assert operation["summary"] and operation["description"].strip()
            assert "application/json" not in operation.get("requestBody", {}).get("content", {}) or (
                operation["requestBody"]["content"]["application/json"].get("example") is not None
            ), operation["operationId"]


def test_every_answer_has_an_example_that_fits_its_schema(document):
    """Routes without one give text or bytes, or the document itself."""
    without, checked = set(), 0
    for path, entry in document["paths"].items():
        for method, operation in entry.items():
            for status, answer in operation["responses"].items():
                for kind, content in answer.get("content", {}).items():
                    if "example" not in content:
                        without.add(f"{method} {path} {kind}")
                        continue
                    schema = content["schema"] | {"components": document["components"]}
                    jsonschema.validate(content["example"], schema, cls=jsonschema.Draft202012Validator)
                    checked += 1
                assert status == "204" or "content" in answer, (path, method, status)
    assert checked > 300
    assert {line for line in without if line.endswith("json")} == {
        "get /v2/openapi.json application/json",
    }


def test_forms_name_every_field_that_is_read(document):
    form = document["paths"]["/v2/generate"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert set(form["properties"]) >= {"video", "audio", "input", "options", "segments", *FORM_FIELDS}
    assert form["required"] == ["model"]
    batch = document["paths"]["/v2/batch"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert (set(batch["properties"]), batch["required"]) == ({"input", "webhook_url", "dry_run"}, ["input"])


@pytest.mark.django_db
def test_answers_are_as_the_document_says(api, document, workspace):
    take = GenerationFactory(workspace=workspace, status=Status.COMPLETED)
    film = AssetFactory(workspace=workspace, video=True)
    project = take.project_id
    pairs = [{"type": "video", "assetId": str(film.pk)}, {"type": "audio", "assetId": str(take.audio_id)}]
    wish = {"model": "lipsync-2", "input": pairs}
    for method, template, path, body in (
        ("POST", "generate", "generate", wish),
        ("GET", "generate/{generation_id}", f"generate/{take.pk}?include=progress", None),
        ("GET", "generate/{generation_id}", "generate/none", None),
        ("GET", "generations", "generations", None),
        ("GET", "generations/count", "generations/count", None),
        ("POST", "analyze/cost", "analyze/cost", wish),
        ("POST", "generations/estimate", "generations/estimate", {"model": "sync-3", "duration": 2}),
        ("GET", "assets", "assets", None),
        ("GET", "assets/{asset_id}", f"assets/{film.pk}", None),
        ("GET", "models", "models", None),
        ("GET", "projects", "projects", None),
        ("GET", "projects/{project_id}", f"projects/{project}", None),
        ("GET", "usage", "usage", None),
        ("GET", "errors", "errors", None),
        ("GET", "webhook", "webhook", None),
        ("GET", "webhook/deliveries", "webhook/deliveries", None),
        ("POST", "tts", "tts", {}),
    ):
        answer = api(method, path, body)
        responses = document["paths"][f"/v2/{template}"][method.lower()]["responses"]
        schema = responses[str(answer.status_code)]["content"]["application/json"]["schema"]
        jsonschema.validate(answer.json(), schema | {"components": document["components"]})


@pytest.mark.django_db
def test_the_reference_is_a_page(client):
    page = client.get("/v2/docs").content.decode()
    for start in quick_starts("http://testserver"):
        assert escape(start.text) in page
    for route in ROUTES:
        assert f'id="{openapi.operation_id(route)}"' in page
    assert client.get("/v2/openapi.json").json()["servers"] == [{"url": "http://testserver"}]


def test_the_guide_names_every_route_and_no_other():
    named = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /v2/[^`\s?]+)`", GUIDE))
    assert named == {f"{route.method} /v2/{route.path}" for route in ROUTES}


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert found, language
    return found[1]


def test_the_guide_shows_the_same_code_as_the_studio():
    for start in quick_starts("http://localhost:8000"):
        assert block(start.language) == start.text


def run_while_working(command: list[str], folder: Path, key: str, result: Path) -> str:
    """Run a quick start, and stand in for the engine: whatever it asks for ends with ``result``."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"SYNC_API_KEY": key},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + QUICK_START_S
    while process.poll() is None:
        assert time.monotonic() < deadline, "the quick start did not end"
        for take in Generation.objects.filter(status=Status.PENDING):
            film = import_file(
                workspace=take.workspace, user=None, path=result, name="result.mp4", origin=Origin.RESULT
            )
            film.duration_s = 1.5
            film.save(update_fields=["duration_s"])
            assert begin(take.pk)
            complete(generation_id=take.pk, result=film, lipsynced_s=1.5, report={})
        time.sleep(0.1)
    output = process.communicate()[0]
    assert process.returncode == 0, output
    return output


@pytest.fixture
def desk(tmp_path, clip, voice) -> Path:
    """A folder with the files that the quick starts name."""
    (tmp_path / "talk.mp4").write_bytes(clip.read_bytes())
    (tmp_path / "voice.wav").write_bytes(voice.read_bytes())
    return tmp_path


def test_the_python_quick_start_runs(studio, key, desk, clip):
    (desk / "start.py").write_text(block("python").replace("http://localhost:8000", studio))
    output = run_while_working([sys.executable, "start.py"], desk, key, clip)
    assert (desk / "result.mp4").read_bytes() == clip.read_bytes() and "result.mp4, 1.5 seconds" in output


def test_the_typescript_quick_start_runs(studio, key, desk, clip, typescript_folder):
    for name in ("talk.mp4", "voice.wav"):
        (typescript_folder / name).write_bytes((desk / name).read_bytes())
    (typescript_folder / "start.mjs").write_text(block("typescript").replace("http://localhost:8000", studio))
    output = run_while_working(["node", "start.mjs"], typescript_folder, key, clip)
    assert (typescript_folder / "result.mp4").read_bytes() == clip.read_bytes() and "result.mp4, 1.5 seconds" in output


@pytest.fixture
def same_again(workspace, clip, voice, owner) -> dict:
    """The request for a take that was made in the studio, with every option, a segment and a project."""
    files = [
        import_file(workspace=workspace, user=owner, path=path, name=path.name, origin=Origin.UPLOAD)
        for path in (clip, voice)
    ]
    for asset in files:
        check_asset(asset.pk)
    project = ProjectFactory(workspace=workspace)
    options = {"temperature": 0.8, "occlusion_detection_enabled": True, "active_speaker_detection": True}
    segment = {"start_s": 0.5, "end_s": 1.5, "lipsync": True, "audio": str(files[1].pk), "audio_start_s": 0.25,
               "audio_end_s": None, "face": {"kind": "person", "id": 1}, "options": {"temperature": 0.3}}  # fmt: skip
    take = GenerationFactory(
        workspace=workspace,
        project=project,
        video=files[0],
        audio=files[1],
        model="lipsync-2",
        sync_mode="loop",
        options=options,
        segments=[segment],
        status=Status.COMPLETED,
    )
    return request_of(take)


@pytest.mark.parametrize("language", ["bash", "python", "typescript"])
def test_the_code_of_a_take_makes_the_same_take(studio, key, same_again, desk, clip, language, request):
    folder = request.getfixturevalue("typescript_folder") if language == "typescript" else desk
    if language == "bash" and not (shutil.which("curl") and shutil.which("jq")):
        pytest.skip("curl and jq are not on this machine")
    (text,) = [snippet.text for snippet in snippets_of(same_again, studio) if snippet.language == language]
    assert key not in text
    program = {"bash": "bash", "python": sys.executable, "typescript": "node"}[language]
    name = "again.mjs" if language == "typescript" else "again"
    (folder / name).write_text(text)
    (folder / "result.mp4").unlink(missing_ok=True)
    run_while_working([program, name], folder, key, clip)
    assert (folder / "result.mp4").read_bytes() == clip.read_bytes()
    made = Generation.objects.order_by("created_at").last()
    assert made is not None and request_of(made) == same_again


def test_the_page_tells_the_fields_of_a_body_in_words():
    told = {field.name: field for field in fields_of(CreateGeneration)}
    assert told["model"].needed and not told["options"].needed
    assert told["input[].type"].kind == "video or audio or image or text" and told["input[].type"].needed
    assert told["input[].provider"].kind == "object" and not told["input[].provider"].needed
    assert "up to 5000 characters" in told["input[].provider.script"].meaning
    assert told["input[].provider.stability"].meaning.endswith("0 to 1; default 0.5")
    assert "segments[].audioInput.refId" in told
    assert not any(name.startswith("segments[].optionsOverride.") for name in told)  # told once, as options
    for route in ROUTES:
        if route.body is not None:
            assert all(field.kind for field in fields_of(route.body))
