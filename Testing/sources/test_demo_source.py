"""The demo source: what it lists, and that its trajectories lie where their names say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.privacy.hidden_patients import HiddenPatients
from IGTLMetaBrowserLib.sources import phantom
from IGTLMetaBrowserLib.sources.demo import DemoSource

IMAGE_IDS = ["DEMO_CT", "DEMO_MR", "DEMO_PT"]


@pytest.fixture(scope="module")
def source():
    return DemoSource()


def value_at(image: codec.ImageMessage, point) -> float:
    """The voxel nearest to a RAS point."""
    i, j, k = np.rint(np.linalg.inv(image.ijk_to_ras()) @ (*point, 1))[:3].astype(int)
    return float(image.pixels[k, j, i])


def tissue(source: DemoSource, image_id: str, name: str) -> float:
    modality = next(item.modality for item in source.images() if item.id == image_id)
    return phantom.CONTRAST[modality][name]


def test_three_images_of_one_patient_are_listed(source):
    items = source.images()
    assert [(item.id, item.modality, item.scalar_type.name) for item in items] == [
        ("DEMO_CT", "CT", "INT16"),
        ("DEMO_MR", "MR", "UINT16"),
        ("DEMO_PT", "PT", "FLOAT32"),
    ]
    assert {item.size for item in items} == {(256, 256, 128)}
    assert len({item.patient_id for item in items}) == 1
    assert all(item.scan_time for item in items)


@pytest.mark.parametrize("image_id", IMAGE_IDS)
def test_an_image_is_what_the_list_says(source, image_id):
    item = next(item for item in source.images() if item.id == image_id)
    image = source.image(image_id)
    assert image.subvolume_size == item.size
    assert codec.ScalarType.of(image.pixels.dtype) == item.scalar_type
    assert image.timestamp == item.scan_time


@pytest.mark.parametrize("image_id", IMAGE_IDS)
def test_the_marker_is_at_the_patients_left_in_every_image(source, image_id):
    image = source.image(image_id)
    left = np.array(phantom.MARKER.center)
    assert left[0] < 0  # R of RAS
    marker, air = tissue(source, image_id, "marker"), tissue(source, image_id, "air")
    assert abs(value_at(image, left) - marker) < 0.25 * abs(marker - air)  # PET blurs it
    assert value_at(image, left * (-1, 1, 1)) == air


@pytest.mark.parametrize("image_id", IMAGE_IDS)
def test_the_whole_head_is_in_the_image(source, image_id):
    pixels = source.image(image_id).pixels
    for axis in range(3):
        for side in (0, -1):
            assert np.all(pixels.take(side, axis) == tissue(source, image_id, "air"))


@pytest.mark.parametrize("image_id", IMAGE_IDS)
@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("Tumor biopsy", "tumor"),
        ("Highest uptake", "tumor"),
        ("Left ventricle drain", "fluid"),
        ("Right ventricle drain", "fluid"),
        ("Left electrode", "gray matter"),
        ("Right electrode", "gray matter"),
    ],
)
def test_targets_lie_in_what_they_are_named_after(source, image_id, name, where):
    trajectory = next(item for item in source.trajectories() if item.name == name)
    image = source.image(image_id)
    assert value_at(image, trajectory.target) == tissue(source, image_id, where)


def test_entries_lie_on_the_skin(source):
    ct = source.image("DEMO_CT")
    for trajectory in source.trajectories():
        if trajectory.type == codec.TrajectoryType.TARGET:
            continue
        entry = np.array(trajectory.entry)
        outwards = entry / np.linalg.norm(entry)
        assert value_at(ct, entry + 3 * outwards) == -1000, trajectory.name
        assert value_at(ct, entry - 2 * outwards) > -100, trajectory.name


def test_left_and_right_are_named_as_the_patient_sees_them(source):
    for trajectory in source.trajectories():
        point = trajectory.entry if any(trajectory.entry) else trajectory.target
        if "Left" in trajectory.name:
            assert point[0] < 0
        if "Right" in trajectory.name:
            assert point[0] > 0


def test_trajectories_of_every_type_belong_to_images_of_the_list(source):
    trajectories = source.trajectories()
    assert {item.type for item in trajectories} == set(codec.TrajectoryType)
    assert {item.owner for item in trajectories} == set(IMAGE_IDS)
    assert min(item.diameter for item in trajectories) == 0.0
    assert max(item.diameter for item in trajectories) == 4.0


def test_everything_fits_on_the_wire(source):
    listing = codec.unpack(codec.pack(codec.ImageMetaMessage(items=list(source.images()))))
    assert listing.items == list(source.images())
    received = codec.unpack(codec.pack(source.image("DEMO_MR")))
    assert np.array_equal(received.pixels, source.image("DEMO_MR").pixels)
    assert received.ijk_to_ras() == pytest.approx(source.image("DEMO_MR").ijk_to_ras(), abs=1e-3)
    codec.pack(codec.TrajectoryMessage(items=list(source.trajectories())))


def test_an_answer_may_be_changed_without_changing_the_next_one(source):
    source.image("DEMO_CT").header_version = 2
    assert source.image("DEMO_CT").header_version == 1
    with pytest.raises(ValueError, match="read-only"):
        source.image("DEMO_CT").pixels[0] = 1


def test_an_unknown_id_is_refused_with_the_ids_there_are(source):
    with pytest.raises(SourceError, match=r"DEMO_XA.*DEMO_CT, DEMO_MR, DEMO_PT"):
        source.image("DEMO_XA")


def test_it_needs_nothing_but_numpy():
    """As in Slicer, which has no highdicom; nor is pydicom asked for."""
    root = Path(phantom.__file__).parents[2]
    program = (
        "import sys; sys.modules.update(dict.fromkeys(['pydicom', 'highdicom', 'vtk', 'slicer']));"
        "from IGTLMetaBrowserLib.sources.demo import DemoSource;"
        "print(DemoSource().image('DEMO_CT').pixels.shape)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "(128, 256, 256)"


def test_without_the_patients_name_all_else_can_be_read(source):
    patients = HiddenPatients()
    patients.is_hidden = True
    for item in source.images():
        patients.register(item.patient_name, item.patient_id)
        for text in (item.name, item.id, "A head phantom of the demo"):
            assert patients.redact(text) == text
