"""One page asked for again and again: its queries and its milliseconds on the server's side."""

import time
from typing import Any

from django.db import connection
from django.test import Client

REQUESTS = 7


def measure(client: Client, address: str, requests: int = REQUESTS) -> tuple[int, list[float], float]:
    """Queries of one request, then milliseconds of each of the others, and the web process's own of them on average."""
    asked = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        asked.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    took = []
    worked = time.process_time()
    for _ in range(requests):
        begun = time.perf_counter()
        client.get(address)
        took.append((time.perf_counter() - begun) * 1000)
    return len(asked), took, (time.process_time() - worked) * 1000 / requests
