"""Label maps, points and trajectories of the reference library's programs, in a scene of Slicer."""

from __future__ import annotations

import os
import re
import subprocess
import time
from dataclasses import replace
from typing import Any

import numpy as np
import slicer
from vtkmodules.util.numpy_support import vtk_to_numpy

from helpers.peers import PATIENCE
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.scene.images.volumes import show_image
from IGTLMetaBrowserLib.scene.label_maps.label_map_set import LabelMapSet
from IGTLMetaBrowserLib.scene.markups.outgoing_markups import trajectory_item
from IGTLMetaBrowserLib.scene.markups.points import PointSet
from IGTLMetaBrowserLib.scene.markups.trajectory_set import TrajectorySet
from IGTLMetaBrowserLib.sources.scene import SceneSource
from interop import reference_library
from interop.reference_library import BuildExample

LABEL_0_FILE = 5


def get(client: net.Client, data_type: str) -> Any:
    """What a server answers to a query without a name."""
    return client.wait(client.ask(data_type))


def color_of_label(node: Any, label: int) -> tuple[int, ...]:
    rgba = [0.0] * 4
    node.GetDisplayNode().GetColorNode().GetColor(label, rgba)
    return tuple(round(255 * number) for number in rgba)


# Label maps


def test_a_label_map_of_the_image_database_server_is_listed_fetched_and_shown(
    scene: Any, database_port: int
):
    images: dict[str, Any] = {}
    label_maps = LabelMapSet(scene, images.get)
    with net.Client("127.0.0.1", database_port) as client:
        label_maps.receive(get(client, "LBMETA").items)
        assert [(one.id, one.name, one.owner) for one in label_maps.listed] == [
            ("LABEL_0", "LABEL_DESCRIPTION_0", "IMAGE_0"),
            ("LABEL_1", "LABEL_DESCRIPTION_1", "IMAGE_1"),
            ("LABEL_2", "LABEL_DESCRIPTION_2", "IMAGE_2"),
        ]
        images["IMAGE_0"] = show_image(scene, client.get_image("IMAGE_0"), "Image 0")
        node = label_maps.show("LABEL_0", client.get_image("LABEL_0"))
    assert node.GetClassName() == "vtkMRMLLabelMapVolumeNode"
    assert node.GetName() == "LABEL_DESCRIPTION_0"
    voxels = vtk_to_numpy(node.GetImageData().GetPointData().GetScalars())
    assert voxels.tobytes() == reference_library.raw_image(LABEL_0_FILE)
    assert node.GetSpacing() == (1, 1, 5)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    owner_item = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))
    assert hierarchy.GetItemDataNode(owner_item) is images["IMAGE_0"]


def test_the_colors_of_the_label_meta_server_are_those_of_the_label_map(
    scene: Any, build_example: BuildExample
):
    program = build_example("ImageMeta/LabelMetaServer")
    with (
        reference_library.running(program) as port,
        net.Client("127.0.0.1", port) as client,
    ):
        items = get(client, "LBMETA").items
    label_maps = LabelMapSet(scene)
    label_maps.receive(items)
    # This server has no images: the labels are as it lists them.
    voxels = np.arange(4, dtype=np.uint8).reshape(1, 2, 2)
    nodes = [label_maps.show(f"LABEL_{n}", codec.ImageMessage(voxels)) for n in range(3)]
    assert [color_of_label(node, n + 1) for n, node in enumerate(nodes)] == [
        (255, 0, 0, 255),
        (0, 255, 0, 255),
        (0, 0, 255, 255),
    ]
    assert nodes[0].GetDisplayNode().GetColorNode().GetColorName(1) == "LABEL_DESCRIPTION_0"


class OneLabelMap(SceneSource):
    """A scene with an image and its label map."""

    def __init__(self, scene: Any) -> None:
        super().__init__(scene)
        pixels = np.zeros((2, 3, 4), np.uint8)
        pixels[0, 0] = 3
        images = {"A": show_image(scene, codec.ImageMessage(pixels), "MR")}
        label_maps = LabelMapSet(scene, images.get)
        label_maps.receive(
            [codec.LabelMetaItem("Tumor", "LABEL", 3, (255, 128, 0, 64), (4, 3, 2), "A")]
        )
        label_maps.show("LABEL", codec.ImageMessage(pixels))


def test_label_meta_client_prints_the_label_maps_of_our_scene(
    scene: Any, build_example: BuildExample
):
    program = build_example("ImageMeta/LabelMetaClient")
    with net.Server(OneLabelMap(scene), port=0) as server:
        lines = printed_by([program, "127.0.0.1", str(server.port)], server, line_count=9)
    printed = dict(re.split(r"\s*: ?", line.strip(), maxsplit=1) for line in lines if ":" in line)
    assert printed == {
        "Name": "Tumor",
        "DeviceName": "LabelMapVolume1",
        "Label": "3",
        "RGBA": "( 255, 128, 0, 64 )",
        "Size": "( 4, 3, 2)",
        "Owner": "ScalarVolume1",
    }


