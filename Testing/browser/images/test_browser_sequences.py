"""4D series and tilted volumes of a DICOM folder, from the files into a real scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import slicer
import vtk

from helpers import radiotherapy as study
from helpers.peers import ServerInThread
from helpers.perfusion import SECONDS, perfusion, slice_at
from helpers.turns import result_of
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.errors import BrowserError
from IGTLMetaBrowserLib.metadata.providers.standard import StandardProviders
from IGTLMetaBrowserLib.metadata.registry import MetadataProviders
from IGTLMetaBrowserLib.privacy.hidden_patients import HiddenPatients
from IGTLMetaBrowserLib.scene.errors import SceneError
from IGTLMetaBrowserLib.scene.images.image_nodes import ImageNodes
from IGTLMetaBrowserLib.scene.images.image_set import ImageSet
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

__all__ = ["perfusion"]


def connect(browser: Browser, server: ServerInThread) -> Browser:
    browser.connect(server.host, server.port)
    browser.wait_until_connected()
    browser.list_images()
    return browser


def test_the_list_tells_which_images_are_one_series(unconnected: Browser, perfusion: Path) -> None:
    with ServerInThread(DicomFolderSource(perfusion)) as server:
        browser = connect(unconnected, server)
        ids = tuple(entry.id for entry in browser.images.listing.entries)
        sequence = browser.images.sequences.of(ids[1])
        assert sequence == (ids, "time", "s", ("0", "1.5", "4"))
        # And each image tells it, whoever gets it with metadata.
        with server.client() as client:
            metadata = client.get_image(ids[2]).metadata
    said = {key: text for key, text in metadata.items() if key.startswith("Sequence")}
    assert said.pop("Sequence")
    assert said == {
        "SequenceNumber": "3",
        "SequenceLength": "3",
        "SequenceIndexName": "time",
        "SequenceIndexUnit": "s",
        "SequenceIndexValue": "4",
    }


def test_a_4d_series_becomes_a_sequence_that_slicer_replays(
    unconnected: Browser, scene, sequences, perfusion: Path
) -> None:
    with ServerInThread(DicomFolderSource(perfusion)) as server:
        browser = connect(unconnected, server)
        first = browser.images.listing.entries[0].id
        player = browser.load_sequence(first)
        ids = [entry.id for entry in browser.images.listing.entries]
        states = {browser.images.states.of(image_id).status.name for image_id in ids}
        assert browser.load_sequence(ids[2]) is player  # it is not loaded twice
    sequence = player.GetMasterSequenceNode()
    assert sequence.GetNumberOfDataNodes() == 3
    assert [float(sequence.GetNthIndexValue(n)) for n in range(3)] == list(SECONDS)
    assert (sequence.GetIndexName(), sequence.GetIndexUnit()) == ("time", "s")
    shown = player.GetProxyNode(sequence)
    for t in range(3):
        player.SetSelectedItemNumber(t)
        sequences.UpdateProxyNodesFromSequences(player)
        values = slicer.util.arrayFromVolume(shown)[:, 0, 0].tolist()
        assert values == [10 * t + 1, 10 * t + 2, 10 * t + 3]
    # The volumes of which it was made are gone: its own volume stands for all images.
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1
    assert states == {"LOADED"}
    # Nor are their display nodes there, which would keep the voxels once the sequence is removed.
    assert scene.GetNumberOfNodesByClass("vtkMRMLVolumeDisplayNode") == 1


def test_a_display_node_that_the_user_has_given_to_another_volume_stays(
    unconnected: Browser, scene, sequences, perfusion: Path
) -> None:
    with ServerInThread(DicomFolderSource(perfusion)) as server:
        browser = connect(unconnected, server)
        ids = [entry.id for entry in browser.images.listing.entries]
        display = browser.load_image(ids[1]).GetDisplayNode()
        own = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
        own.SetAndObserveDisplayNodeID(display.GetID())
        browser.load_sequence(ids[0])
        assert own.GetDisplayNode() is display


def test_hidden_patients_are_not_named_by_sequences(
    unconnected: Browser, scene, sequences, perfusion: Path
) -> None:
    """Nor in the frames, which are in a scene of their own; shown again, they are named again."""
    with ServerInThread(DicomFolderSource(perfusion)) as server:
        browser = connect(unconnected, server)
        entry = browser.images.listing.entries[0]
        player = browser.load_sequence(entry.id)
        names = (entry.patient_name, entry.patient_id)
        assert all(names)
        sequence = player.GetMasterSequenceNode()

        def seen() -> str:
            nodes = [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]
            nodes += [sequence.GetNthDataNode(number) for number in range(3)]
            texts = [node.GetAttribute(n) for node in nodes for n in node.GetAttributeNames() or ()]
            hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
            items = vtk.vtkIdList()
            hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), items, True)
            ids = [items.GetId(number) for number in range(items.GetNumberOfIds())]
            return repr([*texts, *map(hierarchy.GetItemName, ids), *(n.GetName() for n in nodes)])

        assert all(name in seen() for name in names)
        browser.patients.hide(True)
        assert [name for name in names if name in seen()] == [], seen()
        assert browser.images.states.of(entry.id).status.name == "LOADED"
        browser.images.adopt()
        assert browser.images.loaded_ids() == [one.id for one in browser.images.listing.entries]
        browser.patients.hide(False)
        assert all(name in seen() for name in names)


def test_an_image_of_no_series_is_no_sequence(unconnected: Browser, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        study.ct_slice(number).save_as(tmp_path / str(number), enforce_file_format=True)
    with ServerInThread(DicomFolderSource(tmp_path)) as server:
        browser = connect(unconnected, server)
        first = browser.images.listing.entries[0].id
        assert browser.images.sequences.of(first) is None
        with pytest.raises(BrowserError, match="not listed as a part of a sequence"):
            browser.load_sequence(first)


def test_a_tilted_volume_has_each_voxel_where_the_file_says(
    unconnected: Browser, tmp_path: Path
) -> None:
    """A tilted gantry moves each slice along its rows: the node's matrix is sheared, and exact."""
    positions = []
    for number in range(1, 6):
        dataset = slice_at(number, number)
        x, y, z = map(float, dataset.ImagePositionPatient)
        positions.append((x, y + 1.25 * number, z))
        dataset.ImagePositionPatient = list(positions[-1])
        dataset.save_as(tmp_path / str(number), enforce_file_format=True)
    spacing = [float(number) for number in dataset.PixelSpacing]
    with ServerInThread(DicomFolderSource(tmp_path)) as server:
        browser = connect(unconnected, server)
        (entry,) = browser.images.listing.entries
        node = browser.load_image(entry.id)
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    to_ras = slicer.util.arrayFromVTKMatrix(matrix)
    array = slicer.util.arrayFromVolume(node)
    order = [int(array[k, 0, 0]) - 1 for k in range(5)]
    for k, number in enumerate(order):
        for i, j in ((0, 0), (17, 99)):
            x, y, z = positions[number]
            lps = (x + i * spacing[1], y + j * spacing[0], z)
            ras = (to_ras @ (i, j, k, 1))[:3]
            np.testing.assert_allclose(ras, (-lps[0], -lps[1], lps[2]), atol=1e-3)


