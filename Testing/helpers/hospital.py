"""A hospital's images and trajectories for the tests of the browser, and what they look at."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import slicer

from helpers.patience import Patience
from helpers.peers import (
    PATIENCE,
    TRAJECTORY,
    Peer,
    Script,
    make_image,
    serve_well,
    wait_for_socket,
)
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.browser.browser import Browser

DRAIN = replace(TRAJECTORY, name="Drain", target=(1.0, 2.0, 3.0))
SMALL, LARGE = make_image(1), make_image(1, (64, 64, 64))

EventType = TypeVar("EventType")


class Hospital:
    """A ``net.Source``: MR and CT of one patient and a photograph of nobody.

    BROKEN is in the list, but cannot be read. Tests change the entries, images and trajectories.
    """

    def __init__(self) -> None:
        photo = codec.ImageMessage(np.zeros((1, 5, 6, 3), np.uint8))
        self.images_ = {"MR": make_image(1), "CT": make_image(2), "PHOTO": photo}
        self.trajectories_ = [TRAJECTORY, DRAIN]
        uint16, uint8 = codec.ScalarType.UINT16, codec.ScalarType.UINT8
        patient = {"patient_name": "Phantom, Head", "patient_id": "P1"}
        item = codec.ImageMetaItem
        self.entries = [
            item("Head T1", "MR", "MR", size=(4, 3, 2), scalar_type=uint16, **patient),
            item("Head", "CT", "CT", size=(4, 3, 2), scalar_type=uint16, **patient),
            item("Head", "BROKEN", "CT", size=(4, 3, 2), scalar_type=uint16, **patient),
            item("Photo", "PHOTO", "XC", size=(6, 5, 1), scalar_type=uint8),
        ]

    def images(self) -> list[codec.ImageMetaItem]:
        return self.entries

    def image(self, image_id: str) -> codec.ImageMessage:
        if image_id not in self.images_:
            raise net.SourceError(f"slice 7 of {image_id} is missing")
        return self.images_[image_id]

    def trajectories(self) -> list[codec.TrajectoryItem]:
        return self.trajectories_


# Scripts of servers


def slowly(image: codec.ImageMessage, go_on: threading.Event) -> Script:
    """Script: answer with an image, the last 20 bytes when ``go_on`` is set; then serve well."""

    def script(peer: Peer) -> None:
        data = codec.pack(replace(image, device_name=peer.receive().device_name))
        peer.send(data[:-20])
        assert go_on.wait(PATIENCE)
        peer.send(data[-20:])
        serve_well(peer)

    return script


def vanish(peer: Peer) -> None:
    """Script: leave in the middle of the first image."""
    image = replace(LARGE, device_name=peer.receive().device_name)
    peer.send(codec.pack(image)[:100_000])


def listing(*entries: codec.ImageMetaItem) -> bytes:
    """Return a list of images as it is sent."""
    return codec.pack(codec.ImageMetaMessage(items=list(entries)))


# What the tests look at


def of_type(events: Iterable[Any], event_type: type[EventType]) -> list[EventType]:
    return [event for event in events if isinstance(event, event_type)]


def step_until(browser: Browser, condition: Callable[[], bool], what: str) -> None:
    """Step a browser, as the window does, until a condition is met."""
    patience = Patience(PATIENCE)
    while not condition():
        assert not patience.is_over, f"waited in vain for {what}"
        wait_for_socket(browser)
        browser.step()


def step_until_event(browser: Browser, events: list, event_type: type, count: int = 1) -> Any:
    """Step until ``count`` events of a type have been told; return the last of them."""
    what = f"{count} {event_type.__name__}"
    step_until(browser, lambda: len(of_type(events, event_type)) >= count, what)
    return of_type(events, event_type)[count - 1]


def finish(browser: Browser) -> None:
    """Step until the queue is empty."""
    step_until(
        browser,
        lambda: not browser.queue and browser.images.downloads.current is None,
        "the queue's end",
    )


def voxels(node: Any) -> list[int]:
    """Return the first three voxels of a volume."""
    return slicer.util.arrayFromVolume(node).ravel()[:3].tolist()


def parents(node: Any) -> list[str]:
    """Return the names of what a node stands under in the subject hierarchy, nearest first."""
    hierarchy = node.GetScene().GetSubjectHierarchyNode()
    item, names = hierarchy.GetItemByDataNode(node), []
    while item and (item := hierarchy.GetItemParent(item)) != hierarchy.GetSceneItemID():
        names.append(hierarchy.GetItemName(item))
    return names


def points(node: Any) -> list[tuple[float, ...]]:
    """Return the two ends of a line, RAS mm."""
    return [tuple(node.GetNthControlPointPositionWorld(index)) for index in range(2)]
