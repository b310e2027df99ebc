"""The picture operations one by one: maps, masks, light, detail, objects, painted mouths."""

import cv2
import numpy as np
import pytest

from apps.inference.engine.crops import Crop, CropStore, CropWriter, cut_out, in_spread_runs
from apps.inference.engine.face.from_the_front import mean_face
from apps.inference.engine.face.landmarks import WARP_POINTS
from apps.inference.engine.media.video_reader import split_planes
from apps.inference.engine.render.basis import generic_basis, generic_displacement
from apps.inference.engine.render.compose import (
    FrameJob,
    Mouth,
    draw,
    face_box,
    feathered,
    inner_mask,
    lips_mask,
    relit,
    rim,
)
from apps.inference.engine.render.detail import NO_GAIN, bands, restored, strength
from apps.inference.engine.render.interior import PaintedMouth, paint_interior
from apps.inference.engine.render.layers import Layer, read_box, write_box
from apps.inference.engine.render.mesh import (
    ALL_LIPS,
    INNER,
    LOWER_LINE,
    NOSE,
    OUTER,
    UPPER_LINE,
    FaceMesh2D,
    uncross_lips,
)
from apps.inference.engine.render.occlusion import CANVAS, REACH, SPAN, in_picture
from apps.inference.engine.render.warp import Canvas, _rasterise, piecewise_map, sample_luma

from .synthetic import EYES_PX, SIZE, paint, talking_landmarks

MEAN = mean_face()
MESH = FaceMesh2D.build(MEAN)


def mesh_points(landmarks):
    """(Q, 2): warp points of one frame and the ring about its mean pose."""
    ring = MESH.ring[:, :2] * EYES_PX + [SIZE[0] / 2, SIZE[1] * 0.42]
    return np.concatenate([landmarks[WARP_POINTS, :2], ring])


@pytest.fixture(scope="module")
def face():
    landmarks = talking_landmarks(1, 0.0)[0]
    return landmarks, mesh_points(landmarks), paint(landmarks)


def opened(points, by):
    """The same points with the mouth opened by ``by`` eye distances."""
    change = np.zeros((1, 6))
    change[0, [0, 2, 4, 3]] = np.array([1, 0.75, 0.85, -0.12]) * by
    moved = points.copy()
    moved[: len(WARP_POINTS)] += generic_displacement(change)[0, :, :2] * EYES_PX
    return moved


def in_place(points):
    """(468, 3) landmarks of which only those that are warped are known."""
    landmarks = np.zeros((468, 3))
    landmarks[WARP_POINTS, :2] = points[: len(WARP_POINTS)]
    return landmarks


def test_a_map_carries_every_mesh_point_to_its_source(face):
    _, own, _ = face
    target = opened(own, 0.1)
    box = (0, 0, 256, 256)
    field = piecewise_map(target, own, MESH.triangles, box, 1, 0.0).luma((0, 0))
    inside = target[OUTER]
    found = np.array([field[y, x] for x, y in np.round(inside).astype(int)])
    np.testing.assert_allclose(found - np.round(inside), own[OUTER] - target[OUTER], atol=1.2)


def test_half_resolution_maps_agree_with_full_ones(face):
    _, own, _ = face
    target = opened(own, 0.1)
    box = (48, 80, 160, 160)
    fine = piecewise_map(target, own, MESH.triangles, box, 1, 1.0).luma((0, 0))
    half = piecewise_map(target, own, MESH.triangles, box, 2, 1.0).luma((0, 0))
    assert np.percentile(np.abs(fine - half), 95) < 0.35


def test_without_movement_pixels_are_copied_bit_for_bit(face):
    _, own, yuv = face
    luma = yuv[:256]
    field = piecewise_map(own, own, MESH.triangles, (0, 0, 256, 256), 2, 2.0).luma((0, 0))
    np.testing.assert_array_equal(sample_luma(luma, field), luma)


