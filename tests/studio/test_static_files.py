"""Static files as production serves them: each of our modules is known under one address only."""

import re

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.test import override_settings

IMPORT = re.compile(r'from "\./([^"]+)"')


@pytest.fixture
def collected(settings, tmp_path):
    """The studio's own files, collected the way `make run` and a deployment do it."""
    storages = settings.STORAGES | {"staticfiles": {"BACKEND": "studio.static_files.StaticFiles"}}
    with override_settings(STORAGES=storages, STATIC_ROOT=tmp_path, STATICFILES_DIRS=[settings.BASE_DIR / "static"]):
        call_command("collectstatic", interactive=False, verbosity=0)
        yield tmp_path


def test_a_module_is_imported_by_the_name_that_pages_load_it_by(collected):
    hashed = {staticfiles_storage.url(f"js/{path.name}").rsplit("/", 1)[1] for path in plain_modules(collected)}
    assert len(hashed) > 3
    imported = set()
    for name in hashed:
        imported |= set(IMPORT.findall((collected / "js" / name).read_text()))
    assert imported
    assert imported <= hashed


def plain_modules(folder):
    """Modules under their plain names, as they lie in the source."""
    return [path for path in (folder / "js").glob("*.js") if path.name.count(".") == 1]
