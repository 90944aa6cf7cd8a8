"""Whatever a server calls its images and plans, a scene with them can be saved and read again."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import slicer

from helpers.one_patient import get_overlays
from helpers.peers import ServerInThread, make_image
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.scene.images.sequence_nodes import new_sequence

# DICOM's series descriptions and structures have the first one often.
WORDS = "Head & Neck"
ANY_CHARACTERS = "\"<b>\" 'x' \x07\x1b\ufffe%"


class Source:
    """An image, a label map of it, a trajectory and a point, all with the same words."""

    def __init__(self, words: str) -> None:
        self.words = words

    def images(self) -> list[codec.ImageMetaItem]:
        texts = {"patient_name": self.words, "patient_id": self.words}
        return [codec.ImageMetaItem(self.words, "A&B", "CT", size=(3, 2, 2), **texts)]

    def image(self, image_id: str) -> codec.ImageMessage:
        if image_id == "A&B":
            return make_image(1, (3, 2, 2), image_id)
        return codec.ImageMessage.from_ijk_to_ras(np.ones((2, 2, 3), np.uint8), np.eye(4))

    def metadata(self, _image_id: str) -> dict[str, str]:
        return {"StudyDescription": self.words, "Vendor": self.words}

    def label_maps(self) -> list[codec.LabelMetaItem]:
        rgba = (255, 0, 0, 255)
        return [codec.LabelMetaItem(self.words, "LABELS", 1, rgba, (3, 2, 2), "A&B")]

    def trajectories(self) -> list[codec.TrajectoryItem]:
        place = {"entry": (0.0, 0.0, 9.0), "target": (0.0, 0.0, 0.0)}
        return [codec.TrajectoryItem(self.words, self.words, owner="A&B", **place)]

    def points(self) -> list[codec.PointItem]:
        return [codec.PointItem(self.words, self.words, position=(0, 0, 0), diameter=1.0)]


@pytest.fixture(params=[WORDS, ANY_CHARACTERS])
def filled(request, unconnected: Browser) -> Iterator[Browser]:
    """A browser that has brought all that such a server has into the scene."""
    with ServerInThread(Source(request.param)) as server:
        unconnected.connect(server.host, server.port)
        unconnected.wait_until_connected()
        unconnected.list_images()
        unconnected.load_image("A&B")
        get_overlays(unconnected, "LABELS")
        yield unconnected


def save(scene: slicer.vtkMRMLScene, folder: Path) -> Path:
    """Save a scene as into a MRB, each node's file called after its node; return its XML."""
    logic = slicer.vtkMRMLApplicationLogic()
    logic.SetMRMLScene(scene)
    assert logic.SaveSceneToSlicerDataBundleDirectory(str(folder))
    (file,) = folder.glob("*.mrml")
    return file


def test_a_saved_scene_can_be_read(filled: Browser, scene: slicer.vtkMRMLScene, tmp_path: Path):
    file = save(scene, tmp_path)
    written = {node.tag for node in ElementTree.parse(file).getroot()}
    assert written >= {"Volume", "LabelMapVolume", "Segmentation", "MarkupsLine", "MarkupsFiducial"}


def test_an_ampersand_in_a_name_becomes_a_plus(unconnected: Browser) -> None:
    with ServerInThread(Source(WORDS)) as server:
        unconnected.connect(server.host, server.port)
        unconnected.list_images()
        assert unconnected.load_image("A&B").GetName() == "Head + Neck"
        assert unconnected.images.listing.entries[0].name == WORDS


def test_the_index_of_a_sequence_can_be_saved(scene: slicer.vtkMRMLScene, tmp_path: Path) -> None:
    slicer.vtkSlicerSequencesLogic().SetMRMLScene(scene)
    new_sequence(scene, WORDS, ANY_CHARACTERS, f"<{WORDS}>", None)
    ElementTree.parse(save(scene, tmp_path))
