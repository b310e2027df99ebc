"""A request for a generation as code: curl, Python, TypeScript. The guide, the docs page and the studio show the same.

The key is read from the environment variable ``SYNC_API_KEY``: no example carries one.
"""

import json
import pprint
import shlex
from dataclasses import dataclass
from typing import Any

from apps.assets.models import Kind
from apps.catalog.registry import FACE
from apps.generations.models import Generation

KEY = "SYNC_API_KEY"
# Inputs and their fields in the Python client.
TYPED = {"video": "Video", "audio": "Audio"}
SPELLED = {"assetId": "asset_id", "url": "url", "refId": "ref_id"}

_PYTHON_HEAD = """import os
import time
import urllib.request

from sync import {names}

studio = Sync(base_url="{base}", api_key=os.environ["SYNC_API_KEY"])

"""
_PYTHON_TAIL = """
while job.status in ("PENDING", "PROCESSING"):
    time.sleep(1)
    job = studio.generations.get(job.id)

if job.status != "COMPLETED":
    raise SystemExit(f"{job.error_code}: {job.error}")
urllib.request.urlretrieve(job.output_url, "result.mp4")
print("result.mp4,", job.output_duration, "seconds")
"""
_PYTHON_FILES = """with open("talk.mp4", "rb") as video, open("voice.wav", "rb") as audio:
    job = studio.generations.create_with_files(model="lipsync-2", video=video, audio=audio)
"""
_TYPESCRIPT_HEAD = """import {{ writeFile }} from "node:fs/promises";
import {{ SyncClient }} from "@sync.so/sdk";

const studio = new SyncClient({{ baseUrl: "{base}", apiKey: process.env.SYNC_API_KEY }});

"""
_TYPESCRIPT_TAIL = """
while (["PENDING", "PROCESSING"].includes(job.status)) {
  await new Promise((done) => setTimeout(done, 1000));
  job = await studio.generations.get(job.id);
}

if (job.status !== "COMPLETED") throw new Error(`${job.error_code}: ${job.error}`);
const film = await fetch(job.outputUrl);
await writeFile("result.mp4", Buffer.from(await film.arrayBuffer()));
console.log("result.mp4,", job.outputDuration, "seconds");
"""
_TYPESCRIPT_FILES = """let job = await studio.generations.createWithFiles(
  createReadStream("talk.mp4"),
  createReadStream("voice.wav"),
  { model: "lipsync-2", options: { sync_mode: "loop" } },
);
"""


@dataclass(frozen=True)
class Snippet:
    """One way to say a request; ``language`` is a name that highlighters know."""

    language: str
    label: str
    text: str


def request_of(generation: Generation) -> dict[str, Any]:
    """The body of POST /v2/generate that asks for the same generation, with the files of the library."""
    picture = "image" if generation.video.kind == Kind.IMAGE else "video"
    names = sound_names(generation)
    sounds = [{"type": "audio", "assetId": asset} | ({"refId": name} if name else {}) for asset, name in names.items()]
    body: dict[str, Any] = {
        "model": generation.model,
        "input": [{"type": picture, "assetId": str(generation.video_id)}, *sounds],
        "options": _hosted_options({"sync_mode": generation.sync_mode} | generation.options),
    }
    if generation.segments:
        body["segments"] = [_segment(row, names) for row in generation.segments]
    if generation.project_id:
        body["projectId"] = str(generation.project_id)
    return body


def sound_names(generation: Generation) -> dict[str, str]:
    """Ids of the sounds, the main soundtrack first, and what segments call them; one without segments has no name."""
    main = str(generation.audio_id)
    ids = dict.fromkeys([main, *(row["audio"] for row in generation.segments if row["audio"])])
    return {asset: f"sound-{number}" if generation.segments else "" for number, asset in enumerate(ids, 1)}