def printed_by(command: list[Any], server: net.Server, line_count: int) -> list[str]:
    """Serve a program until it has printed so many lines on stderr, and return them."""
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        end = time.monotonic() + PATIENCE
        # The scene stays in this thread, so the program's output is read in between.
        os.set_blocking(process.stderr.fileno(), False)
        text = b""
        while text.count(b"\n") < line_count:
            assert time.monotonic() < end, text
            server.step(0.01)
            text += process.stderr.read() or b""
        process.kill()
    return text.decode().splitlines()[:line_count]


# Points


def test_points_of_the_point_list_server_are_a_point_list(scene: Any, build_example: BuildExample):
    program = build_example("Point/PointListServer")
    points = PointSet(scene)
    with (
        reference_library.running(program) as port,
        net.Client("127.0.0.1", port) as client,
    ):
        for _ in range(2):
            points.receive(get(client, "POINT").items)
            points.finish()
    (node,) = points.nodes
    assert node.GetName() == "GROUP_0"
    assert [
        (node.GetNthControlPointLabel(n), tuple(node.GetNthControlPointPosition(n)))
        for n in range(3)
    ] == [("POINT_0", (10, 20, 30)), ("POINT_1", (40, 50, 60)), ("POINT_2", (70, 80, 90))]
    assert node.GetDisplayNode().GetSelectedColor() == (0, 0, 1)
    assert node.GetDisplayNode().GetGlyphSize() == 75


# Trajectories


def test_the_contradiction_in_what_the_trajectory_server_sends_is_noted(
    scene: Any, trajectory_port: int
):
    trajectories = TrajectorySet(scene)
    with net.Client("127.0.0.1", trajectory_port) as client:
        trajectories.receive(client.get_trajectories())
    trajectories.finish()
    assert [node.GetNumberOfControlPoints() for node in trajectories.nodes] == [1, 1, 1]
    assert trajectories.trajectories[0].notes == (
        "it also has the entry (10, 20, 30), which by its type is not planned",
    )
    assert trajectories.problems == []


def pushed_by(build_example: BuildExample, example: str, scene: Any) -> codec.Message:
    """What our server is told when a program of the library pushes its message to it."""
    taken: list[codec.Message] = []
    with net.Server(SceneSource(scene, taken.append), port=0) as server:
        command = [build_example(example), "127.0.0.1", str(server.port)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            end = time.monotonic() + PATIENCE
            while not taken:
                assert time.monotonic() < end, "nothing came"
                server.step(0.05)
            assert process.wait(PATIENCE) == 0
    (message,) = taken
    return message


def test_what_trajectory_client_pushes_is_shown(scene: Any, build_example: BuildExample):
    message = pushed_by(build_example, "Trajectory/TrajectoryClient", scene)
    assert message.device_name == "TrajectorySender"
    trajectories = TrajectorySet(scene)
    trajectories.receive(message.items)
    trajectories.finish()
    # The library's default type says that only the target is planned. By a slip in the program the
    # second target is set twice, and the third never.
    assert [
        (node.GetName(), tuple(node.GetNthControlPointPosition(0))) for node in trajectories.nodes
    ] == [
        ("TRAJECTORY_0", (20, 20, 40)),
        ("TRAJECTORY_1", (10, 40, 20)),
        ("TRAJECTORY_2", (0, 0, 0)),
    ]
    assert trajectories.trajectories[2].notes == (
        "it also has the entry (70, 80, 90), which by its type is not planned",
        "its target is the origin, as if it were not set",
    )
    displays = [node.GetDisplayNode() for node in trajectories.nodes]
    assert [display.GetGlyphSize() for display in displays] == [15, 45, 75]
    # What is planned goes out again as it came.
    sent = [trajectory_item(node) for node in trajectories.nodes]
    none = (0.0, 0.0, 0.0)
    assert sent == [replace(item, entry=none) for item in message.items]


def test_what_point_client_pushes_is_shown(scene: Any, build_example: BuildExample):
    message = pushed_by(build_example, "Point/PointClient", scene)
    points = PointSet(scene)
    points.receive(message.items)
    points.finish()
    # Three points of three colors and diameters
    assert [node.GetNthControlPointLabel(0) for node in points.nodes] == [
        "POINT_0",
        "POINT_1",
        "POINT_2",
    ]
    assert points.problems == []
