"""Voxel ↔ RAS from a DICOM file into the scene, compared with highdicom's own arithmetic.

A series is written, served as the command does, fetched over a socket and shown. Each voxel has a
value of its own, so that the pixel of a file can be found in the volume without any geometry. Where
highdicom says that the pixel lies, by the attributes of its file, there the scene must have it; and
a trajectory that is planned between two pixels must end in their voxels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import highdicom
import numpy as np
import pytest
from highdicom.spatial import PixelToReferenceTransformer
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from helpers.peers import ServerInThread
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.scene.images.volumes import show_image
from IGTLMetaBrowserLib.scene.markups.trajectory_set import TrajectorySet
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.trajectory_file import write_trajectories

ROWS, COLUMNS = 5, 7
# Numbers on the wire are float32: some millionths of a millimeter at these distances.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Geometry:
    """Where the slices of a series lie (LPS): DICOM's attributes of the first, and its next ones.

    ``row`` and ``column`` are the directions of ImageOrientationPatient, ``spacing`` is
    PixelSpacing (between rows, between columns), ``step`` the way from a slice to the next one.
    """

    row: tuple[float, float, float]
    column: tuple[float, float, float]
    spacing: tuple[float, float]
    step: tuple[float, float, float]
    position: tuple[float, float, float] = (-80.5, -120.25, 40.125)
    slices: int = 4

    def position_of(self, number: int) -> list[float]:
        return (np.array(self.position) + number * np.array(self.step)).tolist()

    @property
    def orientation(self) -> list[float]:
        return [*self.row, *self.column]


def turned(x: float, y: float, z: float) -> np.ndarray:
    """The matrix of a rotation about three axes, degrees."""
    result = np.eye(3)
    for axis, degrees in enumerate((x, y, z)):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        i, j = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(3)
        turn[i, i], turn[i, j], turn[j, i], turn[j, j] = c, -s, s, c
        result = turn @ result
    return result


OBLIQUE = turned(17, -23, 41)


def directions(matrix: np.ndarray) -> list[tuple[float, ...]]:
    return [tuple(matrix[:, axis].tolist()) for axis in range(3)]


def along(direction: tuple[float, ...], millimeters: float) -> tuple[float, ...]:
    return tuple(number * millimeters for number in direction)


LEFT, BACK, UP = directions(np.eye(3))
I_OBLIQUE, J_OBLIQUE, K_OBLIQUE = directions(OBLIQUE)
GEOMETRIES = {
    "axial": Geometry(LEFT, BACK, (1, 1), along(UP, 1)),
    "sagittal": Geometry(BACK, along(UP, -1), (1.5, 1.5), along(LEFT, 3)),
    "coronal": Geometry(LEFT, along(UP, -1), (1, 1), along(BACK, 2)),
    "anisotropic": Geometry(LEFT, BACK, (0.4, 0.9), along(UP, 5.5)),
    "oblique": Geometry(I_OBLIQUE, J_OBLIQUE, (1, 1), along(K_OBLIQUE, 1)),
    "oblique, anisotropic": Geometry(I_OBLIQUE, J_OBLIQUE, (0.4, 0.9), along(K_OBLIQUE, 5.5)),
    "slices the other way": Geometry(I_OBLIQUE, J_OBLIQUE, (0.4, 0.9), along(K_OBLIQUE, -5.5)),
    "a single slice": Geometry(I_OBLIQUE, J_OBLIQUE, (0.4, 0.9), along(K_OBLIQUE, 3), slices=1),
    "far away": Geometry(
        I_OBLIQUE, J_OBLIQUE, (0.4, 0.9), along(K_OBLIQUE, 5.5), (500.5, -900.25, 1200.125)
    ),
}


def write_slice(path: Path, geometry: Geometry, number: int) -> Dataset:
    """Write a slice in which all pixels of the series differ; return its dataset."""
    dataset = Dataset()
    dataset.SOPClassUID = MRImageStorage
    dataset.SOPInstanceUID = generate_uid()
    dataset.ensure_file_meta()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.Modality = "MR"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    dataset.FrameOfReferenceUID = "1.2.3.5"
    dataset.ImagePositionPatient = geometry.position_of(number)
    dataset.ImageOrientationPatient = geometry.orientation
    dataset.PixelSpacing = list(geometry.spacing)
    dataset.SliceThickness = float(np.linalg.norm(geometry.step))
    dataset.InstanceNumber = number + 1
    count = ROWS * COLUMNS
    pixels = np.arange(number * count, (number + 1) * count, dtype=np.uint16)
    dataset.set_pixel_data(
        pixels.reshape(ROWS, COLUMNS), "MONOCHROME2", 12, generate_instance_uid=False
    )
    dataset.save_as(path, enforce_file_format=True)
    return dataset


def ras_by_highdicom(dataset: Dataset) -> np.ndarray:
    """Where highdicom says that a slice's pixels lie: RAS mm of shape (rows · columns, 3)."""
    transformer = PixelToReferenceTransformer(
        dataset.ImagePositionPatient, dataset.ImageOrientationPatient, dataset.PixelSpacing
    )
    rows, columns = np.indices((ROWS, COLUMNS)).reshape(2, -1)
    return transformer(np.column_stack([columns, rows])) * (-1, -1, 1)


