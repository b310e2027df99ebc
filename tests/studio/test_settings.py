"""The environment is strict: production refuses to start half configured, misspelt names stop the start."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from studio.environment import VARIABLES, kept_secret, name_places_in_full, read

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "STUDIO_MODE": "production",
    "STUDIO_SECRET_KEY": "k" * 60,
    "STUDIO_HOSTS": "studio.example",
    "STUDIO_URL": "https://studio.example",
    "DATABASE_URL": "postgres://studio:secret@db.example:5432/studio",
    "REDIS_URL": "redis://redis.example:6379/0",
}


SHOW = "from django.conf import settings as s; print(s.MODE, s.ALLOWED_HOSTS, s.SESSION_COOKIE_SECURE, s.DEBUG)"


def start(tmp_path: Path, show: str = SHOW, **variables: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a fresh process with only these variables and print what they decided."""
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    environment |= {"STUDIO_DATA": str(tmp_path)} | variables
    return subprocess.run(
        [sys.executable, "-c", show],
        cwd=ROOT,
        env=environment | {"DJANGO_SETTINGS_MODULE": "studio.settings"},
        capture_output=True,
        text=True,
    )


def test_embedded_mode_needs_nothing(tmp_path):
    done = start(tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("embedded ['localhost'")


def test_production_starts_with_all_it_needs(tmp_path):
    done = start(tmp_path, **PRODUCTION)
    assert done.stdout.split() == ["production", "['studio.example']", "True", "False"], done.stderr


@pytest.mark.parametrize("name", ["STUDIO_SECRET_KEY", "STUDIO_HOSTS", "STUDIO_URL", "DATABASE_URL", "REDIS_URL"])
def test_production_names_what_is_missing(tmp_path, name):
    done = start(tmp_path, **{key: value for key, value in PRODUCTION.items() if key != name})
    assert done.returncode != 0
    assert f"Production mode needs {name}" in done.stderr


def test_a_misspelt_name_stops_the_start(tmp_path):
    done = start(tmp_path, STUDIO_DATE="/somewhere")
    assert done.returncode != 0
    assert "Unknown setting STUDIO_DATE" in done.stderr


def test_a_value_of_the_wrong_type_is_named(tmp_path):
    done = start(tmp_path, PORT="eighty")
    assert done.returncode != 0
    assert "PORT is not a valid int" in done.stderr


def test_spaces_around_the_parts_of_a_list_do_not_count(monkeypatch):
    monkeypatch.setenv("STUDIO_HOSTS", "a.example, b.example,")
    monkeypatch.setenv("STUDIO_BACKENDS", "lipsync-2=onnx, sync-3 = remote")
    assert read("STUDIO_HOSTS") == ["a.example", "b.example"]
    assert read("STUDIO_BACKENDS") == {"lipsync-2": "onnx", "sync-3": "remote"}


def test_a_key_may_begin_with_any_sign(monkeypatch):
    monkeypatch.setenv("STUDIO_SECRET_KEY", "$a-key")
    assert read("STUDIO_SECRET_KEY") == "$a-key"


def test_the_public_address_ends_without_a_slash(tmp_path):
    show = "from django.conf import settings as s; print(s.PUBLIC_URL, s.CSRF_TRUSTED_ORIGINS)"
    done = start(tmp_path, show, STUDIO_URL="https://studio.example/")
    assert done.stdout.split() == ["https://studio.example", "['https://studio.example']"], done.stderr


def test_the_embedded_secret_is_made_once_and_private(tmp_path):
    path = tmp_path / "keys" / "secret"
    first = kept_secret(path)
    assert kept_secret(path) == first
    assert len(first) >= 48
    assert path.stat().st_mode & 0o777 == 0o600


def test_every_variable_is_documented():
    documented = (ROOT / "docs" / "operations.md").read_text()
    assert [name for name in VARIABLES if f"`{name}`" not in documented] == []


def test_two_that_start_at_once_end_with_the_same_secret(tmp_path):
    path = tmp_path / "keys" / "secret"
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: kept_secret(path), range(64)))
    assert len(found) == 1 and min(map(len, found)) >= 48
    assert [file.name for file in path.parent.iterdir()] == ["secret"]


@pytest.mark.parametrize("name", ["client #1", "what?", "a%20b"])
def test_the_database_lies_in_the_data_folder_whatever_its_name(tmp_path, name):
    show = "from django.conf import settings as s; print(s.DATABASES['default']['NAME'])"
    done = start(tmp_path / name, show)
    assert done.stdout.strip() == str(tmp_path / name / "studio.sqlite3"), done.stderr


def test_a_misspelt_switch_stops_the_start(monkeypatch):
    monkeypatch.setenv("STUDIO_BILLING", "enabled")
    with pytest.raises(ImproperlyConfigured, match="STUDIO_BILLING is not a valid bool: 'enabled'"):
        read("STUDIO_BILLING")
    for text, value in {"1": True, "Yes": True, "off": False, "0": False, "": False}.items():
        monkeypatch.setenv("STUDIO_BILLING", text)
        assert read("STUDIO_BILLING") is value


def test_places_mean_the_same_after_a_command_has_gone_to_another_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STUDIO_DATA", "data")
    monkeypatch.setenv("STUDIO_MODELS", "/srv/models")
    monkeypatch.delenv("STUDIO_ONNX_FILE", raising=False)
    name_places_in_full()
    assert (os.environ["STUDIO_DATA"], os.environ["STUDIO_MODELS"]) == (str(tmp_path / "data"), "/srv/models")
    assert "STUDIO_ONNX_FILE" not in os.environ
