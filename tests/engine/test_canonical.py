"""Pose and shape taken apart: known poses come back, codes go round, parameters have their units."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.signal import savgol_filter
from scipy.spatial.transform import Rotation

from apps.inference.engine.face.canonical import canonicalise, fill_missing, fit_pose
from apps.inference.engine.face.from_the_front import mean_face
from apps.inference.engine.face.landmarks import ANCHORS, CHIN_TIP, CODE_POINTS, LIPS, RIGID, WARP_POINTS
from apps.inference.engine.face.mouth_code import learn_mouth_code, ridge
from apps.inference.engine.face.mouth_params import APERTURE, JAW, LOWER_LIP, WIDTH, mouth_params
from apps.inference.engine.face.smoothing import smoothed

FACE = mean_face()


def talking(frames: int = 60, seed: int = 0) -> np.ndarray:
    """Canonical shapes (T, 468, 3) whose lower lip and chin go up and down and whose corners go apart."""
    random = np.random.default_rng(seed)
    shapes = np.tile(FACE / np.linalg.norm(FACE[33] - FACE[263]), (frames, 1, 1))
    opening = 0.06 * (1 + np.sin(np.arange(frames) * 0.7))
    spread = 0.03 * np.sin(np.arange(frames) * 0.45)
    lower = [14, 87, 317, 88, 178, 402, 318, 17, 84, 314]
    shapes[:, lower, 1] += opening[:, None]
    shapes[:, [CHIN_TIP, 148, 377, 176, 400], 1] += 0.8 * opening[:, None]
    shapes[:, 61, 0] -= spread
    shapes[:, 291, 0] += spread
    return shapes + random.normal(0, 1e-4, shapes.shape)


def posed(shapes: np.ndarray, angles: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Shapes put into pictures: turned by (yaw, pitch, roll) degrees, scaled, moved."""
    turns = Rotation.from_euler("zxy", angles[:, ::-1], degrees=True).as_matrix()
    return scale[:, None, None] * np.einsum("tnc,tdc->tnd", shapes, turns) + shift[:, None]


def test_a_known_pose_is_recovered():
    random = np.random.default_rng(1)
    turns = Rotation.random(5, random_state=2).as_matrix()
    scale, shift = random.uniform(50, 200, 5), random.uniform(-300, 300, (5, 3))
    points = scale[:, None, None] * np.einsum("nc,tdc->tnd", FACE[RIGID], turns) + shift[:, None]
    found_scale, found_turn, found_shift = fit_pose(FACE[RIGID], points)
    np.testing.assert_allclose(found_scale, scale, rtol=1e-9)
    np.testing.assert_allclose(found_turn, turns, atol=1e-9)
    np.testing.assert_allclose(found_shift, shift, atol=1e-6)


def test_a_mirrored_face_is_never_fitted_by_a_mirror():
    _, turn, _ = fit_pose(FACE[RIGID], (FACE[RIGID] * [-1, 1, 1])[None])
    assert np.linalg.det(turn[0]) == pytest.approx(1.0)


def test_head_movement_leaves_the_shape_alone():
    still = talking(80)
    time = np.arange(80)
    angles = np.stack([20 * np.sin(time / 9), 8 * np.sin(time / 13), 10 * np.sin(time / 17)], axis=1)
    scale, shift = 100 + 20 * np.sin(time / 15), np.stack([time * 1.0, 50 + 0 * time, 0 * time], axis=1)
    faces = canonicalise(posed(still, angles, scale, shift), smooth=False)
    unmoved = canonicalise(posed(still, 0 * angles, 0 * scale + 100, 0 * shift), smooth=False)
    np.testing.assert_allclose(mouth_params(faces.shapes), mouth_params(unmoved.shapes), atol=4e-3)
    assert np.corrcoef(faces.yaw, angles[:, 0])[0, 1] > 0.999
    assert np.ptp(faces.yaw) == pytest.approx(np.ptp(angles[:, 0]), rel=0.05)
    assert np.corrcoef(faces.roll, angles[:, 2])[0, 1] > 0.999
    back = faces.project(7, faces.shapes[7])
    np.testing.assert_allclose(back, faces.landmarks[7, :, :2], atol=1e-6)


def test_single_precision_is_enough_and_stays_single():
    turns = np.linspace(-20, 20, 40)
    angles, shift = np.stack([turns, turns / 2, turns / 4], axis=1), np.tile([300.0, 200.0, 0.0], (40, 1))
    points = posed(talking(40), angles, np.full(40, 80.0), shift)
    double, single = canonicalise(points), canonicalise(points.astype(np.float32))
    assert single.shapes.dtype == single.landmarks.dtype == np.float32
    np.testing.assert_allclose(single.shapes, double.shapes, atol=1e-5)


