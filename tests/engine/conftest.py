"""The project's own talking footage, made once per test process."""

from pathlib import Path

import pytest
from django.conf import settings

from apps.inference.engine.sample import SHORT, Sample, make_sample


@pytest.fixture(scope="session")
def short_sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Three seconds of the talking portrait at 320 x 320, 25 fps, with its true mouth (about three seconds to make)."""
    if not settings.MODELS_DIR.is_dir():
        pytest.fail(f"The nets are not unpacked in {settings.MODELS_DIR}. Run `make models`.")
    return make_sample(tmp_path_factory.mktemp("sample"), Path(settings.MODELS_DIR), SHORT)
