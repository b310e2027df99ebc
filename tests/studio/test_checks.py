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


def test_a_chosen_backend_without_its_needs_is_found(settings, tmp_path):
    settings.INFERENCE_BACKENDS, settings.ONNX_FILE = {"sync-3": "onnx"}, str(tmp_path / "net.onnx")
    assert ids(checks.backends_have_what_they_need(None)) == ["studio.E002"]
    (tmp_path / "net.onnx").touch()
    assert checks.backends_have_what_they_need(None) == []
    settings.INFERENCE_BACKENDS = {"sync-3": "remote"}
    assert "STUDIO_REMOTE_URL" in checks.backends_have_what_they_need(None)[0].msg
    settings.REMOTE_URL, settings.REMOTE_KEY = "https://studio.example", "sk-1"
    assert checks.backends_have_what_they_need(None) == []


def test_a_misspelt_model_or_backend_is_found(settings):
    settings.INFERENCE_BACKENDS = {"lipsync2": "native", "sync-3": "onxx"}
    assert ids(checks.backends_are_named_as_they_are_called(None)) == ["studio.E003"] * 2
    settings.INFERENCE_BACKENDS = {"lipsync-2": "native", "sync-3": "mystudio.backends.Mine"}
    assert checks.backends_are_named_as_they_are_called(None) == []
