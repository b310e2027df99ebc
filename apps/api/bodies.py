"""Reading what a client sends: JSON and multipart, with or without Content-Length.

The TypeScript client sends files in chunks of unknown total length, before the fields and all typed as plain bytes. So
lengths are counted as they come, nothing is believed about types, and files go to the disk while they arrive.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, cast

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.http.request import UnreadablePostError

from apps.api.errors import ApiError
from apps.assets.files import keep_room
from studio.errors import StudioError

JSON_LIMIT = 8 * 1024**2  # a box for each frame of a long film is the largest JSON that makes sense
MOST_NESTED = 100  # what is nested deeper than some 250 levels cannot be written down again
URLENCODED = "application/x-www-form-urlencoded"
BLOCK_BYTES = 256 * 1024


@dataclass(frozen=True)
class Form:
    """Fields (each a list, in the order they came) and files by name; the files lie on the disk."""

    fields: QueryDict
    files: dict[str, TemporaryUploadedFile]

    def text(self, name: str) -> str | None:
        """The last value of a field; None where it was not sent."""
        return self.fields.get(name)

    def close(self) -> None:
        """Remove the files of this request."""
        for file in self.files.values():
            file.close()


class _DiskHandler(TemporaryFileUploadHandler):
    """To the disk from the first byte, while that has room; all files of a form together take up to ``limit`` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit
        self.received = 0
        self.refusal: StudioError | None = None

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received += len(raw_data)
        try:
            if self.received > self.limit:
                raise ApiError("file_size_exceeds_plan_limit")
            keep_room(settings.FILE_UPLOAD_TEMP_DIR)
        except StudioError as error:
            self.refusal = error
            raise StopUpload(connection_reset=True) from error
        super().receive_data_chunk(raw_data, start)


class _Chunks:
    """A body of unknown length. Where it breaks off, or its chunks are none, it fails as a request of Django does: each
    web server has errors of its own for that.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream

    def read(self, size: int = -1) -> bytes:
        try:
            return self.stream.read(size)
        except Exception as error:
            raise UnreadablePostError(*error.args) from error


def stream_of(request: HttpRequest) -> IO[bytes]:
    """The body as it comes. Without Content-Length it is read to its end where the server says that it has one."""
    environ = request.META
    if not environ.get("CONTENT_LENGTH") and environ.get("wsgi.input_terminated"):
        return cast(IO[bytes], _Chunks(environ["wsgi.input"]))
    return cast(IO[bytes], request)


def blocks_of(request: HttpRequest) -> Iterator[bytes]:
    """The body in blocks."""
    stream = stream_of(request)
    try:
        while block := stream.read(BLOCK_BYTES):
            yield block
    except UnreadablePostError as error:
        raise ApiError("request_invalid", "The connection broke off.", "Send the request again.") from error


def _whole(request: HttpRequest) -> bytes:
    """All of a body that holds no files."""
    whole = bytearray()
    for block in blocks_of(request):
        whole += block
        if len(whole) > JSON_LIMIT:
            raise ApiError("request_too_large")
    return bytes(whole)


def read_json(request: HttpRequest, *, fields_of: Callable[[Form], dict[str, Any]] | None = None) -> dict[str, Any]:
    """The JSON of the body; raises ``ApiError`` for none, for too much, and for no object.

    ``fields_of`` reads a form without files, which the Python client sends in the way of a web page. So does curl type
    what it is given, and then it is JSON.
    """
    whole = _whole(request)
    if fields_of and request.content_type == URLENCODED and not whole.lstrip().startswith(b"{"):
        return fields_of(Form(_urlencoded(whole), {}))
    try:
        found = parsed(whole.decode("utf-8"))
    except ValueError as error:
        raise ApiError("request_invalid", "The body is no JSON.", "Send an object as application/json.") from error
    if not isinstance(found, dict):
        raise ApiError("request_invalid", "The body is no JSON object.", "Send an object.")
    return found


def _urlencoded(body: bytes) -> QueryDict:
    try:
        return QueryDict(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ApiError("request_invalid", "The form cannot be read.") from error
    except TooManyFieldsSent as error:
        raise ApiError("request_too_large", "The form has too many or too large fields.") from error


def parsed(text: str) -> Any:
    """JSON that a database keeps. Raises ``ValueError`` for anything else: numbers without end, the character zero,
    halves of characters, and brackets nested deeper than can be read.
    """
    try:
        found = json.loads(text)
        json.dumps(found, allow_nan=False)
    except RecursionError as error:
        raise ValueError("The JSON is nested too deeply.") from error
    level = [found]
    for _ in range(MOST_NESTED):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner += [*item.keys(), *item.values()]
            elif isinstance(item, list):
                inner += item
            elif isinstance(item, str) and ("\x00" in item or not _is_whole(item)):
                raise ValueError("The JSON holds a character that text does not have.")
        level = inner
    if level:
        raise ValueError("The JSON is nested too deeply.")
    return found


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_form(request: HttpRequest) -> bool:
    return request.content_type == "multipart/form-data"


def read_form(request: HttpRequest, *, limit: int | None = None) -> Form:
    """Fields and files of a multipart body. Its files may have ``limit`` bytes in all, by default as many as two
    uploads of the studio: a video and a soundtrack.
    """
    handler = _DiskHandler(limit or 2 * settings.UPLOAD_LIMIT)
    # The parser takes a length of zero for an empty body and uses the number for nothing else.
    known = request.META.get("CONTENT_LENGTH") or str(settings.UPLOAD_LIMIT)
    try:
        parser = MultiPartParser(
            request.META | {"CONTENT_LENGTH": known}, cast(Any, stream_of(request)), [handler], "utf-8"
        )
        fields, files = parser.parse()
    except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent) as error:
        raise ApiError("request_too_large", "The form has too many or too large fields.") from error
    except (MultiPartParserError, UnreadablePostError) as error:
        raise ApiError("request_invalid", "The form cannot be read.", "Send multipart/form-data.") from error
    form = Form(fields, {name: cast(TemporaryUploadedFile, files[name]) for name in files})
    if handler.refusal:
        form.close()
        raise handler.refusal
    return form


def json_field(text: str, name: str) -> Any:
    """JSON that came in a form's field."""
    try:
        return parsed(text)
    except ValueError as error:
        raise ApiError("request_invalid", f"The field {name} is no JSON.", "Send JSON text.", field=name) from error