def test_shapes_of_some_frames_and_points_are_those_of_all():
    turns = np.linspace(-20, 20, 1100)  # more than are worked out at once
    angles, shift = np.stack([turns, turns / 2, turns / 4], axis=1), np.tile([300.0, 200.0, 0.0], (1100, 1))
    faces = canonicalise(posed(talking(1100), angles, np.full(1100, 80.0), shift), smooth=False)
    frames, points = np.array([1099, 3, 1000]), np.array([13, 0, 152])
    assert faces.shapes.shape == faces.landmarks.shape
    np.testing.assert_allclose(faces.shapes_of(frames), faces.shapes[frames], atol=1e-12)
    np.testing.assert_allclose(faces.shapes_of(frames, points), faces.shapes[np.ix_(frames, points)], atol=1e-12)


def test_gaps_are_filled_in_time_and_reported():
    landmarks = posed(talking(9), np.zeros((9, 3)), np.full(9, 100.0), np.arange(27.0).reshape(9, 3))
    gappy = landmarks.copy()
    gappy[[0, 4, 5]] = np.nan
    filled, seen = fill_missing(gappy)
    assert seen.tolist() == [False, True, True, True, False, False, True, True, True]
    np.testing.assert_allclose(filled[0], landmarks[1])
    np.testing.assert_allclose(filled[4], (2 * landmarks[3] + landmarks[6]) / 3)
    with pytest.raises(ValueError, match="no frame has a face"):
        fill_missing(np.full((3, 468, 3), np.nan))


def test_parameters_are_in_eye_distances_and_pull_the_right_way():
    shapes = talking(2)
    shapes[1] = shapes[0]
    for point in (14, 87, 317):
        shapes[1, point, 1] += 0.10
    shapes[1, CHIN_TIP, 1] += 0.05
    shapes[1, 61, 0] -= 0.02
    change = np.diff(mouth_params(shapes), axis=0)[0]
    assert change[APERTURE] == pytest.approx(0.10, abs=0.01)
    assert change[JAW] == pytest.approx(0.05, abs=1e-9)
    assert change[WIDTH] == pytest.approx(0.02, abs=0.002)
    assert change[LOWER_LIP] == pytest.approx(0.10, abs=1e-9)


def test_codes_go_round_and_parameters_lead_to_them():
    shapes = talking(120)
    params = mouth_params(shapes)
    code = learn_mouth_code(shapes, params)
    values = code.encode(shapes)
    np.testing.assert_allclose(code.decode(values), shapes[:, CODE_POINTS], atol=2e-3)
    from_params = code.from_parameters(params)
    assert np.corrcoef(from_params[:, 0], values[:, 0])[0, 1] > 0.99


def test_displacement_moves_lips_and_never_the_anchors():
    shapes = talking(120)
    code = learn_mouth_code(shapes, mouth_params(shapes))
    values = code.encode(shapes)
    moved = code.displacement(values[[10]] - values[[3]])[0]
    expected = (shapes[10] - shapes[3])[WARP_POINTS]
    anchored = np.isin(WARP_POINTS, ANCHORS)
    assert np.abs(moved[anchored]).max() == 0
    lips = np.isin(WARP_POINTS, LIPS)
    assert np.abs(moved[lips] - expected[lips]).max() < 0.01


def test_ridge_recovers_a_linear_map_with_its_constant():
    random = np.random.default_rng(4)
    inputs, weights = random.standard_normal((200, 3)), random.standard_normal((3, 2))
    found = ridge(inputs, inputs @ weights + [1.0, -2.0], 1e-6)
    np.testing.assert_allclose(found, np.r_[weights, [[1.0, -2.0]]], atol=1e-5)


@pytest.mark.parametrize("frames", [5, 6, 40])
def test_smoothing_is_that_of_savitzky_and_golay(frames):
    rows = np.random.default_rng(4).normal(300, 5, (frames, 7, 3))
    np.testing.assert_allclose(smoothed(rows), savgol_filter(rows, 5, 2, axis=0), atol=1e-9)
    single = smoothed(rows.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, smoothed(rows), atol=1e-3)


def test_the_engine_starts_without_the_heavy_parts_of_scipy():
    loaded = "import sys, apps.inference.engine.pipeline; print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    assert not {"scipy.signal", "scipy.interpolate", "scipy.stats", "scipy.optimize"} & set(modules)
