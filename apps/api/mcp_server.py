"""The studio as tools of the Model Context Protocol, so that an assistant can make takes and look after them.

The server speaks over its standard streams and is a client of the HTTP API like any other: what it may do is what its
key may do. Needs the optional package ``mcp`` (requirements-mcp.txt).
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import urllib3
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

INSTRUCTIONS = (
    "Lipsync Studio changes the mouth in a video so that it speaks another soundtrack. Upload or name the two files, "
    "check the video, generate, then ask for the status until it is COMPLETED; outputUrl is the film."
)
TIMEOUT = urllib3.Timeout(connect=5.0, read=60.0)


class Studio:
    """Calls of the HTTP API with one key. Every refusal becomes a ``ToolError`` that says what to do."""

    def __init__(self, base: str, key: str) -> None:
        self.base = base.rstrip("/")
        self.key = key
        self.pool = urllib3.PoolManager(timeout=TIMEOUT, retries=False)

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The JSON of an answer."""
        fields = [(name, str(value)) for name, value in query.items() if value not in (None, "")]
        url = f"{self.base}/v2/{path}" + (f"?{urlencode(fields)}" if fields else "")
        sent = None if body is None else json.dumps(body).encode()
        headers = {"x-api-key": self.key, "content-type": "application/json"}
        try:
            answer = self.pool.request(method, url, headers=headers, body=sent)
        except urllib3.exceptions.HTTPError as error:
            raise ToolError(f"The studio at {self.base} does not answer. Start it, or correct the address.") from error
        try:
            found = json.loads(answer.data)
        except ValueError as error:
            raise ToolError(f"The address {self.base} answers, but not as a studio does.") from error
        if answer.status >= 400:
            raise ToolError(f"{found.get('message')} {found.get('suggestion') or ''} ({found.get('errorCode')})")
        return found

    def upload(self, path: Path) -> Any:
        """A file of this machine as an asset."""
        try:
            size = path.stat().st_size
            ticket = self.call("POST", "assets/upload", {"fileName": path.name, "size": size})
            with path.open("rb") as file:
                # A length of its own: the studio takes the bytes as they come, and nothing holds them in memory.
                answer = self.pool.request(
                    "PUT", ticket["uploadUrl"], body=file, headers={"content-length": str(size)}, chunked=False
                )
        except OSError as error:
            raise ToolError(f"{path} cannot be read: {error.strerror}.") from error
        if answer.status != 200:
            raise ToolError(f"The upload ended with status {answer.status}. Try it again.")
        return self.call("POST", "assets", {"url": ticket["url"], "name": path.name})


def _input(kind: str, value: str) -> dict[str, str]:
    try:
        return {"type": kind, "assetId": str(UUID(value))}
    except ValueError:
        return {"type": kind, "url": value}


def build(base: str, key: str) -> MCPServer:
    """The server with its tools, for a studio at ``base`` and one key of it."""
    studio = Studio(base, key)
    server = MCPServer("lipsync-studio", instructions=INSTRUCTIONS)

    @server.tool()
    def upload(path: str) -> dict[str, Any]:
        """Put a video or sound of this machine into the library; its id goes into generate and check."""
        return dict(studio.upload(Path(path).expanduser()))

    @server.tool()
    def check(asset_id: str, model: str = "") -> dict[str, Any]:
        """What to know of a video before anything is spent: stretches without a face, cuts, people, advice by model."""
        return dict(studio.call("GET", f"assets/{asset_id}/check", model=model))

    @server.tool()
    def generate(
        video: str,
        audio: str,
        model: str = "lipsync-2",
        sync_mode: str = "cut_off",
        options: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Start a lipsync. Video and audio are ids of library files or https addresses; answers with the id at once."""
        body = {"model": model, "input": [_input("video", video), _input("audio", audio)]}
        return dict(studio.call("POST", "generate", body | {"options": {"sync_mode": sync_mode} | (options or {})}))

    @server.tool()
    def status(generation_id: str) -> dict[str, Any]:
        """State, progress and result of a generation; ask again after a few seconds while it is on its way."""
        return dict(studio.call("GET", f"generate/{generation_id}", include="progress"))

    @server.tool(name="list")
    def list_generations(limit: int = 20) -> dict[str, Any]:
        """The newest generations of the workspace."""
        return {"generations": studio.call("GET", "generations", limit=limit)}

    @server.tool()
    def files(search: str = "", limit: int = 20) -> dict[str, Any]:
        """Files of the library, newest first."""
        return dict(studio.call("GET", "assets", searchQuery=search, limit=limit))

    return server
