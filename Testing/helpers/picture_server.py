"""A server that offers thumbnails and parts of images, and may lie about them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

import numpy as np

from helpers.peers import Peer, ScriptedServer, make_image
from IGTLMetaBrowserLib import codec

Answer = codec.Message | bytes | None
ALL_TYPES = ("GET_IMGTHUMB", "IMGTHUMB", "GET_IMGPART", "IMGPART", "GET_IMAGE", "IMAGE")


def entry(image_id: str, patient: str = "Smith", modality: str = "CT") -> codec.ImageMetaItem:
    """Return what the list says of an image of 4 × 3 × 2 voxels."""
    return codec.ImageMetaItem(
        f"Image {image_id}", image_id, modality, patient, f"id of {patient}", size=(4, 3, 2),
        scalar_type=codec.ScalarType.UINT16,
    )  # fmt: skip


def thumbnail(shade: int, tag: str = "1", size: tuple[int, int] = (3, 4)) -> codec.ThumbnailMessage:
    """Return a thumbnail of one plane of that gray; ``size`` are its rows and columns."""
    return codec.ThumbnailMessage([codec.ThumbnailPlane(np.full(size, shade, np.uint8))], tag)


def shade_of(message: codec.ThumbnailMessage | None) -> int | None:
    """Return the gray of a thumbnail, or None if there is none."""
    return None if message is None else int(message.planes[0].pixels.flat[0])


class PictureServer(ScriptedServer):
    """Answers as its fields say, which a test may change.

    None is no answer at all; no bytes break the connection off.

    ``asked`` are the types and names of the queries that came, the list and GET_CAPABIL left out.
    """

    def __init__(
        self,
        entries: Sequence[codec.ImageMetaItem],
        types: Sequence[str] = ALL_TYPES,
        thumbnail: Callable[[str], Answer] = lambda image_id: thumbnail(len(image_id)),
        part: Callable[[codec.GetImagePartMessage], Answer] = lambda query: None,
    ) -> None:
        super().__init__(self._serve)
        self.entries, self.types = entries, types
        self.thumbnail, self.part = thumbnail, part
        self.asked: list[tuple[str, str]] = []

    def names_asked(self, data_type: str) -> list[str]:
        """Return the names under which a type was asked for."""
        return [name for kind, name in self.asked if kind == f"GET_{data_type}"]

    def hang_up(self) -> None:
        """End the connection, as a server does that is started again."""
        self._peer.socket.shutdown(socket.SHUT_RDWR)

    def _serve(self, peer: Peer) -> None:
        while True:
            query = peer.receive()
            answer = self._answer(query)
            if isinstance(answer, codec.Message):
                answer.device_name, answer.header_version = query.device_name, 2
                peer.send(answer)
            elif answer == b"":
                return  # it breaks off
            elif answer is not None:
                peer.send(answer)

    def _answer(self, query: codec.Message) -> Answer:
        if query.type_name == "GET_IMGMETA":
            metadata = {"Server": "IGTLMetaBrowser"}
            return codec.ImageMetaMessage(items=list(self.entries), metadata=metadata)
        if query.type_name.startswith("GET_CAPABIL"):
            return codec.CapabilityMessage(list(self.types))
        self.asked.append((query.type_name, query.device_name))
        if query.type_name == "GET_IMGTHUMB":
            return self.thumbnail(query.device_name)
        if isinstance(query, codec.GetImagePartMessage):
            return self.part(query)
        return make_image(7) if query.type_name == "GET_IMAGE" else None