def test_samples_are_rounded_as_bytes_are_and_never_wrap_around():
    luma = np.zeros((16, 16), np.uint8)
    luma[:, 8:] = 255
    luma[4:8] = np.arange(16) * 16
    columns, lines = np.meshgrid(np.arange(16, dtype=np.float32), np.arange(16, dtype=np.float32))
    places = np.dstack([columns + 0.375, lines + 0.125])  # cubic curves go below 0 and above 255 beside the edge
    samples = sample_luma(luma, places)
    of_bytes = cv2.remap(luma, places, np.empty(0, np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    assert samples.dtype == np.uint8
    assert np.abs(samples.astype(int) - of_bytes).max() <= 1
    assert samples[12, 6] == 0 and samples[12, 8] == 255


def test_a_thin_triangle_throws_no_pixel_far_away():
    target = np.array([[10.0, 10.0], [50.0, 10.2], [30.0, 10.3], [30.0, 60.0]])
    source = target.copy()
    source[2, 1] += 9
    triangles = np.array([[0, 1, 2], [0, 2, 3], [2, 1, 3]])
    warp = piecewise_map(target, source, triangles, (0, 0, 64, 64), 1, 0.0).luma((0, 0))
    moved = np.abs(warp[..., 1] - np.arange(64)[:, None])
    assert moved.max() < 9.5


def test_a_canvas_agrees_with_the_general_map(face):
    _, own, _ = face
    target = (MESH.template - MESH.template.min(0)) * 40
    size = (64, 64)
    quick = Canvas(target, MESH.triangles, size).warp(own).luma((0, 0))
    full = piecewise_map(target, own, MESH.triangles, (0, 0, *size), 1, 0.0).luma((0, 0))
    assert np.median(np.abs(quick - full)[8:-8, 8:-8]) < 0.3


def test_lips_that_would_cross_meet_in_the_middle():
    shape = MEAN[WARP_POINTS].copy()
    shape[UPPER_LINE[5], 1], shape[LOWER_LINE[5], 1] = 0.95, 0.90
    mended = uncross_lips(shape)
    assert mended[LOWER_LINE[5], 1] - mended[UPPER_LINE[5], 1] == pytest.approx(0.002)
    assert mended[UPPER_LINE[5], 1] == pytest.approx(0.924)


def test_the_mask_covers_the_lips_and_stops_below_the_nose(face):
    _, own, _ = face
    mask = lips_mask(own, EYES_PX, (256, 256))
    step = 256 // mask.shape[0]
    corner = (own[OUTER].mean(0) / step).astype(int)
    assert mask[corner[1], corner[0]] > 0.95
    above = int((own[NOSE, 1] - 0.03 * EYES_PX) / step)
    assert mask[:above].max() < 1e-3


def test_a_wide_open_mouth_that_shuts_takes_the_edges_of_its_lips_along(face):
    """Teeth stay beside the line where the lips are said to meet; lips that were shut before keep their own."""
    _, own, _ = face
    target = own - own.min(0) + 8
    at = np.round(target[OUTER].mean(0)).astype(int)
    beside = round(0.045 * EYES_PX)
    shape = tuple(int(side) for side in target.max(0)[::-1] + 8)
    shut, closing = (
        inner_mask(target, FrameJob(was, target, EYES_PX), shape) for was in (target, opened(target, 0.15))
    )
    assert closing[at[1], at[0]] > 0.95
    assert closing[at[1] + beside, at[0]] - shut[at[1] + beside, at[0]] > 0.3


def test_borrowed_pixels_take_on_the_light_of_their_place(face):
    _, own, _ = face
    mask = lips_mask(own, EYES_PX, (256, 256))
    dark = Layer(np.full((256, 256), 90, np.float32), np.full((128, 128, 2), (120.0, 135.0), np.float32))
    bright = Layer(dark.luma + 25, dark.chroma + 4)
    lit = relit(dark, bright, rim(mask), EYES_PX / 2)
    x, y = own[OUTER].mean(0).astype(int)
    assert lit.luma[y, x] == pytest.approx(115, abs=1)
    assert lit.chroma[y // 2, x // 2, 0] == pytest.approx(124, abs=0.5)


def test_the_inside_of_a_mouth_is_lit_by_the_lips_and_not_by_the_rim_it_is_laid_upon(face):
    """What the frame's own lips show along their inner rim, shadow or teeth, is no light."""
    _, own, yuv = face
    lent = opened(own, 0.1)
    mouth = Mouth(cut_out(split_planes(paint(in_place(lent))), (0, 0, *SIZE)), lent)
    x, y = lent[INNER].mean(0).astype(int)

    def inside(rim, light):
        picture = yuv.copy()
        luma = split_planes(picture)[0]
        cv2.polylines(luma, [np.round(own[INNER]).astype(np.int32)], True, rim, 2)
        luma[:] = cv2.add(luma, light)
        draw(picture, FrameJob(own, lent, EYES_PX, mouth, inner_only=True), MESH.triangles)
        return float(split_planes(picture)[0][y - 1 : y + 2, x - 1 : x + 2].mean())

    assert inside(rim=220, light=0) == pytest.approx(inside(rim=5, light=0), abs=4)
    assert inside(rim=5, light=25) - inside(rim=5, light=0) == pytest.approx(25, abs=5)


def test_feathering_keeps_the_borders_of_the_box_but_not_those_of_the_picture():
    new, old = Layer(np.full((64, 64), 200, np.uint8), np.full((32, 32, 2), 200, np.uint8)), None
    old = Layer(np.full((64, 64), 100, np.uint8), np.full((32, 32, 2), 100, np.uint8))
    mixed = feathered(new, old, (0, 10, 64, 64), (256, 256))
    assert (mixed.luma[0, 32], mixed.luma[32, 63], mixed.luma[32, 0], mixed.luma[32, 32]) == (100, 100, 200, 200)


def test_a_painted_mouth_is_dark_inside_and_leaves_the_cheeks_alone(face):
    _, own, yuv = face
    target = opened(own, 0.12)
    picture = yuv.copy()
    job = FrameJob(own, target, EYES_PX, painted=PaintedMouth(0.12, 0.01))
    draw(picture, job, MESH.triangles)
    x, y = (0.25 * target[UPPER_LINE[5]] + 0.75 * target[LOWER_LINE[5]]).astype(int)
    assert picture[y, x] < 75 < yuv[y, x]
    left, top, *_ = face_box(job, SIZE)
    np.testing.assert_array_equal(picture[:top], yuv[:top])
    np.testing.assert_array_equal(picture[:256, :left], yuv[:256, :left])


def test_painted_teeth_are_faintly_parted_and_fade_towards_the_corners():
    """On a mouth 300 pixels wide: a darker line between the two first incisors, none within one; corners in shade."""
    own = MEAN[WARP_POINTS, :2] * 600 + [450, 100]
    target = own.copy()
    target[[row for row in LOWER_LINE if row not in (LOWER_LINE[0], LOWER_LINE[-1])], 1] += 0.12 * 600
    shape = (900, 900)
    base = Layer(np.full(shape, 160, np.float32), np.full((450, 450, 2), 128, np.float32))
    mouth = paint_interior(base, base, (0, 0, *shape), target, own, 600.0, PaintedMouth(0.13, 0.01))
    line = mouth.luma[int(target[UPPER_LINE[5], 1]) + 15]  # .025 eye distances below the lip
    middle = float(target[INNER, 0].mean())
    tooth = line[round(middle + 0.045 * 600)]
    gap = line[round(middle) - 2 : round(middle) + 3].min()
    assert 0.6 * tooth < gap < 0.9 * tooth
    within = line[round(middle + 0.03 * 600) : round(middle + 0.06 * 600)]
    assert np.ptp(within) < 0.06 * tooth
    second = line[round(middle + 0.128 * 600)]
    assert 0.5 * tooth < second < 0.95 * tooth


def test_detail_is_raised_to_the_reference_and_not_beyond():
    random = np.random.default_rng(2)
    sharp = cv2.GaussianBlur(random.normal(120, 30, (96, 96)).astype(np.float32), (0, 0), 0.8)
    soft = cv2.GaussianBlur(sharp, (0, 0), 0.7)
    whole = np.ones_like(soft)
    goal, before = strength(bands(sharp, 100.0), whole), strength(bands(soft, 100.0), whole)
    after = strength(bands(restored(soft, whole, whole, 100.0, goal), 100.0), whole)
    assert before[0] < after[0] <= 1.15 * goal[0]
    unmasked = restored(soft, np.zeros_like(soft), whole, 100.0, goal)
    np.testing.assert_array_equal(unmasked, soft)


def test_lips_that_are_as_sharp_as_wanted_stay_so_where_no_gain_is_asked_for():
    random = np.random.default_rng(3)
    luma = cv2.GaussianBlur(random.normal(120, 30, (96, 96)).astype(np.float32), (0, 0), 0.8)
    whole = np.ones_like(luma)
    fine, middling = strength(bands(luma, 100.0), whole)
    goal = (0.9 * fine, 0.9 * middling)
    np.testing.assert_array_equal(restored(luma, whole, whole, 100.0, goal, NO_GAIN), luma)
    assert strength(bands(restored(luma, whole, whole, 100.0, goal), 100.0), whole)[0] > fine


def test_a_hand_at_the_chin_goes_on_below_what_is_looked_at(face):
    _, own, _ = face
    mask = np.zeros((CANVAS, CANVAS), np.uint8)
    mask[60:, 20:50] = 1
    to_canvas = (MESH.template - (MESH.template[ALL_LIPS].mean(0) - REACH)) / SPAN * CANVAS
    shown = in_picture(np.packbits(mask), to_canvas, own, EYES_PX, (0, 0, *SIZE))
    x, y = own[ALL_LIPS].mean(0).astype(int)
    assert shown[y + 35 : y + 60, x].min() > 0.9
    assert shown[: y + 20].max() < 0.1
    assert shown[y + 50, x + 40] < 0.1


def test_the_original_stays_in_front_where_an_object_is(face):
    _, own, yuv = face
    everywhere = np.packbits(np.ones((72, 72), np.uint8))
    to_canvas = (MESH.template - MESH.template.mean(0)) * 80 + 36
    picture = yuv.copy()
    job = FrameJob(own, opened(own, 0.1), EYES_PX, object_mask=everywhere, to_canvas=to_canvas)
    draw(picture, job, MESH.triangles)
    x, y = own[OUTER].mean(0).astype(int)
    np.testing.assert_array_equal(picture[y - 10 : y + 10, x - 10 : x + 10], yuv[y - 10 : y + 10, x - 10 : x + 10])


def test_the_general_movement_opens_both_sides_alike():
    basis = generic_basis()
    assert basis.shape == (6, len(WARP_POINTS), 3)
    gap = (basis[0, LOWER_LINE, 1] - basis[0, UPPER_LINE, 1]) + 0.85 * (
        basis[4, LOWER_LINE, 1] - basis[4, UPPER_LINE, 1]
    )
    np.testing.assert_allclose(gap, gap[::-1], atol=0.05)
    assert gap[5] > 0.6


def test_boxes_round_trip_and_crops_come_back(tmp_path):
    yuv = np.random.default_rng(0).integers(0, 256, (96, 64), np.uint8)
    copy = yuv.copy()
    write_box(copy, (8, 6, 24, 32), read_box(yuv, (8, 6, 24, 32)))
    np.testing.assert_array_equal(copy, yuv)
    with CropWriter(tmp_path / "c.bin") as writer:
        writer.add(None)
        writer.add(cut_out(split_planes(yuv), (4, 2, 20, 16)))
    store = CropStore(tmp_path / "c.bin", writer.index)
    assert store.stored.tolist() == [False, True]
    crop = store[1]
    assert isinstance(crop, Crop)
    np.testing.assert_array_equal(crop.luma, yuv[2:18, 4:24])
    with pytest.raises(KeyError):
        store[0]


def test_a_long_film_lends_evenly_spread_runs():
    kept = np.array([in_spread_runs(index, 9000, 1500) for index in range(9000)])
    assert 1400 <= kept.sum() <= 1515
    assert min(kept[start : start + 900].sum() for start in range(0, 9000, 900)) > 100
    assert all(in_spread_runs(index, 900, 1500) for index in range(900))


def test_every_cell_belongs_to_the_last_triangle_that_covers_its_middle():
    rng = np.random.default_rng(5)
    corners = np.concatenate([rng.uniform(-4, 24, (40, 3, 2)), [[[3, 4], [15, 4], [9, 4]]], [[[2, 1], [2, 9], [8, 1]]]])
    owner = _rasterise(corners, np.array([*range(0, 40, 2), 40, 41]), 20, 18)
    lines, columns = np.mgrid[:18, :20]
    expected = np.zeros((18, 20), int)
    for number in [*range(0, 40, 2), 41]:
        (a, b, c) = corners[number]
        sides = [(q[0] - p[0]) * (lines - p[1]) - (q[1] - p[1]) * (columns - p[0]) for p, q in ((a, b), (b, c), (c, a))]
        covered = np.all(np.array(sides) >= -1e-9, axis=0) | np.all(np.array(sides) <= 1e-9, axis=0)
        expected[covered] = number + 1
    np.testing.assert_array_equal(owner, expected)  # number 40 has no area
    assert (owner == 42).sum() > 10
