"""The registry: complete, honest about options, strict about values."""

import pytest

from apps.catalog.registry import (
    DEFAULT_MODEL,
    MODELS,
    OPTIONS,
    SYNC_MODES,
    check_sync_mode,
    clean_options,
    model_spec,
    output_seconds,
)
from apps.inference.engine import settings as engine
from studio.errors import StudioError


def test_every_model_says_something_about_every_option():
    for model in MODELS.values():
        assert set(model.options) == set(OPTIONS)
        assert all(support.available or support.why for support in model.options.values())
        assert set(model.sync_modes) <= set(SYNC_MODES)


def test_the_engine_has_these_models_and_modes():
    assert set(MODELS) == set(engine.MODELS)
    assert set(SYNC_MODES) == set(engine.SYNC_MODES)
    assert DEFAULT_MODEL in MODELS


@pytest.mark.parametrize(
    ("model", "states"),
    [
        ("sync-3", ("automatic", "automatic", "automatic", "available")),
        ("lipsync-2-pro", ("available", "available", "available", "available")),
        ("lipsync-2", ("available", "available", "absent", "available")),
        ("lipsync-1.9.0-beta", ("absent", "absent", "absent", "available")),
    ],
)
def test_the_matrix_of_options(model, states):
    assert tuple(MODELS[model].options[name].state for name in OPTIONS) == states


def test_options_are_completed_and_read_as_forms_send_them():
    options, unused = clean_options("lipsync-2-pro", {"temperature": "0.25", "occlusion_detection_enabled": "on"})
    assert options == {
        "temperature": 0.25,
        "occlusion_detection_enabled": True,
        "reasoning_enabled": False,
        "active_speaker_detection": False,
    }
    assert unused == []


def test_an_option_the_model_lacks_is_ignored_and_said():
    options, unused = clean_options("sync-3", {"temperature": 0.9, "reasoning_enabled": False})
    assert options == {"active_speaker_detection": False}
    assert unused == ["Expressiveness is not used. sync-3 finds the range of movement from the footage."]


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"temperature": 1.5}, "temperature"),
        ({"temperature": "warm"}, "temperature"),
        ({"temperature": "nan"}, "temperature"),
        ({"temperature": 10**400}, "temperature"),
        ({"reasoning_enabled": "maybe"}, "reasoning_enabled"),
        ({"speed": 2}, "speed"),
    ],
)
def test_bad_values_are_refused_with_their_field(raw, field):
    with pytest.raises(StudioError) as refused:
        clean_options("lipsync-2-pro", raw)
    assert (refused.value.code, refused.value.field) == ("generation_input_validation_failed", field)


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_field_means_the_default(empty):
    assert clean_options("lipsync-2", {"temperature": empty})[0]["temperature"] == 0.5


def test_unknown_models_and_modes_are_refused():
    with pytest.raises(StudioError, match="no model"):
        model_spec("lipsync-9")
    with pytest.raises(StudioError, match="no sync mode"):
        check_sync_mode("lipsync-2", "sideways")
    with pytest.raises(KeyError):
        output_seconds("sideways", 1, 1)


@pytest.mark.parametrize(
    ("mode", "longer_video", "longer_audio"),
    [("cut_off", 5, 5), ("loop", 5, 12), ("bounce", 5, 12), ("silence", 12, 12), ("remap", 5, 12)],
)
def test_length_of_the_result(mode, longer_video, longer_audio):
    assert output_seconds(mode, 12, 5) == longer_video
    assert output_seconds(mode, 5, 12) == longer_audio
