"""Segmentations of Slicer's in a folder of plain volumes: label maps."""

from __future__ import annotations

from pathlib import Path

import nrrd
import numpy as np
import pytest
import SimpleITK

from helpers.peers import ServerInThread
from helpers.volume_files import VOXELS
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.sources.plain_volumes.folder import PlainVolumeSource
from IGTLMetaBrowserLib.sources.plain_volumes.volume_file import read_label_map


def test_a_segmentation_of_slicer_is_a_label_map(tmp_path: Path):
    labels = (VOXELS % 3).astype(np.uint8)
    header = {
        "space": "left-posterior-superior",
        "space directions": np.eye(3),
        "Segment0_ID": "Segment_1",
        "Segment0_LabelValue": "1",
        "Segment0_Name": "Tumor",
        "Segment0_Color": "1 0.5 0",
        "Segment1_ID": "Segment_2",
        "Segment1_LabelValue": "2",
        "Segment1_Name": "Skull",
        "Segment1_Color": "0 0 1",
    }
    nrrd.write(str(tmp_path / "plan.seg.nrrd"), labels, header, index_order="C")
    with ServerInThread(PlainVolumeSource(tmp_path)) as server, server.client() as client:
        assert client.list_images() == []
        items = client.wait(client.ask("LBMETA")).items
        assert [(item.name, item.label, item.rgba) for item in items] == [
            ("Tumor", 1, (255, 128, 0, 255)),
            ("Skull", 2, (0, 0, 255, 255)),
        ]
        np.testing.assert_array_equal(client.get_image(items[0].id).pixels, labels)


def test_a_structure_of_a_large_number_has_its_name_when_it_is_stored(tmp_path: Path):
    """Atlases have them; a list of label maps (LBMETA) has a byte for the number."""
    path = tmp_path / "atlas.seg.nrrd"
    labels = SimpleITK.GetImageFromArray(np.full((2, 3, 4), 1035, np.uint16))
    for field, value in {"ID": "1", "LabelValue": "1035", "Name": "Insula"}.items():
        labels.SetMetaData(f"Segment0_{field}", value)
    SimpleITK.WriteImage(labels, str(path))
    assert [(one.name, one.label) for one in read_label_map(path).structures] == [("Insula", 1035)]
    assert not PlainVolumeSource(tmp_path).label_maps()


@pytest.mark.parametrize(
    ("field", "value"),
    [("LabelValue", "abc"), ("LabelValue", "9" * 5000), ("Color", "nan 0 0"), ("Color", "1 0")],
)
def test_a_segmentation_whose_segments_make_no_sense_is_refused(tmp_path: Path, field, value):
    labels = SimpleITK.GetImageFromArray(np.ones((2, 3, 4), np.uint8))
    labels.SetMetaData("Segment0_ID", "1")
    labels.SetMetaData(f"Segment0_{field}", value)
    SimpleITK.WriteImage(labels, str(tmp_path / "bad.seg.nrrd"))
    source = PlainVolumeSource(tmp_path)
    assert not source.label_maps()
    ((_, reason),) = source.refused
    assert reason.startswith("its segments cannot be read")
    assert len(reason) < 200


def test_colors_beyond_the_brightest_can_be_sent(tmp_path: Path):
    labels = SimpleITK.GetImageFromArray(np.ones((2, 3, 4), np.uint8))
    labels.SetMetaData("Segment0_ID", "1")
    labels.SetMetaData("Segment0_Color", "5 0.5 -1")
    SimpleITK.WriteImage(labels, str(tmp_path / "bright.seg.nrrd"))
    (item,) = PlainVolumeSource(tmp_path).label_maps()
    assert item.rgba == (255, 128, 0, 255)
    assert codec.pack(codec.LabelMetaMessage(items=[item]))
