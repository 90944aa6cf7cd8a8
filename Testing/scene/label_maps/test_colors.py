"""Color tables: each value of a volume is shown in the color of its entry."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from vtkmodules.util.numpy_support import vtk_to_numpy

from IGTLMetaBrowserLib.codec import ColorTableMessage, ImageMessage
from IGTLMetaBrowserLib.scene.errors import SceneError
from IGTLMetaBrowserLib.scene.images.volumes import show_image
from IGTLMetaBrowserLib.scene.label_maps.colors import (
    color_volume,
    set_rgba_table,
    stop_using_color_table,
)

RANDOM = np.random.default_rng(5)


def table(entries, dtype, components):
    """A table of random colors."""
    highest = np.iinfo(dtype).max
    return RANDOM.integers(0, highest, (entries, components), dtype, endpoint=True)


def shown_colors(volume):
    """The colors, 0 to 255, in which a volume's voxels are shown: an array (voxels, 3)."""
    port = volume.GetDisplayNode().GetOutputImageDataConnection()
    port.GetProducer().Update()
    output = port.GetProducer().GetOutputDataObject(port.GetIndex())
    return vtk_to_numpy(output.GetPointData().GetScalars())[:, :3]


@pytest.fixture
def scene(scene):
    colors = slicer.vtkMRMLColorLogic()
    colors.SetMRMLScene(scene)  # adds the gray table that volumes begin with
    yield scene
    colors.SetMRMLScene(None)


@pytest.mark.parametrize("entries", [256, 65536])
@pytest.mark.parametrize(
    ("dtype", "components"),
    [("uint8", 1), ("uint16", 1), ("uint8", 3)],
    ids=["gray8", "gray16", "rgb"],
)
def test_every_value_has_the_color_of_its_entry(scene, entries, dtype, components):
    colors = table(entries, dtype, components)
    values = np.arange(entries, dtype="uint8" if entries == 256 else "uint16")
    volume = show_image(scene, ImageMessage(values.reshape(1, -1, 256)), "Values")
    color_volume(scene, volume, ColorTableMessage(colors))

    expected = colors >> 8 if dtype == "uint16" else colors
    assert np.array_equal(shown_colors(volume), np.broadcast_to(expected, (entries, 3)))


def test_values_beyond_the_table_have_the_color_of_its_ends(scene):
    colors = table(256, "uint8", 3)
    values = np.array([[[-1000, 0, 255, 3000]]], np.int16)
    volume = show_image(scene, ImageMessage(values), "CT")
    color_volume(scene, volume, ColorTableMessage(colors))
    assert np.array_equal(shown_colors(volume), colors[[0, 0, 255, 255]])


def test_a_table_that_comes_again_changes_the_colors_of_those_that_use_it(scene):
    values = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    volume = show_image(scene, ImageMessage(values), "Values")
    node = color_volume(scene, volume, ColorTableMessage(table(256, "uint8", 3)))
    colors = table(256, "uint8", 3)
    assert color_volume(scene, volume, ColorTableMessage(colors)) is node
    assert np.array_equal(shown_colors(volume), colors)


def test_a_volume_is_shown_as_before_when_the_table_is_not_wanted_any_more(scene):
    values = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    volume = show_image(scene, ImageMessage(values), "Values")
    before = shown_colors(volume).copy()
    assert np.ptp(before) > 200  # a ramp of gray
    for _ in range(2):  # using it twice does not hide how it was before
        color_volume(scene, volume, ColorTableMessage(table(256, "uint8", 3)))
    assert not np.array_equal(shown_colors(volume), before)
    stop_using_color_table(volume)
    stop_using_color_table(volume)
    assert np.array_equal(shown_colors(volume), before)


def test_a_color_image_has_its_own_colors(scene):
    image = ImageMessage(np.zeros((2, 2, 2, 3), np.uint8))
    volume = show_image(scene, image, "Photo")
    count = scene.GetNumberOfNodes()
    with pytest.raises(SceneError, match="'Photo' cannot be shown in the colors of a table"):
        color_volume(scene, volume, ColorTableMessage(table(256, "uint8", 3)))
    assert scene.GetNumberOfNodes() == count


def test_names_have_no_quotes_as_slicer_could_not_read_them_again(scene):
    node = scene.AddNewNodeByClass("vtkMRMLColorTableNode")
    set_rgba_table(node, np.zeros((2, 4), np.uint8), {1: 'Nerve "VII", a\\b'})
    assert node.GetColorName(1) == "Nerve 'VII', a/b"


def test_color_nodes_are_told_apart_and_name_nobody(scene):
    """The name of an image may be a patient's."""
    names = []
    for name in ("Smith before", "Smith after"):
        volume = show_image(scene, ImageMessage(np.zeros((2, 3, 4), np.uint8)), name=name)
        names.append(
            color_volume(scene, volume, ColorTableMessage(table(8, np.uint8, 3))).GetName()
        )
    assert len({*names}) == 2
    assert not any("Smith" in name for name in names)