@pytest.fixture
def volumes(scene, sequences) -> ImageSet:
    """Three images, whose voxels are 0, 1 and 2."""
    known = StandardProviders(MetadataProviders(), lambda _image_id: None)
    volumes = ImageNodes(scene, known, HiddenPatients()).of("s:1")
    for number, image_id in enumerate("ABC"):
        pixels = np.full((2, 3, 4), number, np.int16)
        volumes.show(image_id, codec.ImageMessage.from_ijk_to_ras(pixels, np.eye(4)))
    return volumes


@pytest.mark.parametrize("values", [("1000", "0", "500"), ("9", "10", "1e0")])
def test_each_image_is_its_own_frame_whatever_the_order_of_the_values(volumes, values) -> None:
    """Slicer sorts frames by their numbers."""
    result_of(volumes.make_sequence([*"ABC"], "b-value", "s/mm2", values))
    for number, image_id in enumerate("ABC"):
        volumes.select_frame(image_id)
        shown = slicer.util.arrayFromVolume(volumes.node(image_id))
        assert shown.flat[0] == number


@pytest.mark.parametrize("values", [("1", "1.0", "2"), ("1", "two", "3"), ("1", "nan", "3")])
def test_values_that_are_the_same_or_no_numbers_make_no_sequence(scene, volumes, values) -> None:
    with pytest.raises(SceneError, match=r"value|numbers"):
        result_of(volumes.make_sequence([*"ABC"], "b-value", "s/mm2", values))
    assert all(volumes.volume(image_id) is not None for image_id in "ABC")
    assert scene.GetNumberOfNodesByClass("vtkMRMLSequenceNode") == 0


@pytest.mark.parametrize("removed", ["sequence", "volume", "player"])
def test_the_user_can_remove_each_node_of_a_sequence(
    unconnected: Browser, scene, sequences, perfusion: Path, removed: str
) -> None:
    """Slicer ended if one asked for the sequence while it was being removed."""
    with ServerInThread(DicomFolderSource(perfusion)) as server:
        browser = connect(unconnected, server)
        first = browser.images.listing.entries[0].id
        player = browser.load_sequence(first)
        sequence = player.GetMasterSequenceNode()
        nodes = {"sequence": sequence, "volume": player.GetProxyNode(sequence), "player": player}
        scene.RemoveNode(nodes[removed])
        assert browser.images.states.of(first).status.name == "NOT_LOADED"
