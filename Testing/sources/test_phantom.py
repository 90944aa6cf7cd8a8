"""The head phantom: its anatomy lies where a clinician expects it."""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib.sources import phantom

SIZE = (100, 120, 110)
AIR, BRAIN, FLUID, MARKER = (
    phantom.CONTRAST["CT"][tissue] for tissue in ("air", "gray matter", "fluid", "marker")
)


def head_volume(
    modality: str, size: tuple[int, int, int], ijk_to_ras: np.ndarray, edge: float = 1.0
) -> np.ndarray:
    """The phantom as shape (k, j, i)."""
    volume = np.empty(size[::-1], dtype=np.float32)
    for _ in phantom.paint_head(volume, modality, ijk_to_ras, edge):
        pass
    return volume


@pytest.fixture(scope="module")
def ct():
    """The phantom in CT, 2 mm voxels along R, A and S, and a function that reads it at a point."""
    ijk_to_ras = np.diag([2.0, 2.0, 2.0, 1.0])
    ijk_to_ras[:3, 3] = -(np.array(SIZE) - 1)
    volume = head_volume("CT", SIZE, ijk_to_ras)

    def at(r: float, a: float, s: float) -> float:
        i, j, k = np.rint((np.array([r, a, s]) - ijk_to_ras[:3, 3]) / 2).astype(int)
        return float(volume[k, j, i])

    return volume, at


def test_the_marker_is_at_the_patients_left(ct):
    _, at = ct
    left = -77
    assert at(left, 0, 0) == MARKER
    assert at(-left, 0, 0) == AIR


def test_the_nose_is_in_front(ct):
    _, at = ct
    assert at(0, 102, -34) > AIR + 900
    assert at(0, -102, -34) == AIR


def test_the_head_has_a_humans_size(ct):
    volume, _ = ct
    widths = [2 * np.any(volume > -500, axis=axes).sum() for axes in ((0, 1), (0, 2), (1, 2))]
    assert widths == pytest.approx([156, 202, 186], abs=6)  # with ears, marker and nose


def test_the_larger_ventricle_is_at_the_patients_left(ct):
    volume, _ = ct
    in_ventricles = volume[30:60, 20:100, :] == FLUID
    patients_left, patients_right = in_ventricles[:, :, :50], in_ventricles[:, :, 50:]
    assert patients_left.sum() > 1.5 * patients_right.sum()


def test_skull_surrounds_the_brain(ct):
    _, at = ct
    for direction in np.vstack([np.eye(3), -np.eye(3)]):
        skin = np.array(phantom.skin_point((0.0, 0.0, 0.0), tuple(direction)))
        ray = [at(*(skin * share)) for share in np.linspace(0.9, 1.0, 40)]
        assert max(ray) > 600
    assert at(0, -30, 0) == BRAIN


@pytest.mark.parametrize("modality", ["CT", "MR", "PT"])
def test_each_voxel_has_the_value_of_the_last_ellipsoid_around_it(modality):
    """Against the plain definition, voxel by voxel, on an oblique grid that cuts the head off."""
    turned = np.linalg.qr(np.array([[-0.9, 0.2, 0.3], [0.3, -0.8, 0.2], [0.1, 0.3, 1.0]]))[0]
    ijk_to_ras = np.eye(4)
    ijk_to_ras[:3, :3] = turned * [7.0, 5.0, 6.0]
    ijk_to_ras[:3, 3] = -ijk_to_ras[:3, :3] @ (10.0, 18.0, 12.0)
    volume = head_volume(modality, (24, 36, 20), ijk_to_ras, edge=1e-3)

    expected = np.full(volume.shape, phantom.CONTRAST[modality]["air"])
    near_an_edge = np.zeros(volume.shape, bool)
    k, j, i = np.indices(volume.shape)
    points = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ ijk_to_ras.T
    for ellipsoid in phantom.HEAD:
        distance = np.linalg.norm(points @ ellipsoid.ras_to_unit_ball().T, axis=-1)
        expected[distance < 1] = phantom.CONTRAST[modality][ellipsoid.tissue]
        near_an_edge |= abs(distance - 1) < 2e-3
    assert near_an_edge.mean() < 0.05
    assert np.array_equal(volume[~near_an_edge], expected[~near_an_edge].astype(np.float32))


def test_an_ellipsoid_is_turned_from_right_towards_anterior():
    turned = phantom.Ellipsoid("bone", (0, 0, 0), (40, 10, 10), angle=30)
    tip = (40 * np.cos(np.pi / 6), 40 * np.sin(np.pi / 6), 0, 1)
    assert np.linalg.norm(turned.ras_to_unit_ball() @ tip) == pytest.approx(1)
