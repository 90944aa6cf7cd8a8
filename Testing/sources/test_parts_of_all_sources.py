"""Parts and thumbnails of whatever is served: they show what the whole image shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from helpers.peers import ServerInThread
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.sources.demo import DemoSource
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.plain_volumes.folder import PlainVolumeSource

VOXELS = np.arange(9 * 7 * 5, dtype=np.int16).reshape(9, 7, 5)
POSITIONS = [(-10, -20, 30 + 2 * number) for number in range(9)]


def demo(_tmp_path: Path, _write_series: Callable[..., Any]) -> net.Source:
    return DemoSource(seconds_a_turn=0.01)


def dicom_folder(tmp_path: Path, write_series: Callable[..., Any]) -> net.Source:
    write_series(tmp_path, POSITIONS)
    return DicomFolderSource(tmp_path, seconds_a_turn=0.01)


def plain_volumes(tmp_path: Path, _write_series: Callable[..., Any]) -> net.Source:
    nibabel.save(nibabel.Nifti1Image(VOXELS.T, np.eye(4)), tmp_path / "head.nii")
    return PlainVolumeSource(tmp_path)


def scene(_tmp_path: Path, _write_series: Callable[..., Any]) -> net.Source:
    slicer = pytest.importorskip("slicer")
    from IGTLMetaBrowserLib.scene.images.volumes import show_image
    from IGTLMetaBrowserLib.sources.scene import SceneSource

    scene = slicer.vtkMRMLScene()
    slicer.vtkMRMLApplicationLogic().SetMRMLScene(scene)
    show_image(scene, codec.ImageMessage.from_ijk_to_ras(VOXELS.copy(), np.eye(4)), "CT", "CT")
    return SceneSource(scene)


@pytest.mark.parametrize("make", [demo, dicom_folder, plain_volumes, scene])
def test_parts_are_those_of_the_image(
    make: Callable[..., net.Source], tmp_path: Path, write_series: Callable[..., Any]
):
    source = make(tmp_path, write_series)
    with ServerInThread(source) as server, server.client() as client:
        item = client.list_images()[-1]
        whole = client.get_image(item.id)
        slab = codec.GetImagePartMessage(
            start=(0, 0, 1),
            size=(0, 0, 2),
            encodings=(codec.PartEncoding.ZIGZAG_DELTAS,),
            device_name=item.id,
        )
        coarse = codec.GetImagePartMessage(stride=(2, 3, 2), device_name=item.id)
        parts = [client.get_image_part(request) for request in (slab, coarse)]
        thumbnail = client.get_thumbnail(item.id)
    for part in parts:
        assert np.array_equal(part.voxels(), whole.pixels[part.slices()])
        assert np.array_equal(part.whole_geometry().ijk_to_ras(), whole.ijk_to_ras())
        assert part.timestamp == whole.timestamp
    assert parts[0].tag == parts[1].tag == thumbnail.tag
    assert parts[0].metadata == whole.metadata
    assert len(thumbnail.planes) == 3
