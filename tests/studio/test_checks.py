"""Each system check finds the misconfiguration it is for, and is quiet otherwise."""

from studio import checks


def ids(found):
    return [message.id for message in found]


def test_missing_models_are_found(settings, tmp_path):
    settings.MODELS_DIR = tmp_path / "none"
    assert ids(checks.models_are_unpacked(None)) == ["studio.W001"]
    settings.MODELS_DIR.mkdir()
    (settings.MODELS_DIR / "net").touch()
    assert checks.models_are_unpacked(None) == []


def test_missing_frontend_is_found(settings, tmp_path):
    settings.VENDOR_DIR = tmp_path / "none"
    assert ids(checks.frontend_is_fetched(None)) == ["studio.W002"]


def test_production_needs_an_https_address(settings):
    settings.PRODUCTION, settings.PUBLIC_URL = True, "http://studio.example"
    assert ids(checks.production_keeps_its_address_safe(None)) == ["studio.E001"]
    settings.PUBLIC_URL = "https://studio.example"
    assert checks.production_keeps_its_address_safe(None) == []


def test_production_on_local_disk_is_said(settings):
    settings.PRODUCTION, settings.S3_BUCKET = True, ""
    assert ids(checks.several_machines_share_media(None)) == ["studio.W003"]
    settings.S3_BUCKET = "media"
    assert checks.several_machines_share_media(None) == []
