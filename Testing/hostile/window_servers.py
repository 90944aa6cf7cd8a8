"""Servers for a window at random: they end, come again with other images, push, and lie.

Most are driven by Qt's event loop, in this process, so that the same order gives the same end.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from helpers.long_lists import LongListSource
from helpers.peers import TRAJECTORY, ServerInThread, make_image
from helpers.plans import PlanSource, line
from helpers.reserved_port import ReservedPort
from helpers.searchable import Searchable
from hostile.conversation import IMAGES, Archive
from hostile.fault_proxy import FaultProxy
from hostile.soak_peers import fault_of_connection, streaming
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.ui.endpoints.endpoint import Endpoint

MOVED = np.array([[0.0, 0.0, 1.0, -7.0], [1.0, 0.0, 0.0, 3.0], [0.0, 1.0, 0.0, 0.0]])
"""Where the images of the second archive are."""
CHANGED = {
    "CT1": make_image(50_000, (4, 3, 2), "CT1"),
    "MR7": make_image(7, (32, 24, 16), "MR7"),  # no id of another server: images are known by these
}
for _image in CHANGED.values():
    _image.matrix = MOVED
TRUTH = {
    image_id: [images[image_id] for images in (IMAGES, CHANGED) if image_id in images]
    for image_id in (*IMAGES, *CHANGED)
}
"""All images that an id can stand for, as a volume of the server before may still be there."""


class Annotated(Archive):
    """The archive with a label map of an image, points and a color table."""

    def label_maps(self) -> list[codec.LabelMetaItem]:
        """Return a label map of CT1."""
        size = IMAGES["CT1"].whole_size
        return [codec.LabelMetaItem("Skull", "SKULL", 1, (230, 200, 60, 255), size, "CT1")]

    def image(self, image_id: str) -> codec.ImageMessage:
        """Return an image or the label map, or refuse."""
        if image_id != "SKULL":
            return super().image(image_id)
        ct = IMAGES["CT1"]
        labels = (np.asarray(ct.pixels) % 2).astype(np.uint8)
        return codec.ImageMessage.from_ijk_to_ras(labels, ct.ijk_to_ras())

    def points(self) -> list[codec.PointItem]:
        """Return two points."""
        places = {"Nasion": (0.0, 88.0, 10.0), "Ear": (-75.0, 0.0, 0.0)}
        return [
            codec.PointItem(name, "Fiducials", position=place, diameter=1.0, owner="CT1")
            for name, place in places.items()
        ]


class Changed:
    """What comes in the place of the archive: of its ids one is gone, and one is another image."""

    def images(self) -> Sequence[codec.ImageMetaItem]:
        """Return the list."""
        return [
            codec.ImageMetaItem(
                f"Another {id_}", id_, "MR", "Doe, Jane", "4711", size=one.whole_size, scalar_type=5
            )
            for id_, one in CHANGED.items()
        ]

    def image(self, image_id: str) -> codec.ImageMessage:
        """Return an image, or refuse."""
        if image_id not in CHANGED:
            raise net.SourceError(f"there is no image {image_id!r} here")
        return CHANGED[image_id]

    def trajectories(self) -> Sequence[codec.TrajectoryItem]:
        """Return the same trajectory elsewhere, and another one."""
        return [replace(TRAJECTORY, target=(1.0, 2.0, 3.0)), replace(TRAJECTORY, name="Right")]


class Replaceable(Endpoint):
    """A server that can end, and come again at its ``port`` with the next of its sources.

    ``starts``: how often it has come. ``images``: those that it has now, by id.
    """

    def __init__(self, *sources: Callable[[], Any]) -> None:
        super().__init__()
        self._reserved = ReservedPort()
        self.port = self._reserved.number
        self._sources = itertools.cycle(sources)
        self.starts = 0
        self.source: Any = None

    @property
    def is_running(self) -> bool:
        """Whether it listens."""
        return self.address is not None

    def start(self) -> None:
        """Listen, if it does not yet."""
        if not self.is_running:
            self.starts += 1
            self.source = next(self._sources)()
            self._serve(net.Server(self.source, port=self.port))

    def close(self) -> None:
        """End, for good."""
        self.stop()
        self._reserved.close()


class Running:
    """A server that runs all the time, at ``port``."""

    def __init__(self, port: int) -> None:
        self.port = port


@contextmanager
def all_servers() -> Iterator[dict[str, Any]]:
    """Yield the servers by name; those that can end are ``Replaceable``."""
    with ExitStack() as stack:
        servers: dict[str, Any] = {
            "archive": Replaceable(Annotated, Changed),
            "plans": Replaceable(_plans),
            "long list": Replaceable(lambda: LongListSource(300)),
            "search": Replaceable(Searchable),
        }
        for server in servers.values():
            server.start()
            stack.callback(server.close)
        server = stack.enter_context(ServerInThread(Archive(), is_waited_for=False))
        proxy = stack.enter_context(FaultProxy(server.port, fault_of_connection))
        servers["faulty"] = Running(proxy.port)
        servers["stream"] = Running(stack.enter_context(streaming(0.05)))
        yield servers


def _plans() -> PlanSource:
    return PlanSource([line(f"Plan {number}", entry=(number, 20, 130)) for number in range(20)])
