"""Every address against every kind of person, from the URL conf and the table of the API: no route goes unlooked."""

import json
import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from apps.api.models import Scope
from apps.api.routing import ROUTES
from tests.permissions.table import API, PAGES
from tests.permissions.world import PARTS, ROLES, World, make_world

pytestmark = pytest.mark.django_db
RANKS = ["viewer", "editor", "admin", "owner"]
PERSONS = [*ROLES, "maker", "outsider", "staff", "anonymous"]
LOGIN = "/account/login/"
# Beyond the named ones: the API's answer for addresses it does not have.
UNNAMED = {"v2/", "v2/<path:rest>"}
# Of the model admin: the ways in and out, which everybody may take.
DOORS = {"admin:login", "admin:logout"}


def named_routes(patterns=None, prefix: str = "", path: str = "") -> Iterator[tuple[str, list[str]]]:
    """Every route of the URL conf as ``namespace:name`` with the names of its parts; the API has a table of its own."""
    for entry in patterns if patterns is not None else get_resolver().url_patterns:
        here = path + str(entry.pattern)
        if isinstance(entry, URLPattern):
            if entry.name is None:
                if prefix == "admin:":
                    continue  # redirects of old addresses, and the answer for those it does not have
                assert here in UNNAMED, f"The route {here} has no name. Name it, and give it a row in the table."
            elif prefix != "api:":
                yield f"{prefix}{entry.name}", re.findall(r"<(?:\w+:)?(\w+)>", here)
        else:
            inner = f"{prefix}{entry.namespace}:" if entry.namespace else prefix
            yield from named_routes(entry.url_patterns, inner, here)


def row_of(name: str) -> str | None:
    return PAGES.get(name) or PAGES.get(f"{name.split(':')[0]}:*")


ROUTES_OF_PAGES = dict(named_routes())


@pytest.fixture
def world(db) -> World:
    cache.clear()  # rate limits of the test before
    return make_world()


def test_every_page_has_a_row():
    missing = sorted(name for name in ROUTES_OF_PAGES if row_of(name) is None)
    lines = "\n".join(f'    "{name}": "GET viewer",' for name in missing)
    assert not missing, f"Add a line for each to PAGES in tests/permissions/table.py, such as\n{lines}"


def test_every_route_of_the_api_has_a_row():
    missing = sorted({f"{route.method} {route.path}" for route in ROUTES} - set(API))
    lines = "\n".join(f'    "{name}": "read viewer",' for name in missing)
    assert not missing, f"Add a line for each to API in tests/permissions/table.py, such as\n{lines}"


def test_no_row_is_left_over():
    spaces = {f"{name.split(':')[0]}:*" for name in ROUTES_OF_PAGES}
    assert set(PAGES) <= set(ROUTES_OF_PAGES) | spaces
    assert set(API) <= {f"{route.method} {route.path}" for route in ROUTES}


def parts_of(world: World, names) -> dict:
    unknown = sorted(set(names) - set(PARTS))
    assert not unknown, f"Say in PARTS of tests/permissions/world.py what stands for {', '.join(unknown)}."
    return {name: PARTS[name](world) for name in names}


def page_cases() -> list:
    return [
        pytest.param(name, *method.split(), id=f"{name}-{method.split()[0]}")
        for name in ROUTES_OF_PAGES
        if not name.startswith("admin:") and row_of(name)
        for method in row_of(name).split(", ")
    ]


def expected(person: str, least: str) -> set[str]:
    """Right outcomes: ``in``, ``login``, ``forbidden`` (403), ``hidden`` (404)."""
    word = least.removesuffix("?")
    let_in = {"in", "hidden"} if least.endswith("?") else {"in"}
    if word == "anyone":
        return let_in
    if word == "staff":
        nobody = {"login"} if person == "anonymous" else set()
        return let_in if person == "staff" else {"forbidden", "hidden"} | nobody
    if person == "anonymous":
        return {"login"}
    if word == "signed-in":
        return let_in
    if person in ("outsider", "staff"):
        return {"hidden"}
    if word.startswith("maker"):
        mine = person == "maker" or (word == "maker+admin" and person in ("admin", "owner"))
        return let_in if mine else {"forbidden", "hidden"}
    return let_in if has_role(person, word) else {"forbidden"}


