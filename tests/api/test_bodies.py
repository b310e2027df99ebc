"""Bodies as clients send them: chunked, untyped, in any order, large; memory stays flat."""

import http.client
import json
import os
import socket
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from sync import Sync

from apps.assets import files
from apps.generations.models import Generation
from tests.factories import AssetFactory

BOUNDARY = "a-boundary-of-parts"
BIG = 200 * 1024**2
# Twice the blocks of 256 kB that a few threads hold, and what Python keeps around; a body in memory would be 200 MB.
GROWTH_KB = 40 * 1024


def part(name: str, data: bytes, *, file: str = "", kind: str = "") -> bytes:
    """One part of a form; no type unless ``kind`` is given."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"' + (f'; filename="{file}"' if file else "")
    return head.encode() + (f"\r\nContent-Type: {kind}" if kind else "").encode() + b"\r\n\r\n" + data + b"\r\n"


def send(studio: str, key: str, body: bytes, kind: str, *, chunk: int = 0) -> tuple[int, dict]:
    """POST to generate; with ``chunk`` in pieces of that size and without a length."""
    connection = http.client.HTTPConnection(urlsplit(studio).netloc, timeout=30)
    headers = {"x-api-key": key, "Content-Type": kind}
    if chunk:
        pieces = (body[start : start + chunk] for start in range(0, len(body), chunk))
        connection.request("POST", "/v2/generate", pieces, headers, encode_chunked=True)
    else:
        connection.request("POST", "/v2/generate", body, headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


@pytest.mark.parametrize("chunk", [0, 7, 65536])
@pytest.mark.parametrize("files_first", [True, False])
def test_forms_in_any_order_and_any_pieces(studio, key, clip, voice, chunk, files_first):
    if chunk == 7 and not files_first:
        pytest.skip("small pieces are sent once, with the files first")
    video = part("video", clip.read_bytes(), file="Über.mp4", kind="application/octet-stream")
    audio = part("audio", voice.read_bytes(), file="v", kind="")
    fields = part("model", b"lipsync-2") + part("options", b'{"sync_mode": "loop"}')
    parts = [video + audio, fields] if files_first else [fields, audio + video]
    body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
    status, made = send(studio, key, body, f"multipart/form-data; boundary={BOUNDARY}", chunk=chunk)
    assert status == 201, made
    row = Generation.objects.get(pk=made["id"])
    assert (row.video.name, row.video.kind, row.audio.kind, row.sync_mode) == ("Über.mp4", "video", "audio", "loop")
    assert row.video.file.read() == clip.read_bytes()


def test_json_in_pieces_without_a_length(studio, key, workspace):
    video, audio = AssetFactory(workspace=workspace, video=True), AssetFactory(workspace=workspace, audio=True)
    items = f'[{{"type": "video", "assetId": "{video.pk}"}}, {{"type": "audio", "assetId": "{audio.pk}"}}]'
    body = f'{{"model": "lipsync-2", "input": {items}}}'.encode()
    status, made = send(studio, key, body, "application/json", chunk=11)
    assert (status, made.get("status")) == (201, "PENDING"), made


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data; boundary=x"),
        (b"no parts", "multipart/form-data; boundary=x"),
        (b"x", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary="),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x"),
        (b"", "application/json"),
        (b"model=lipsync-2&input=none", "application/x-www-form-urlencoded"),
        (b"model=\xff", "application/x-www-form-urlencoded"),
        (b"not=a form", "application/json"),
    ],
)
def test_bodies_that_are_none_are_refused(studio, key, body, kind):
    for chunk in (0, 5):
        status, answer = send(studio, key, body, kind, chunk=chunk)
        assert status in (400, 413) and answer["errorCode"] in (
            "request_invalid",
            "generation_input_validation_failed",
        ), answer


@pytest.mark.parametrize("rest", [b"", b"5\r\nmodel", b"5\r\nmodelXX", b"none\r\n"])
@pytest.mark.parametrize("kind", ["application/json", f"multipart/form-data; boundary={BOUNDARY}"])
def test_a_body_that_breaks_off_among_its_chunks_is_refused(studio, key, kind, rest):
    where = urlsplit(studio)
    head = f"POST /v2/generate HTTP/1.1\r\nHost: {where.netloc}\r\nx-api-key: {key}\r\nContent-Type: {kind}\r\n"
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + rest)
        connection.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert (answer.status, json.loads(answer.read())["errorCode"]) == (400, "request_invalid")


def test_fields_of_a_web_page_and_json_without_its_type_are_read(client, key, workspace):
    """The Python client sends the first for a form without files, curl the second."""
    video, audio = AssetFactory(workspace=workspace, video=True), AssetFactory(workspace=workspace, audio=True)
    items = [{"type": "video", "assetId": str(video.pk)}, {"type": "audio", "assetId": str(audio.pk)}]
    fields = urlencode({"model": "lipsync-2", "input": [json.dumps(item) for item in items]}, doseq=True)
    for body in (fields, json.dumps({"model": "lipsync-2", "input": items})):
        made = client.generic(
            "POST", "/v2/generate", body, "application/x-www-form-urlencoded", headers={"x-api-key": key}
        )
        assert made.status_code == 201, made.json()
    assert Generation.objects.filter(video=video, audio=audio).count() == 2


def test_a_form_that_would_fill_the_disk_is_not_written(client, key, clip, monkeypatch):
    monkeypatch.setattr(files, "DISK_RESERVE", 10**18)
    monkeypatch.setattr(TemporaryFileUploadHandler, "receive_data_chunk", None)
    with clip.open("rb") as video:
        answer = client.post("/v2/generate", {"model": "lipsync-2", "video": video}, headers={"x-api-key": key})
    assert (answer.status_code, answer.json()["errorCode"]) == (507, "generation_infra_storage_error")


@pytest.fixture
def big(clip, tmp_path) -> Path:
    """200 MB: the clip, and behind it a free box, which readers of MP4 pass over (a hole on the disk)."""
    path = tmp_path / "big.mp4"
    path.write_bytes(
        clip.read_bytes() + (1).to_bytes(4, "big") + b"free" + (BIG - clip.stat().st_size).to_bytes(8, "big")
    )
    os.truncate(path, BIG)
    return path


def web_processes() -> list[Path]:
    """/proc entries of the web server's processes that this test run started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if b"gunicorn" in words and b"studio.wsgi" in words and _ours(int(stat[1])):
            found.append(entry)
    return found


def _ours(parent: int) -> bool:
    """Whether a process is a descendant of this one."""
    while parent > 1:
        if parent == os.getpid():
            return True
        try:
            parent = int(Path(f"/proc/{parent}/stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            return False
    return False


def peak_kb(process: Path) -> int:
    lines = (process / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is read from Linux's /proc")
@pytest.mark.parametrize("client", ["python", "typescript"])
def test_memory_stays_flat_for_a_large_file(studio, key, big, voice, client, request):
    sync = Sync(base_url=studio, api_key=key)
    sync.models.list()
    processes = web_processes()
    assert processes
    for process in processes:
        (process / "clear_refs").write_text("5")  # forget the peak so far
    before = [peak_kb(process) for process in processes]
    if client == "python":
        with big.open("rb") as video, voice.open("rb") as audio:
            sync.generations.create_with_files(model="lipsync-2", video=video, audio=audio)
    else:
        assert "gave" in request.getfixturevalue("typescript")("files", big, voice)
    assert Generation.objects.get().video.size == BIG
    growth = [peak_kb(process) - start for process, start in zip(processes, before, strict=True)]
    assert max(growth) < GROWTH_KB, growth
