"""Parts of images: into the voxels of the volume that is there, or a new one around them."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec import ImageMessage
from IGTLMetaBrowserLib.scene.errors import SceneError
from IGTLMetaBrowserLib.scene.images import subvolumes
from IGTLMetaBrowserLib.scene.images.subvolumes import WholeInTurns
from IGTLMetaBrowserLib.scene.images.volumes import show_image, volume_around

WHOLE_SIZE = (6, 5, 4)
MATRIX = np.array([[2, 0, 0, 10], [0, 3, 0, 20], [0, 0, 5, 30]], float)


def whole(dtype="int16", components=()):
    shape = (*reversed(WHOLE_SIZE), *components)
    return (np.arange(np.prod(shape)).reshape(shape) + 1).astype(dtype)


def part(pixels, offset, size, whole_size=WHOLE_SIZE):
    """The voxels of ``pixels`` from ``offset`` on, both i, j, k, as they come from the network."""
    (i, j, k), (width, height, depth) = offset, size
    voxels = pixels[k : k + depth, j : j + height, i : i + width].copy()
    message = ImageMessage(voxels, MATRIX, size=whole_size, offset=offset)
    return codec.unpack(codec.pack(message))


def memory(node):
    data = node.GetImageData()
    values = vtk_to_numpy(data.GetPointData().GetScalars())
    return values.reshape(*reversed(data.GetDimensions()), *values.shape[1:])


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float64"])
@pytest.mark.parametrize("components", [(), (3,)], ids=["scalar", "vector"])
def test_a_first_part_makes_the_whole_volume(scene, dtype, components):
    pixels = whole(dtype, components)
    node = show_image(scene, part(pixels, (1, 2, 3), (4, 2, 1)), "US")
    voxels = memory(node)
    assert voxels.shape == pixels.shape
    assert voxels.dtype == pixels.dtype
    assert (voxels[3:4, 2:4, 1:5] == pixels[3:4, 2:4, 1:5]).all()
    voxels[3:4, 2:4, 1:5] = 0
    assert not voxels.any()


def test_its_geometry_is_that_of_the_whole_image(scene):
    complete = show_image(scene, ImageMessage(whole(), MATRIX), "complete")
    node = show_image(scene, part(whole(), (1, 2, 3), (4, 2, 1)), "part")
    assert node.GetOrigin() == complete.GetOrigin()
    assert node.GetSpacing() == complete.GetSpacing()


def test_all_parts_together_are_the_image_and_the_memory_stays_the_same(scene):
    pixels = whole()
    node = show_image(scene, part(pixels, (0, 0, 0), (6, 5, 2)), "US")
    voxels = memory(node)
    for offset, size in (((0, 0, 2), (3, 5, 2)), ((3, 0, 2), (3, 5, 2))):
        assert show_image(scene, part(pixels, offset, size), "US", node=node) is node
    assert np.shares_memory(voxels, memory(node))
    assert (voxels == pixels).all()


def test_a_part_goes_into_a_volume_that_came_whole(scene):
    node = show_image(scene, ImageMessage(whole(), MATRIX), "US")
    show_image(scene, part(-whole(), (2, 2, 2), (1, 1, 1)), "US", node=node)
    expected = whole()
    expected[2, 2, 2] *= -1
    assert (memory(node) == expected).all()


def test_around_a_part_that_lies_elsewhere_nothing_of_before_stays(scene):
    node = show_image(scene, ImageMessage(whole(), MATRIX), "US")
    moved = part(whole(), (1, 2, 3), (4, 2, 1))
    moved.matrix = moved.matrix.copy()
    moved.matrix[0, 3] += 0.1
    show_image(scene, moved, "US", node=node)
    assert (memory(node) != 0).sum() == 4 * 2 * 1


def test_views_hear_of_it(scene):
    node = show_image(scene, part(whole(), (0, 0, 0), (6, 5, 2)), "US")
    heard = set()
    node.AddObserver(node.ImageDataModifiedEvent, lambda *_: heard.add("image data"))
    node.AddObserver("ModifiedEvent", lambda *_: heard.add("node"))
    times = node.GetImageData().GetPointData().GetScalars().GetMTime()
    show_image(scene, part(whole(), (0, 0, 2), (6, 5, 2)), "US", node=node)
    assert heard == {"image data", "node"}
    assert node.GetImageData().GetPointData().GetScalars().GetMTime() > times


def test_window_and_level_are_those_of_the_part_and_then_the_users(scene):
    pixels = np.full((4, 5, 6), 1000, np.int16)
    pixels[0] = 900
    node = show_image(scene, part(pixels, (0, 0, 0), (6, 5, 2)), "US")
    display = node.GetDisplayNode()
    assert display.GetLevel() == pytest.approx(950)  # and not between 1000 and the zeros
    display.SetWindowLevel(123, 45)
    show_image(scene, part(pixels, (0, 0, 2), (6, 5, 2)), "US", node=node)
    assert (display.GetWindow(), display.GetLevel()) == (123, 45)


@pytest.mark.parametrize(
    "other",
    [
        ImageMessage(np.zeros((4, 5, 7), np.int16)),
        ImageMessage(np.zeros((4, 5, 6), np.uint16)),
        ImageMessage(np.zeros((4, 5, 6, 3), np.int16)),
    ],
    ids=["another size", "another type", "vectors"],
)
def test_a_part_of_another_image_makes_a_new_whole(scene, other):
    before = show_image(scene, other, "US")
    node = show_image(scene, part(whole(), (0, 0, 0), (6, 5, 2)), "US", node=before)
    voxels = memory(node)
    assert voxels.dtype == whole().dtype
    assert (voxels[:2] == whole()[:2]).all()
    assert not voxels[2:].any()
    if node is not before:
        assert before.GetScene() is None


def test_pixels_that_cannot_be_written_to_are_copied(scene):
    # A volume's voxels are written to: by the next part, and by Slicer's own modules.
    pixels = whole()
    pixels.flags.writeable = False
    node = show_image(scene, ImageMessage(pixels, MATRIX), "from bytes")
    show_image(scene, part(-whole(), (0, 0, 0), (1, 1, 1)), "US", node=node)
    assert memory(node)[0, 0, 0] == -1
    assert pixels[0, 0, 0] == 1


def test_one_voxel_of_an_impossible_image_costs_no_memory(scene):
    tiny = ImageMessage(np.ones((1, 1, 1), np.uint8), size=(65535, 65535, 65535))
    count = scene.GetNumberOfNodes()
    with pytest.raises(SceneError, match=r"281462092005375 bytes; the limit is"):
        show_image(scene, tiny, "bomb")
    assert scene.GetNumberOfNodes() == count


def around(node, image):
    """Make the whole image of a large part in turns, as ``show_image`` needs it."""
    whole = WholeInTurns(image, volume_around(node, image, None))
    for _ in whole.make():
        pass
    return whole


@pytest.fixture
def small_turns(monkeypatch):
    """Let parts of more than 15 bytes be large, and be copied 8 bytes a turn."""
    monkeypatch.setattr(subvolumes, "MOST_AT_ONCE", 15)
    monkeypatch.setattr(subvolumes, "_PIECE", 8)


@pytest.mark.usefixtures("small_turns")
@pytest.mark.parametrize("components", [(), (3,)], ids=["scalar", "vector"])
def test_a_large_part_is_put_into_its_image_in_turns_and_seen_when_it_is_whole(scene, components):
    before = whole(components=components)
    node = show_image(scene, ImageMessage(before.copy(), MATRIX), "US")
    large = part(-before, (1, 1, 1), (4, 2, 2))
    shown = []
    node.AddObserver("ModifiedEvent", lambda *_: shown.append(memory(node).copy()))
    turns = WholeInTurns(large, volume_around(node, large, None))
    for _ in turns.make():
        assert (memory(node) == before).all()
    show_image(scene, large, "US", node=node, prepared=turns)
    expected = before.copy()
    expected[1:3, 1:3, 1:5] *= -1
    assert shown
    assert all((seen == expected).all() for seen in shown)


@pytest.mark.usefixtures("small_turns")
def test_around_a_large_part_without_a_volume_all_is_zero(scene):
    large = part(whole(), (0, 0, 0), (6, 5, 2))
    node = show_image(scene, large, "US", prepared=around(None, large))
    assert (memory(node)[:2] == whole()[:2]).all()
    assert not memory(node)[2:].any()


def paint(scene, node):
    memory(node)[0, 0, 0] = 77
    node.GetImageData().GetPointData().GetScalars().Modified()
    return node


def get_other_voxels(scene, node):
    return show_image(scene, ImageMessage(7 * whole(), MATRIX), "US", node=node)


def be_removed(scene, node):
    scene.RemoveNode(node)


@pytest.mark.usefixtures("small_turns")
@pytest.mark.parametrize("change", [paint, get_other_voxels, be_removed])
@pytest.mark.parametrize("turns_before", [3, None], ids=["in between", "after all turns"])
def test_a_large_part_whose_volume_changes_meanwhile_is_refused_in_words(
    scene, change, turns_before
):
    node = show_image(scene, ImageMessage(whole(), MATRIX), "US")
    large = part(-whole(), (0, 0, 0), (6, 5, 2))
    turns = WholeInTurns(large, node)
    making = turns.make()
    for _ in islice(making, turns_before):
        pass
    known = change(scene, node)
    before = None if known is None else memory(known).copy()
    for _ in making:
        pass
    count = scene.GetNumberOfNodes()
    with pytest.raises(SceneError, match=r"these have changed or are no longer there; load the"):
        show_image(scene, large, "US", node=known, prepared=turns)
    assert scene.GetNumberOfNodes() == count
    assert known is None or (memory(known) == before).all()


@pytest.mark.usefixtures("small_turns")
def test_what_was_prepared_of_another_part_is_not_shown(scene):
    node = show_image(scene, ImageMessage(whole(), MATRIX), "US")
    first, second = (part(-whole(), (0, 0, k), (6, 5, 2)) for k in (0, 2))
    for prepared in (around(node, first), None):
        with pytest.raises(SceneError, match="a part of an image came that has 120 bytes"):
            show_image(scene, second, "US", node=node, prepared=prepared)
    assert (memory(node) == whole()).all()
