"""A limit for files that come inside a form.

Media never travel in forms: pages upload in resumable pieces and the API reads its forms itself. Django, though, reads
a form whole before it knows who sent it, so without a limit anybody could fill the disk.
"""

from typing import IO, Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

FORM_LIMIT = 8 * 1024**2  # a table for a batch is the largest file a form carries: 5 MB


class LimitForms(FileUploadHandler):
    """Stands first among the handlers and refuses a form with files above the limit before it is read."""

    def handle_raw_input(
        self, input_data: IO[bytes], META: dict[str, Any], content_length: int, boundary: str, encoding: Any = None
    ) -> None:
        """Raises ``RequestDataTooBig``, which Django answers with 400."""
        if content_length > FORM_LIMIT:
            raise RequestDataTooBig("The form is larger than forms of this studio are.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data  # for the handlers behind this one

    def file_complete(self, file_size: int) -> None:
        return None