def has_role(person: str, least: str) -> bool:
    return RANKS.index("editor" if person == "maker" else person) >= RANKS.index(least)


def outcome(response) -> str:
    if response.status_code in (301, 302) and response["Location"].split("?")[0].endswith(LOGIN):
        return "login"
    if response.status_code >= 500:
        return f"error {response.status_code}"
    return {401: "login", 403: "forbidden", 404: "hidden"}.get(response.status_code, "in")


@pytest.mark.parametrize(("name", "method", "least"), page_cases())
def test_page(world, name, method, least):
    parts = parts_of(world, ROUTES_OF_PAGES[name])
    if name == "join":
        parts["token"] = world.things["invitation_token"]
    address = reverse(name, kwargs=parts)
    wrong = {}
    for person in PERSONS:
        with transaction.atomic():
            client = Client(headers={"Tus-Resumable": "1.0.0"} if "tus_" in name else {})
            if person != "anonymous":
                client.force_login(world.people[person], backend=settings.AUTHENTICATION_BACKENDS[0])
            result = outcome(client.generic(method, address))
            transaction.set_rollback(True)
        # allauth's own steps lead back to the sign-in where the step before is missing
        own = {"login"} if least.startswith("anyone") and name.startswith(("account_", "mfa_")) else set()
        if result not in expected(person, least) | own:
            wrong[person] = result
    assert not wrong, f"{method} {address} takes {least}; got {wrong}"


def test_the_model_admin_is_for_staff_alone(world):
    """All its pages in one world: whoever is not staff is led to the sign-in and told nothing."""
    wrong = {}
    for person in PERSONS:
        client = Client()
        if person != "anonymous":
            client.force_login(world.people[person], backend=settings.AUTHENTICATION_BACKENDS[0])
        for name in (name for name in ROUTES_OF_PAGES if name.startswith("admin:") and name not in DOORS):
            response = client.get(reverse(name, kwargs=parts_of(world, ROUTES_OF_PAGES[name])))
            led_away = response.status_code == 302 and response["Location"].startswith("/admin/login/")
            right = outcome(response) in ("in", "forbidden", "hidden") and not led_away
            if right != (person == "staff"):
                wrong[f"{person} {name}"] = response.status_code
    assert not wrong


def api_cases() -> list:
    return [pytest.param(row, id=row) for row in API]


def call(world: World, row: str, key: str | None):
    method, path = row.split()
    names = [piece[1:-1] for piece in path.split("/") if piece.startswith("{")]
    for name, value in parts_of(world, names).items():
        path = path.replace(f"{{{name}}}", str(value))
    headers = {"x-api-key": key} if key else {}
    with transaction.atomic():
        response = Client().generic(method, f"/v2/{path}", data=json.dumps({"name": "Another name"}), headers=headers)
        transaction.set_rollback(True)
    return response


@pytest.mark.parametrize("row", api_cases())
def test_route_of_the_api(world, row):
    least = API[row].split()[-1]
    wrong = {}
    for person in PERSONS:
        response = call(world, row, None if person == "anonymous" else world.key(person))
        right = expected(person, least)
        if person in ("outsider", "staff") and "{" not in row:
            right = {"in"}  # their key leads into their own workspace
        if least == "anyone?":
            right = {"forbidden", "hidden"}  # a token that nobody signed
        if outcome(response) not in right:
            wrong[person] = f"{response.status_code} {response.content[:200]!r}"
    assert not wrong, f"{row} takes {least}; got {wrong}"


@pytest.mark.parametrize("row", [case for case in API if not API[case].startswith("anyone")])
def test_a_key_with_a_smaller_scope_is_refused(world, row):
    needed = Scope(API[row].split()[0])
    for scope in Scope:
        response = call(world, row, world.key("owner", scope))
        if scope.rank < needed.rank:
            assert outcome(response) == "forbidden", f"{row} with a key for {scope}"
        else:
            assert outcome(response) in ("in", "hidden"), f"{row} with a key for {scope}"
