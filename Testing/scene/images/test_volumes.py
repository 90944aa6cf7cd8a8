"""Images as volume nodes: pixels, gray values, and where the voxels lie."""

from __future__ import annotations

import gc
import itertools
import sys
import warnings
import weakref

import numpy as np
import pytest
import slicer
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec import Coordinates, ImageMessage
from IGTLMetaBrowserLib.codec.window_level import VoiWindow
from IGTLMetaBrowserLib.scene.errors import SceneError
from IGTLMetaBrowserLib.scene.images.sequence_nodes import make_browser, new_sequence
from IGTLMetaBrowserLib.scene.images.volumes import remove_in_turns, show_image


def ramp(dtype="int16", shape=(2, 3, 4)):
    """Pixels of shape (k, j, i), all different: 0, 1, 2 … with i fastest."""
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def node_pixels(node):
    """The node's own memory as numpy sees it, in the shape of the pixels of a message."""
    data = node.GetImageData()
    voxels = vtk_to_numpy(data.GetPointData().GetScalars())
    return voxels.reshape(*reversed(data.GetDimensions()), *voxels.shape[1:])


def node_matrix(node):
    matrix = vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def is_alive(reference):
    # A function, so that pytest has no array in its hands while it explains an assertion.
    return reference() is not None


def voxel_to_ras(node, i, j, k):
    return (node_matrix(node) @ (i, j, k, 1))[:3]


def gray_window(node):
    display = node.GetDisplayNode()
    return display.GetWindow(), display.GetLevel()


