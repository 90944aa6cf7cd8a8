"""A server that sends parts of one image as a script says, and what tests look at in a scene."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from helpers.hospital import step_until, step_until_event
from helpers.peers import PATIENCE, Peer, Script, ScriptedServer
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import PreviewShown
from IGTLMetaBrowserLib.net.list_metadata.identity import SERVER

SIZE = (256, 128, 130)  # 8.5 MB: more than what is fetched as a whole at once
TAG = "0123456789abcdef0123456789abcdef"
TYPES = ["GET_IMGMETA", "IMGMETA", "GET_IMAGE", "IMAGE", "GET_IMGPART", "IMGPART"]

Respond = Callable[[Peer, codec.GetImagePartMessage, codec.ImagePartMessage], None]


def large_image(shade: int = 0) -> codec.ImageMessage:
    """Return an image with other numbers in all places, and a geometry of its own."""
    i, j, k = SIZE
    pixels = (np.arange(i * j * k, dtype=np.uint32) * 7 + shade).astype(np.uint16)
    ijk_to_ras = np.array([[-0.5, 0, 0, 60], [0, -0.4, 0.6, 30], [0, 0.3, 0.8, -40], [0, 0, 0, 1]])
    return codec.ImageMessage.from_ijk_to_ras(pixels.reshape(k, j, i), ijk_to_ras)


def send_part(peer: Peer, _query: codec.GetImagePartMessage, part: codec.ImagePartMessage) -> None:
    """Send a part as it should be."""
    peer.send(part)


def send_damaged(
    peer: Peer, _query: codec.GetImagePartMessage, part: codec.ImagePartMessage
) -> None:
    """Send a part of which one bit has changed on its way."""
    data = bytearray(codec.pack(part))
    data[-1] ^= 1
    peer.send(bytes(data))


def entry_of(image: codec.ImageMessage, image_id: str = "CT") -> codec.ImageMetaItem:
    """Return what a list says of an image."""
    scalar_type = codec.ScalarType.of(image.pixels.dtype)
    return codec.ImageMetaItem("Head", image_id, "CT", size=SIZE, scalar_type=scalar_type)


def part_of(
    image: codec.ImageMessage, query: codec.GetImagePartMessage, tag: str
) -> codec.ImagePartMessage:
    """Return the part of an image that is asked for."""
    start, size = query.box_in(image.whole_size)
    part = codec.ImagePartMessage(
        b"",
        codec.ScalarType.of(image.pixels.dtype),
        image.whole_size,
        start,
        size,
        query.stride,
        tag,
        matrix=image.matrix,
        coordinates=image.coordinates,
        device_name=query.device_name,
    )
    part.data = np.ascontiguousarray(image.pixels[part.slices()], "<u2").tobytes()
    return part


def parts_of(
    image: codec.ImageMessage,
    respond: Respond = send_part,
    tag: str = TAG,
    types: Sequence[str] | None = TYPES,
) -> Script:
    """Script: a server that lists an image as CT, sends parts of it, and the image as a whole.

    ``respond`` sends the part that was asked for, or something else; ``types`` are those that the
    server says it knows; None if it does not say.
    """

    def script(peer: Peer) -> None:
        while True:
            query = peer.receive()
            if isinstance(query, codec.GetImagePartMessage):
                respond(peer, query, part_of(image, query, query.tag or tag))
            elif query.type_name == "GET_CAPABIL":
                peer.send(*([] if types is None else [codec.CapabilityMessage(types=types)]))
            elif query.type_name == "GET_IMAGE":
                image.device_name = query.device_name
                peer.send(image)
            else:
                items = [entry_of(image)]
                answer = codec.ImageMetaMessage(items=items, header_version=2, metadata=SERVER)
                peer.send(answer)

    return script


def refuse(peer: Peer, query: codec.GetImagePartMessage) -> None:
    """Refuse a part, as our server does."""
    words = "the image has changed since the first part of it; load it again"
    status = codec.StatusMessage(codec.StatusCode.NOT_FOUND, 0, "", words)
    status.device_name = query.device_name
    peer.send(status)
    peer.send(codec.ReturnMessage("IMGPART", device_name=query.device_name))


class Gate:
    """Lets parts pass after the first ``count`` only when it is opened."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._is_open = threading.Event()

    def open(self) -> None:
        """Let all parts pass from now on."""
        self._is_open.set()

    def __call__(
        self, peer: Peer, _query: codec.GetImagePartMessage, part: codec.ImagePartMessage
    ) -> None:
        if not self._left:
            assert self._is_open.wait(PATIENCE)
        self._left -= 1
        peer.send(part)


def pixels_of(volume: Any) -> np.ndarray:
    """Return the voxels of a volume node, of shape (k, j, i)."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    data = volume.GetImageData()
    return vtk_to_numpy(data.GetPointData().GetScalars()).reshape(data.GetDimensions()[::-1])


def connect(browser: Browser, server: ScriptedServer) -> None:
    """Connect, and wait until the server has offered parts."""
    browser.connect("127.0.0.1", server.port, reconnect_delays=(0.0,))
    browser.wait_until_connected()
    browser.list_images()
    client = browser.connection.client
    step_until(browser, lambda: client.offers_parts, "the offer of parts")


def begin(browser: Browser, events: list, server: ScriptedServer) -> Any:
    """Ask for the image; return its preview as soon as it is shown."""
    connect(browser, server)
    browser.request_images(["CT"])
    return step_until_event(browser, events, PreviewShown).node


def volumes(scene: Any) -> list:
    """Return the volume nodes of a scene."""
    nodes = [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]
    return [node for node in nodes if node.IsA("vtkMRMLVolumeNode")]
