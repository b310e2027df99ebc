"""Requests a minute: counted for each key, told in headers, refused beyond."""

import pytest
import redis
import time_machine

from apps.api import limits
from apps.api.keys import make_key
from apps.billing.plans import current_plan, subscribe

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small(settings):
    settings.API_REQUESTS_PER_MINUTE, settings.API_CREATES_PER_MINUTE = 3, 1
    limits._limits_of.cache_clear()


@pytest.fixture
def clock():
    with time_machine.travel("2026-11-22T10:00:15Z", tick=False) as clock:
        yield clock


def test_it_counts_down_and_refuses(api, clock):
    left = [api("GET", "models")["RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    over = api("GET", "models")
    body = over.json()
    assert (over.status_code, body["errorCode"], body["error"]) == (429, "rate_limit_exceeded", "Too Many Requests")
    assert body["message"] == "Rate limit exceeded. Please try again later."
    assert (over["Retry-After"], over["X-RateLimit-Limit"], over["RateLimit-Policy"]) == ("45", "3", "3;w=60")
    clock.shift(45)
    assert api("GET", "models").status_code == 200


def test_creates_have_a_count_of_their_own(api, clock):
    assert api("POST", "generate", {})["RateLimit-Limit"] == "1"
    assert api("POST", "generate", {}).status_code == 429
    assert api("GET", "models").status_code == 200


def test_keys_do_not_share_a_count(api, membership, clock):
    _, other = make_key(membership=membership, name="other")
    for _ in range(4):
        last = api("GET", "models")
    assert last.status_code == 429
    assert api("GET", "models", key=other).status_code == 200


def test_open_routes_count_by_address(api, clock):
    answers = [api("GET", "errors", key=None).status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]


def test_without_redis_nobody_is_counted_and_nobody_refused(api, monkeypatch):
    away = redis.Redis(port=1, socket_connect_timeout=0.2, retry=None)
    monkeypatch.setattr("apps.api.limits.client", lambda: away)
    answers = [api("GET", "models") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 5
    assert answers[-1]["RateLimit-Remaining"] == "3"


def test_a_plan_may_allow_more(api, clock, workspace):
    assert api("GET", "models")["RateLimit-Limit"] == "3"
    subscribe(workspace=workspace, plan=current_plan("scale"))
    clock.shift(60)  # the plan is looked at once a minute
    assert api("GET", "models")["RateLimit-Limit"] == "1800"
    assert api("POST", "generate", {})["RateLimit-Limit"] == "300"
