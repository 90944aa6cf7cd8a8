"""A clinic that writes the name of its patient into the IDs of images, and a browser of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from helpers.one_patient import Clinic, connect, get_overlays
from helpers.peers import ServerInThread
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser

IMAGE, LABELS, GROUP = "0 Smith", "L of Smith", "Plan of Smith"


class ClinicWithNames(Clinic):
    """All but the names of the plan, the point and the label map says who the patient is."""

    planned = codec.TrajectoryType.ENTRY_AND_TARGET

    def images(self):
        return [replace(entry, id=IMAGE) for entry in super().images()]

    def image(self, image_id):
        return super().image("0" if image_id == IMAGE else image_id)

    def label_maps(self):
        return [replace(one, id=LABELS, owner=IMAGE) for one in super().label_maps()]

    def trajectories(self):
        return [
            replace(one, group=GROUP, owner=IMAGE, type=self.planned)
            for one in super().trajectories()
        ]

    def points(self):
        return [replace(one, owner=IMAGE) for one in super().points()]


@pytest.fixture
def clinic() -> Clinic:
    return ClinicWithNames()


@pytest.fixture
def loaded(unconnected: Browser, clinic_server: ServerInThread) -> Iterator[Browser]:
    """A browser that has the image, and all that belongs to it."""
    connect(unconnected, clinic_server).list_images()
    unconnected.load_image(IMAGE)
    get_overlays(unconnected, LABELS)
    yield unconnected
    unconnected.patients.hide(False)
