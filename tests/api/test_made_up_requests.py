"""A slice of ``benchmarks/api_requests.py``: requests made up from the OpenAPI document get answers as it says."""

import pytest
from django.core.wsgi import get_wsgi_application

import apps.api.urls  # noqa: F401  (enters the routes)
from apps.api import routing
from benchmarks.api_requests import ask
from benchmarks.api_world import quiet, world


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("handler", "noticed"),
    [(lambda caller: [{"id": 1}], "JsonSchemaError"), (lambda caller: 1 / 0, "ServerError")],
)
def test_an_answer_of_another_kind_is_noticed(monkeypatch, handler, noticed):
    route = next(route for route in routing.ROUTES if route.path == "models")
    monkeypatch.setitem(route.__dict__, "handler", handler)
    with quiet():
        key, ids = world()
        tally = ask(get_wsgi_application(), key=key, ids=ids, requests=4, seed=7, only="/v2/models")
    assert noticed in {kind for _, kind in tally.failures}


@pytest.mark.django_db
def test_made_up_requests_get_documented_answers():
    with quiet():
        key, ids = world()
        tally = ask(get_wsgi_application(), key=key, ids=ids, requests=240, seed=7)
    assert not tally.failures, "\n\n".join(f"{place}: {words}" for place, words in tally.failures.items())
    assert tally.requests > 150 and {200, 201, 400, 404} <= set(tally.statuses)
