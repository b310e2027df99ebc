"""Lines of the log: what they are about, for people and as JSON."""

import json
import logging
import logging.config

import pytest
from django.test import RequestFactory

from studio import logs
from studio.middleware import RequestIdMiddleware


@pytest.fixture
def line(capsys):
    """``line(as_json)`` logs one event by the studio's configuration and gives what was written."""
    logs.begin()
    before = logging.getLogger().handlers[:], logging.getLogger().level

    def write(as_json: bool) -> str:
        logging.config.dictConfig(logs.configuration(as_json=as_json, level="INFO"))
        logging.getLogger("studio.test").info("step %s", "done", extra={"extra": 1})
        return capsys.readouterr().err.strip()

    yield write
    logging.getLogger().handlers, level = before
    logging.getLogger().setLevel(level)


def test_a_line_names_what_it_is_about(line):
    with logs.noted(request_id="r1"), logs.noted(generation_id="g1"):
        assert line(False).endswith("studio.test: step done [request_id=r1, generation_id=g1]")
    assert line(False).endswith("studio.test: step done")


def test_json_lines_have_the_same_as_fields(line):
    with logs.noted(request_id="r1", generation_id="g1"):
        told = json.loads(line(True))
    assert (told["message"], told["level"], told["logger"]) == ("step done", "INFO", "studio.test")
    assert (told["request_id"], told["generation_id"], told["task"]) == ("r1", "g1", None)


def test_a_request_begins_anew():
    logs.begin(request_id="old", generation_id="of an earlier request")
    seen = []

    def answer(request) -> dict[str, str]:
        seen.append(dict(logs.about()))
        return {}

    RequestIdMiddleware(answer)(RequestFactory().get("/"))
    assert list(seen[0]) == ["request_id"]
    assert seen[0]["request_id"] != "old"
