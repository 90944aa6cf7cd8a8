"""A 4D series that becomes a sequence, in the shortest turns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from helpers.peers import ImagesInMemory, ServerInThread, make_image
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.images import sequences as turns
from IGTLMetaBrowserLib.net.list_metadata.image_sequences import ImageSequence

IDS = tuple(f"TIME_{number}" for number in range(4))
TURNS = range(1, 3 * len(IDS) + 2)  # a frame, a volume and a display each


class Perfusion(ImagesInMemory):
    """Four images of one series, each of another shade."""

    def __init__(self) -> None:
        super().__init__({one: make_image(10 * number) for number, one in enumerate(IDS)})

    def images(self) -> list[codec.ImageMetaItem]:
        patient = {"patient_name": "Smith", "patient_id": "P-1021"}
        return [replace(one, name="Perfusion of Smith", **patient) for one in super().images()]

    def sequences(self) -> list[ImageSequence]:
        return [ImageSequence(IDS, "time", "s", tuple(map(str, range(len(IDS)))))]


@pytest.fixture
def loaded(unconnected: Browser, sequences: Any, monkeypatch: Any) -> Iterator[Browser]:
    """All images are in the scene; each turn of the sequence is as short as can be."""
    monkeypatch.setattr(turns, "_SECONDS_A_TURN", 0.0)
    with ServerInThread(Perfusion()) as server:
        unconnected.connect(server.host, server.port)
        unconnected.list_images()
        for image_id in IDS:
            unconnected.load_image(image_id)
        yield unconnected
        unconnected.disconnect()


def after(browser: Browser, number: int) -> None:
    """Begin to make the sequence, and do so many turns of it."""
    browser.images.sequences.request(IDS[:1])
    for _ in range(number):
        browser.images.sequences.work()
