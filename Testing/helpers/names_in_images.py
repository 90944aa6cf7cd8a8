"""A clinic whose images are called after their patient."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.one_patient import Clinic, connect
from helpers.peers import ServerInThread
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser

NOBODY = {"patient_id": "", "patient_name": ""}


class ClinicWithNames(Clinic):
    """Its image is called after its patient, and it does not say at once who that is."""

    def __init__(self, is_said: bool = True) -> None:
        super().__init__()
        self.is_listed = is_said

    def images(self) -> list[codec.ImageMetaItem]:
        (entry,) = super().images()
        head = replace(entry, name="Head of Smith", **NOBODY)
        return [head, replace(entry, id="1")] if self.is_listed else [head]


@pytest.fixture
def clinic() -> ClinicWithNames:
    return ClinicWithNames()


def load(browser: Browser, server: ServerInThread, image_id: str = "0"):
    connect(browser, server).list_images()
    return browser.load_image(image_id)
