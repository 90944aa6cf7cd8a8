"""One image of a patient with all that can belong to it, and a scene that has it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import slicer

from helpers.hospital import step_until_event
from helpers.peers import ServerInThread, make_image
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import LabelMapsListed, PointsShown
from IGTLMetaBrowserLib.scene.hidden_patients.patient_marks import PATIENT_ATTRIBUTE

# With a hyphen: MRML writes random letters and digits of its own beside them.
SMITH, JONES = ("P-1", "Smith"), ("P-2", "Jones")
NOBODY = ("", "")
KINDS = ["MarkupsLine", "MarkupsFiducial", "LabelMapVolume", "Segmentation"]


class Clinic:
    """One image of the patient who is there now, and a plan, a point and a label map in it."""

    def __init__(self) -> None:
        self.patient = SMITH
        self.is_said = False
        """Whether the image, too, says whose it is."""

    def images(self) -> list[codec.ImageMetaItem]:
        patient_id, name = self.patient
        uint16 = codec.ScalarType.UINT16
        return [
            codec.ImageMetaItem(
                "Head", "0", "CT", name, patient_id, size=(3, 2, 2), scalar_type=uint16
            )
        ]

    def image(self, image_id: str) -> codec.ImageMessage:
        if image_id != "0":
            return codec.ImageMessage.from_ijk_to_ras(np.ones((2, 2, 3), np.uint8), np.eye(4))
        image = make_image(1, (3, 2, 2), image_id)
        if not self.is_said:
            return image
        metadata = dict(zip(("PatientID", "PatientName"), self.patient, strict=True))
        return replace(image, header_version=2, metadata=metadata)

    def label_maps(self) -> list[codec.LabelMetaItem]:
        return [codec.LabelMetaItem("Tumor", "L", 1, (255, 0, 0, 255), (3, 2, 2), "0")]

    def trajectories(self) -> list[codec.TrajectoryItem]:
        return [codec.TrajectoryItem("Left", entry=(0, 0, 9), target=self.target, owner="0")]

    @property
    def target(self) -> tuple[float, float, float]:
        """Where the plan of the patient goes."""
        return (1.0, 0.0, 0.0) if self.patient == SMITH else (2.0, 0.0, 0.0)

    def points(self) -> list[codec.PointItem]:
        return [codec.PointItem("Nasion", "Points", position=self.target, diameter=1.0, owner="0")]


def connect(browser: Browser, server: ServerInThread) -> Browser:
    browser.connect(server.host, server.port)
    browser.wait_until_connected()
    return browser


def get_overlays(browser: Browser, label_map_id: str = "L") -> None:
    """Get the plan, the points and the label map, and make a segmentation of it."""
    events: list = []
    browser.add_observer(events.append)
    browser.load_trajectories()
    browser.overlays.request_points()
    step_until_event(browser, events, PointsShown)
    browser.overlays.request_label_maps()
    step_until_event(browser, events, LabelMapsListed)
    browser.load_image(label_map_id)
    browser.overlays.label_maps.show_segmentation(label_map_id)
    browser.remove_observer(events.append)


def owned_nodes(scene: slicer.vtkMRMLScene) -> list:
    """All lines, points, label maps and segmentations of a scene."""
    collections = [scene.GetNodesByClass(f"vtkMRML{kind}Node") for kind in KINDS]
    for collection in collections:
        collection.UnRegister(None)
    return [node for collection in collections for node in collection]


def marks(scene: slicer.vtkMRMLScene) -> set[str | None]:
    """What nodes say of the patient to whose image they belong."""
    return {node.GetAttribute(PATIENT_ATTRIBUTE) for node in owned_nodes(scene)}