def turned(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


# Pixels


def test_the_node_shows_the_memory_of_the_message_without_a_copy(scene):
    image = ImageMessage(ramp())
    node = show_image(scene, image, "CT head")
    assert (node.GetClassName(), node.GetName()) == ("vtkMRMLScalarVolumeNode", "CT head")
    assert node.GetImageData().GetDimensions() == (4, 3, 2)
    assert np.shares_memory(image.pixels, node_pixels(node))
    assert node.GetImageData().GetScalarComponentAsDouble(1, 2, 1, 0) == 21  # (k·3 + j)·4 + i


def test_a_received_image_is_shown_without_a_copy_too(scene):
    data, receiver = codec.pack(ImageMessage(ramp())), codec.Receiver()
    receiver.get_buffer()[: len(data)] = data
    (received,) = receiver.buffer_updated(len(data))
    node = show_image(scene, received, "MR")
    assert np.shares_memory(received.pixels, node_pixels(node))
    assert (node_pixels(node) == ramp()).all()


def test_pixels_live_as_long_as_the_node_and_no_longer(scene):
    image = ImageMessage(ramp())
    pixels = weakref.ref(image.pixels)
    node = show_image(scene, image, "CT")
    del image
    gc.collect()
    assert is_alive(pixels)
    assert (node_pixels(node) == ramp()).all()

    scene.RemoveNode(node.GetDisplayNode())  # it sees the pixels, and outlives the volume node
    scene.RemoveNode(node)
    del node
    gc.collect()
    assert not is_alive(pixels)


def test_pixels_are_freed_when_the_node_gets_new_ones(scene):
    first = ImageMessage(ramp())
    old_pixels = weakref.ref(first.pixels)
    node = show_image(scene, first, "CT")
    del first
    assert show_image(scene, ImageMessage(ramp() + 1), "CT", node=node) is node
    gc.collect()
    assert not is_alive(old_pixels)
    assert (node_pixels(node) == ramp() + 1).all()


@pytest.mark.parametrize("scalar_type", codec.ScalarType, ids=lambda member: member.name)
@pytest.mark.parametrize("big_endian", [False, True])
def test_all_scalar_types_keep_their_values(scene, scalar_type, big_endian):
    extremes = (
        np.iinfo(scalar_type.dtype) if scalar_type.dtype.kind in "iu" else np.finfo(np.float32)
    )
    pixels = ramp(scalar_type.dtype)
    pixels[0, 0, :2] = extremes.min, extremes.max
    received = codec.unpack(codec.pack(ImageMessage(pixels, big_endian=big_endian)))
    shown = node_pixels(show_image(scene, received, scalar_type.name))
    assert shown.dtype == scalar_type.dtype
    assert (shown == pixels).all()


def test_an_array_in_foreign_byte_order_shows_its_values(scene):
    node = show_image(scene, ImageMessage(ramp(">i2")), "from a file")
    assert (node_pixels(node) == ramp()).all()


def test_an_array_that_is_not_contiguous_shows_its_values(scene):
    pixels = ramp(shape=(4, 3, 2)).transpose()
    assert (node_pixels(show_image(scene, ImageMessage(pixels), "turned")) == pixels).all()


# Vector images


@pytest.mark.parametrize(
    ("dtype", "components", "vector_type"),
    [
        ("uint8", 3, "ColorRGB"),
        ("uint8", 4, "ColorRGB"),  # MRML has no other name for RGBA
        ("float32", 3, "Undefined"),
        ("uint8", 2, "Undefined"),
    ],
)
def test_an_image_of_several_components_is_a_vector_volume(scene, dtype, components, vector_type):
    pixels = ramp(dtype, (2, 3, 4, components))
    node = show_image(scene, ImageMessage(pixels), "vectors")
    assert node.GetClassName() == "vtkMRMLVectorVolumeNode"
    assert node.GetVoxelVectorType() == getattr(node, f"VoxelVectorType{vector_type}")
    assert np.shares_memory(pixels, node_pixels(node))


def test_an_image_that_becomes_a_color_image_replaces_its_node(scene):
    gray = show_image(scene, ImageMessage(ramp()), "photo")
    count = scene.GetNumberOfNodes()
    color = show_image(scene, ImageMessage(ramp("uint8", (2, 3, 4, 3))), "photo", node=gray)
    assert gray.GetScene() is None
    assert color.GetClassName() == "vtkMRMLVectorVolumeNode"
    assert scene.GetNumberOfNodes() == count  # the display node went with it


def draw(node):
    """Return how many values a voxel has that Slicer's slice views would draw."""
    layer, slice_node = slicer.vtkMRMLSliceLayerLogic(), slicer.vtkMRMLSliceNode()
    layer.SetMRMLScene(node.GetScene())
    node.GetScene().AddNode(slice_node)
    layer.SetSliceNode(slice_node)
    layer.SetVolumeNode(node)
    producer = layer.GetImageDataConnection().GetProducer()
    producer.Update()
    return producer.GetOutputDataObject(0).GetNumberOfScalarComponents()


def player_of(scene, node):
    sequence = new_sequence(scene, "Sequence", "time", "s", 1e-6)
    sequence.SetDataNodeAtValue(node, "0")
    return make_browser(scene, sequence)[1]


@pytest.mark.usefixtures("sequences")
def test_an_image_of_any_number_of_components_is_drawn_without_errors(scene, capfd):
    """Also where it becomes one of another number, and where it is replayed."""
    colors = slicer.vtkMRMLColorLogic()  # as long as it lives, Slicer's color nodes are there
    colors.SetMRMLScene(scene)
    node = None
    for components in (3, 2, 4, 2):
        image = ImageMessage(ramp("int16", (2, 3, 4, components)))
        node = show_image(scene, image, "vectors", node=node)
        drawn = {draw(one) for one in (node, player_of(scene, node))}
        assert drawn == {4 if components == 2 else components + 1}  # with an opacity
    assert "ERR" not in capfd.readouterr().err


def test_a_saved_volume_of_two_components_that_has_the_display_of_vectors_is_drawn_again(scene):
    """As scenes have it that were saved before there was another one."""
    image = ImageMessage(ramp("int16", (2, 3, 4, 2)))
    before = show_image(scene, image, "vectors")
    display = scene.AddNewNodeByClass("vtkMRMLVectorVolumeDisplayNode")
    before.SetAndObserveDisplayNodeID(display.GetID())
    assert draw(show_image(scene, image, "vectors", node=before)) == 4


# Window and level


def test_a_ct_with_air_in_it_gets_a_soft_tissue_window(scene):
    pixels = np.linspace(-1000, 3000, 24).reshape(2, 3, 4).astype(np.int16)
    assert gray_window(show_image(scene, ImageMessage(pixels), "CT", "CT")) == (350, 40)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7, 7, 7], (1e-6, 7)),
        ([0] * 999 + [10], (10, 5)),  # the percentiles are alike, the values are not
        ([np.nan, 1, 3, np.inf], (1.98, 2)),
        ([np.nan, np.nan], (1, 0)),
    ],
    ids=["constant", "one bright voxel", "NaN and infinity", "only NaN"],
)
def test_odd_images_get_a_usable_window_and_level(scene, values, expected):
    pixels = np.array(values, np.float32).reshape(1, 1, -1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        node = show_image(scene, ImageMessage(pixels), "odd")
    assert gray_window(node) == pytest.approx(expected)


def test_pet_is_shown_in_inverted_gray_where_slicer_has_it(scene):
    colors = slicer.vtkMRMLColorLogic()  # as long as it lives, Slicer's color nodes are there
    colors.SetMRMLScene(scene)
    node = show_image(scene, ImageMessage(ramp("float32")), "PET", "PT")
    assert node.GetDisplayNode().GetColorNodeID() == "vtkMRMLColorTableNodeInvertedGrey"
    assert gray_window(node) == (23, 11.5)
    ct = show_image(scene, ImageMessage(ramp()), "CT", "CT")
    assert ct.GetDisplayNode().GetColorNodeID() == "vtkMRMLColorTableNodeGrey"


def test_the_window_of_the_header_is_that_of_the_display_node(scene):
    window = VoiWindow((12.0,), (5.0,))
    node = show_image(scene, ImageMessage(ramp()), "MR", "MR", voi_window=window)
    assert gray_window(node) == (5, 12)
    assert not node.GetDisplayNode().GetAutoWindowLevel()


def test_the_users_window_and_level_stay_when_new_pixels_come(scene):
    node = show_image(scene, ImageMessage(ramp()), "MR")
    node.GetDisplayNode().SetWindowLevel(123, 45)
    show_image(scene, ImageMessage(ramp() * 100), "MR", node=node)
    assert gray_window(node) == (123, 45)
    assert not node.GetDisplayNode().GetAutoWindowLevel()


# Geometry


def test_the_position_on_the_wire_is_the_center_of_the_image(scene):
    # 4 × 3 × 2 voxels of 2 × 3 × 5 mm around (10, 20, 30): the first voxel's center lies 1.5, 1 and
    # 0.5 voxels before that.
    matrix = np.array([[2, 0, 0, 10], [0, 3, 0, 20], [0, 0, 5, 30]], float)
    node = show_image(scene, ImageMessage(ramp(), matrix), "axial")
    assert voxel_to_ras(node, 0, 0, 0) == pytest.approx((7, 17, 27.5))
    assert voxel_to_ras(node, 3, 2, 1) == pytest.approx((13, 23, 32.5))
    assert node.GetSpacing() == pytest.approx((2, 3, 5))
    assert node.GetImageData().GetSpacing() == (1, 1, 1)
    assert node.GetImageData().GetOrigin() == (0, 0, 0)


def test_lps_is_turned_into_ras(scene):
    matrix = np.array([[2, 0, 0, 10], [0, 3, 0, 20], [0, 0, 5, 30]], float)
    node = show_image(scene, ImageMessage(ramp(), matrix, Coordinates.LPS), "LPS")
    assert voxel_to_ras(node, 0, 0, 0) == pytest.approx((-7, -17, 27.5))


@pytest.mark.parametrize("said", Coordinates)
@pytest.mark.parametrize("meant", Coordinates)
def test_what_the_user_says_overrules_the_message(scene, said, meant):
    matrix = np.array([[2, 0, 0, 10], [0, 3, 0, 20], [0, 0, 5, 30]], float)
    node = show_image(scene, ImageMessage(ramp(), matrix, said), "overruled", coordinates=meant)
    sign = -1 if meant is Coordinates.LPS else 1
    assert voxel_to_ras(node, 0, 0, 0) == pytest.approx((sign * 7, sign * 17, 27.5))


@pytest.mark.parametrize(
    "axes",
    [
        turned(30) * (0.5, 0.7, 3.0),
        turned(30) * (0.5, 0.7, -3.0),
        np.array([[0, 0, 2], [-1, 0, 0], [0, -1, 0]], float),
        turned(10) * (0.001, 1, 200),
    ],
    ids=["oblique", "left-handed", "sagittal", "very anisotropic"],
)
def test_the_volume_has_the_matrix_of_the_message(scene, axes):
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes, (-12.5, 40, 7)
    node = show_image(scene, ImageMessage.from_ijk_to_ras(ramp(), affine), "somewhere")
    np.testing.assert_allclose(node_matrix(node), affine, atol=1e-9)


def test_a_single_slice_without_a_third_axis_gets_a_normal_of_1_mm(scene):
    matrix = np.column_stack([(0, 2, 0), (0, 0, 3), (0, 0, 0), (10, 20, 30)]).astype(float)
    node = show_image(scene, ImageMessage(ramp(shape=(1, 3, 4)), matrix), "fluoroscopy")
    assert node_matrix(node)[:3, 2] == pytest.approx((1, 0, 0))
    assert voxel_to_ras(node, 0, 0, 0) == pytest.approx((10, 17, 27))


# Refusals

FLAT = np.column_stack([(1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 0, 0)]).astype(float)
NO_THIRD_AXIS = np.diag([1.0, 1, 0, 0])[:3]
REFUSED = {
    "no voxels": (ImageMessage(ramp(shape=(0, 3, 4))), "no voxels.*4, 3, 0"),
    "NaN": (ImageMessage(ramp(), np.full((3, 4), np.nan)), "geometry.*nan"),
    "infinite position": (
        ImageMessage(ramp(), np.column_stack([np.eye(3), (np.inf, 0, 0)])),
        "geometry",
    ),
    "coplanar": (ImageMessage(ramp(), FLAT), "span no space"),
    "no axes": (ImageMessage(ramp(), np.zeros((3, 4))), "span no space"),
    "two slices at one place": (ImageMessage(ramp(), NO_THIRD_AXIS), "span no space"),
    "a part of too much": (
        ImageMessage(ramp(), size=(65535, 65535, 9)),
        r"part.*\(65535, 65535, 9\).*the limit",
    ),
}


@pytest.mark.parametrize(("image", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_shown_is_refused_and_the_node_stays_as_it_was(scene, image, words):
    node = show_image(scene, ImageMessage(ramp()), "MR")
    matrix, modified, count = node_matrix(node), node.GetMTime(), scene.GetNumberOfNodes()
    with pytest.raises(SceneError, match=words):
        show_image(scene, image, "worse", node=node)
    assert (node_pixels(node) == ramp()).all()
    assert (node_matrix(node) == matrix).all()
    assert (node.GetName(), node.GetMTime()) == ("MR", modified)
    assert scene.GetNumberOfNodes() == count


@pytest.mark.parametrize(("image", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_leaves_no_node_behind(scene, image, words):
    count = scene.GetNumberOfNodes()
    with pytest.raises(SceneError, match=words):
        show_image(scene, image, "bad")
    assert scene.GetNumberOfNodes() == count


def calls_to_remove(scene, count: int) -> int:
    """Return how many calls it takes to remove volumes one after the other."""
    nodes = [show_image(scene, ImageMessage(pixels=ramp()), "CT") for _ in range(count)]
    calls = itertools.count()

    def note(_frame, event: str, _argument) -> None:
        if event in ("call", "c_call"):
            next(calls)

    sys.setprofile(note)
    try:
        for _ in remove_in_turns(scene, nodes):
            pass
    finally:
        sys.setprofile(None)
    assert scene.GetNumberOfNodesByClass("vtkMRMLVolumeDisplayNode") == 0
    return next(calls)


def test_a_thousand_volumes_are_not_looked_at_for_each_that_is_removed(scene):
    few = calls_to_remove(scene, 10)
    assert calls_to_remove(scene, 40) < 5 * few
