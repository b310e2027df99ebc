"""How a face is chosen: our words and the hosted API's, in one form, and a refusal that helps."""

import pytest

from apps.catalog.faces import clean_face, engine_face
from apps.catalog.registry import MODELS, clean_options
from studio.errors import StudioError

POINT = {"kind": "point", "frame": 12, "x": 640, "y": 360.5}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (None, False),
        (False, False),
        ("on", True),
        (True, True),
        ({"kind": "auto"}, False),
        ({"kind": "active_speaker"}, True),
        ({"kind": "all"}, {"kind": "all"}),
        ({"kind": "person", "id": 2, "note": "x"}, {"kind": "person", "id": 2}),
        (POINT, POINT),
        ({"kind": "boxes", "boxes": [None, [1, 2, 3.26, 4]]}, {"kind": "boxes", "boxes": [None, [1.0, 2.0, 3.3, 4.0]]}),
        ({"auto_detect": True}, True),
        ({"auto_detect": False}, False),
        ({"auto_detect": False, "frame_number": 12, "coordinates": [640, 360.5]}, POINT),
        ({"bounding_boxes": [[1, 2, 3, 4]]}, {"kind": "boxes", "boxes": [[1.0, 2.0, 3.0, 4.0]]}),
        ({"v3": True}, False),
        (' {"kind": "person", "id": 1}', {"kind": "person", "id": 1}),
        ({}, False),
    ],
)
def test_every_way_to_choose_has_one_form(sent, kept):
    assert clean_face(sent) == kept
    assert clean_face(kept) == kept, "what was kept can be sent again"


@pytest.mark.parametrize(
    "sent",
    [
        "somebody",
        3,
        {"kind": "the tall one"},
        {"kind": "person"},
        {"kind": "person", "id": -1},
        {"kind": "person", "id": True},
        {"kind": "point", "frame": 1.5, "x": 1, "y": 1},
        {"kind": "point", "frame": 1, "x": float("nan"), "y": 1},
        {"kind": "boxes", "boxes": []},
        {"kind": "boxes", "boxes": [None, None]},
        {"kind": "boxes", "boxes": [[1, 2, 3]]},
        {"kind": "boxes", "boxes": "all"},
        {"kind": "boxes", "boxes": [[1, 2, 3, 10**400]]},
        {"kind": "person", "id": 10**400},
        '{"kind": "point", "frame": 1%s, "x": 1, "y": 1}' % ("0" * 400),
        {"frame_number": 3},
        {"coordinates": [1, 2]},
        {"auto_detect": True, "bounding_boxes": [[1, 2, 3, 4]]},
        {"nose": 1},
        '{"kind": ',
    ],
)
def test_what_names_no_face_is_refused_with_advice(sent):
    with pytest.raises(StudioError) as refusal:
        clean_face(sent)
    assert refusal.value.code == "generation_input_face_selection_invalid"
    assert refusal.value.status == 422
    assert refusal.value.advice


@pytest.mark.parametrize("model", MODELS)
def test_every_model_takes_a_choice(model):
    options, unused = clean_options(model, {"active_speaker_detection": {"auto_detect": True}})
    assert (options["active_speaker_detection"], unused) == (True, [])
    assert clean_options(model, {"active_speaker_detection": POINT})[0]["active_speaker_detection"] == POINT
    assert clean_options(model, {})[0]["active_speaker_detection"] is False


def test_the_engine_gets_a_kind():
    assert [engine_face(choice) for choice in (None, False, True, POINT)] == [
        None, None, {"kind": "active_speaker"}, POINT
    ]  # fmt: skip