def _segment(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    segment: dict[str, Any] = {"startTime": row["start_s"], "endTime": row["end_s"]}
    if not row["lipsync"]:
        return segment | {"lipsync": False}
    if row["audio"]:
        segment["audioInput"] = {"refId": names[row["audio"]], "startTime": row["audio_start_s"]}
        if row["audio_end_s"] is not None:
            segment["audioInput"]["endTime"] = row["audio_end_s"]
    options = row["options"] | ({FACE: row["face"]} if row["face"] else {})
    return segment | ({"optionsOverride": _hosted_options(options)} if options else {})


def _hosted_options(options: dict[str, Any]) -> dict[str, Any]:
    """Options as the clients take them: for them a chosen face is always an object."""
    return {name: _hosted_face(value) if name == FACE else value for name, value in options.items()}


def _hosted_face(choice: bool | dict[str, Any]) -> dict[str, Any]:
    """A choice in the words of the hosted API; a person by number and all of them are this studio's own."""
    if isinstance(choice, bool) or choice["kind"] in ("auto", "active_speaker"):
        return {"auto_detect": choice if isinstance(choice, bool) else choice["kind"] == "active_speaker"}
    if choice["kind"] == "point":
        return {"frame_number": choice["frame"], "coordinates": [choice["x"], choice["y"]]}
    if choice["kind"] == "boxes":
        return {"bounding_boxes": choice["boxes"]}
    return choice


def snippets_of(body: dict[str, Any], base: str) -> list[Snippet]:
    """A request body (of files in the library or elsewhere) as code that waits for the result and keeps it.

    ``base`` is the studio's address without a slash at its end.
    """
    return [
        Snippet("bash", "curl", _curl(body, base)),
        Snippet("python", "Python", _python(body, base)),
        Snippet("typescript", "TypeScript", _typescript(body, base)),
    ]


def quick_starts(base: str) -> list[Snippet]:
    """The first programs of the guide: two files of this folder in, ``result.mp4`` out."""
    python = _PYTHON_HEAD.format(names="Sync", base=base) + _PYTHON_FILES + _PYTHON_TAIL
    head = 'import { createReadStream } from "node:fs";\n' + _TYPESCRIPT_HEAD.format(base=base)
    return [
        Snippet("python", "Python", python),
        Snippet("typescript", "TypeScript", head + _TYPESCRIPT_FILES + _TYPESCRIPT_TAIL),
    ]


def _curl(body: dict[str, Any], base: str) -> str:
    data = shlex.quote(json.dumps(body, indent=2, ensure_ascii=False))
    key = f'-H "x-api-key: ${KEY}"'
    return (
        f'id=$(curl -s {base}/v2/generate {key} -H "content-type: application/json" -d {data} | jq -r .id)\n\n'
        f'while status=$(curl -s "{base}/v2/generate/$id?wait=true&timeout=10" {key} | jq -r .status)\n'
        '  [ "$status" = PENDING ] || [ "$status" = PROCESSING ]\n'
        "do sleep 1; done\n\n"
        f'[ "$status" = COMPLETED ] && curl -s "$(curl -s "{base}/v2/generations/$id/download" {key})" -o result.mp4\n'
    )


def _python(body: dict[str, Any], base: str) -> str:
    """By the client's own types; what they do not know goes along as additional parameters of the body."""
    rest = {name: value for name, value in body.items() if name not in ("model", "input", "options")}
    items = "".join(f"        {_typed(item)},\n" for item in body["input"])
    call = (
        "job = studio.generations.create(\n"
        f"    model={json.dumps(body['model'])},\n"
        f"    input=[\n{items}    ],\n"
        f"    options=GenerationOptions({_arguments(body['options'])}),\n"
    )
    if rest:
        values = pprint.pformat(rest, sort_dicts=False, width=88).replace("\n", "\n    ")
        call += f'    request_options={{"additional_body_parameters": {values}}},\n'
    known = {TYPED[item["type"]] for item in body["input"] if item["type"] in TYPED}
    names = ", ".join(sorted({"GenerationOptions", "Sync"} | known))
    return _PYTHON_HEAD.format(names=names, base=base) + call + ")\n" + _PYTHON_TAIL


def _typed(item: dict[str, Any]) -> str:
    """``Video(asset_id="…")``: the client spells names in its own language's way. It has no class for a photo."""
    if item["type"] not in TYPED:
        return repr(item)
    return f"{TYPED[item['type']]}({_arguments({SPELLED[key]: item[key] for key in SPELLED if key in item})})"


def _arguments(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


def _typescript(body: dict[str, Any], base: str) -> str:
    text = json.dumps(body, indent=2, ensure_ascii=False)
    call = f"let job = await studio.generations.create({text});\n"
    return _TYPESCRIPT_HEAD.format(base=base) + call + _TYPESCRIPT_TAIL
