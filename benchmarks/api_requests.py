"""Requests made up from the OpenAPI document, thousands of them, against the API: no 5xx, answers as documented.

    python -m benchmarks.api_requests --requests 25000 --seed 7

Half of the requests fit the document and half break it; half of those that name something name something that is
there. Schemathesis makes them up and checks the answers (status, content type, schema, no server error); the API runs
in this process on a database in memory, and no address outside is ever reached.
"""

import argparse
import itertools
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import schemathesis
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
NAMES = re.compile(r"\{(\w+)\}")
KEY_HEADER = "x-api-key"
WORDS_KEPT = 600


@dataclass
class Tally:
    """Requests by status, and the first failure of each kind at each operation with how often it came."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)
    times: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        return self.statuses.total()

    def note(self, label: str, failure: Failure, command: str) -> None:
        kind = type(failure).__name__
        self.times[label, kind] += 1
        self.failures.setdefault((label, kind), f"{failure}\n{command}"[:WORDS_KEPT])


def ask(app: Any, *, key: str, ids: Mapping[str, str], requests: int, seed: int, only: str = "") -> Tally:
    """Send about so many requests to a WSGI application; ``ids`` are values for names in paths that exist, ``only``
    the beginning of the paths that are asked.
    """
    schema = schemathesis.openapi.from_wsgi("/v2/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations() if found.ok().path.startswith(only)]
    operations.sort(key=lambda operation: operation.method == "delete")  # what the others name goes last
    each = max(1, requests // (len(operations) * 4))
    tally = Tally()
    for operation in operations:
        for number, strategy in enumerate(_strategies(operation, ids)):
            _send(strategy, operation.label, key, each, seed + number, tally)
    return tally


def _strategies(operation: Any, ids: Mapping[str, str]) -> Iterator[Any]:
    known = {name: ids[name] for name in NAMES.findall(operation.path) if name in ids}
    for mode, there in itertools.product((GenerationMode.POSITIVE, GenerationMode.NEGATIVE), (True, False)):
        yield operation.as_strategy(generation_mode=mode, **({"path_parameters": known} if there and known else {}))


def _send(strategy: Any, label: str, key: str, count: int, seed: int, tally: Tally) -> None:
    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=strategy)
    def send(case: Any) -> None:
        made_up = {name: value for name, value in (case.headers or {}).items() if name.lower() != KEY_HEADER}
        case.headers = made_up | {KEY_HEADER: key}  # keys that were made up would all end at 401
        answer = case.call()
        tally.statuses[answer.status_code] += 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                tally.note(label, failure, case.as_curl_command())

    try:
        send()
    except hypothesis.errors.Unsatisfiable:  # nothing can be broken where nothing is asked for
        return


def main() -> int:
    """Run it and print the tally; 1 where anything failed."""
    parser = argparse.ArgumentParser(description="Requests made up from the OpenAPI document.")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="beginning of the paths, as /v2/assets")
    asked = parser.parse_args()
    import django

    import tests.environment  # noqa: F401  (a data folder and a Redis of its own, before Django reads its settings)

    django.setup()
    from django.core.wsgi import get_wsgi_application
    from django.test.utils import setup_databases, setup_test_environment

    setup_test_environment()
    setup_databases(verbosity=0, interactive=False)
    from benchmarks.api_world import quiet, world

    started = time.monotonic()
    with quiet():
        key, ids = world()
        tally = ask(get_wsgi_application(), key=key, ids=ids, requests=asked.requests, seed=asked.seed, only=asked.only)
    print(f"{tally.requests} requests in {time.monotonic() - started:.0f} s: {dict(sorted(tally.statuses.items()))}")
    for (label, kind), words in tally.failures.items():
        print(f"\n{label}: {kind}, {tally.times[label, kind]} times\n{words}")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