def voxels_by_value(node) -> dict[int, tuple[int, int, int]]:
    """The index (i, j, k) of each value in a volume."""
    data = node.GetImageData()
    voxels = vtk_to_numpy(data.GetPointData().GetScalars()).reshape(data.GetDimensions()[::-1])
    return {int(voxels[k, j, i]): (i, j, k) for k, j, i in np.ndindex(voxels.shape)}


def matrix_of(node, inverse: bool = False) -> np.ndarray:
    matrix = vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    if inverse:
        matrix.Invert()
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def applied(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:3, :3].T + matrix[:3, 3]


@pytest.fixture(params=GEOMETRIES.values(), ids=GEOMETRIES)
def geometry(request) -> Geometry:
    return request.param


@pytest.fixture
def slices(geometry: Geometry, tmp_path: Path) -> list[Dataset]:
    """The series, on disk."""
    return [
        write_slice(tmp_path / f"{number}.dcm", geometry, number)
        for number in range(geometry.slices)
    ]


def test_each_pixel_of_the_files_lies_in_the_scene_where_highdicom_has_it(scene, slices, tmp_path):
    with ServerInThread(DicomFolderSource(tmp_path)) as server, server.client() as client:
        (entry,) = client.list_images()
        node = show_image(scene, client.get_image(entry.id), "MR")

    expected = np.vstack([ras_by_highdicom(dataset) for dataset in slices])
    voxels = voxels_by_value(node)
    indices = np.array([voxels[value] for value in range(len(expected))])
    assert np.abs(applied(matrix_of(node), indices) - expected).max() < TOLERANCE
    # And back: from a place to the voxel.
    found = applied(matrix_of(node, inverse=True), expected)
    assert np.array_equal(np.rint(found), indices)
    assert np.abs(found - indices).max() < 1e-3


def test_a_trajectory_between_two_pixels_ends_in_their_voxels(scene, slices, tmp_path):
    places = np.vstack([ras_by_highdicom(dataset) for dataset in slices])
    entry_value, target_value = 3, len(places) - 5
    plan = codec.TrajectoryItem(
        name="Plan", entry=tuple(places[entry_value]), target=tuple(places[target_value])
    )
    write_trajectories(tmp_path / "trajectories.json", [plan])

    with ServerInThread(DicomFolderSource(tmp_path)) as server, server.client() as client:
        image = client.get_image(client.list_images()[0].id)
        items = client.get_trajectories()
    node = show_image(scene, image, "MR")
    trajectories = TrajectorySet(scene)
    trajectories.receive(items)
    trajectories.finish()

    (line,) = trajectories.nodes
    ends = np.array([line.GetNthControlPointPositionWorld(index) for index in range(2)])
    assert np.abs(ends - places[[entry_value, target_value]]).max() < TOLERANCE
    found = applied(matrix_of(node, inverse=True), ends)
    voxels = voxels_by_value(node)
    assert [tuple(index) for index in np.rint(found).astype(int).tolist()] == [
        voxels[entry_value],
        voxels[target_value],
    ]
    assert np.abs(found - np.rint(found)).max() < 1e-3


@pytest.mark.parametrize("coordinates", codec.Coordinates)
@pytest.mark.parametrize("handedness", [1, -1], ids=["right-handed", "left-handed"])
def test_a_volume_of_either_handedness_lies_where_highdicom_has_it(
    scene, geometry, handedness, coordinates
):
    pixels = np.arange(geometry.slices * ROWS * COLUMNS, dtype=np.uint16)
    volume = highdicom.Volume.from_attributes(
        array=pixels.reshape(geometry.slices, ROWS, COLUMNS),
        image_position=geometry.position,
        image_orientation=geometry.orientation,
        pixel_spacing=geometry.spacing,
        spacing_between_slices=float(np.linalg.norm(geometry.step)),
        coordinate_system="PATIENT",
    )
    if np.sign(np.linalg.det(volume.affine[:3, 2::-1])) != handedness:  # of i, j, k
        volume = volume.flip_spatial(0)
    assert np.sign(np.linalg.det(volume.affine[:3, 2::-1])) == handedness

    # highdicom's affine is of (k, j, i) and LPS; OpenIGTLink's of (i, j, k).
    affine = volume.affine[:, [2, 1, 0, 3]]
    ras = np.diag([-1, -1, 1, 1]) @ affine
    message = codec.ImageMessage.from_ijk_to_ras(volume.array, ras, coordinates=coordinates)
    node = show_image(scene, codec.unpack(codec.pack(message)), "MR")

    indices = np.indices(volume.array.shape).reshape(3, -1).T
    expected = volume.map_indices_to_reference(indices) * (-1, -1, 1)
    assert np.abs(applied(matrix_of(node), indices[:, ::-1]) - expected).max() < TOLERANCE
