"""Scripts of servers that list images and answer queries for them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from helpers.peers import Peer
from IGTLMetaBrowserLib import codec

SIZE = (4, 3, 2)
Size = tuple[int, int, int]


def listed(*ids: str, **sizes: Size) -> codec.ImageMetaMessage:
    """Return a list of images: ``ids`` of one size, others of their own."""
    items = [
        codec.ImageMetaItem(name=f"Image {id_}", id=id_, size=size, scalar_type=codec.ScalarType(5))
        for id_, size in {**dict.fromkeys(ids, SIZE), **sizes}.items()
    ]
    return codec.ImageMetaMessage(items=items, device_name="Server")


def shade(image: codec.ImageMessage) -> int:
    """Return by what ``make_image`` told the images apart."""
    return int(image.pixels[0, 0, 0])


Answer = Callable[[str], "list[codec.Message]"]


def lists_and_answers(answer: Answer, *ids: str, **sizes: Size) -> Callable[[Peer], None]:
    """Script: lists these images, and answers each GET_IMAGE with what ``answer`` returns."""

    def serve(peer: Peer) -> None:
        while True:
            query = peer.receive()
            if query.type_name == "GET_IMGMETA":
                peer.send(listed(*ids, **sizes))
            else:
                peer.send(*answer(query.device_name))

    return serve


def answers_or_leaves(
    images: Mapping[str, codec.ImageMessage], chance: random.Random, share: float
) -> Callable[[Peer], None]:
    """Script: answers queries; closes after a ``share`` of them, or in the middle of the answer."""

    def serve(peer: Peer) -> None:
        while True:
            query = peer.receive()
            answer = images[query.device_name]
            answer.device_name = query.device_name
            data = codec.pack(answer)
            if chance.random() < share:
                peer.send(data[: chance.randrange(len(data))])
                return
            peer.send(data)
            if chance.random() < share:
                return

    return serve


def burst(*frames: codec.Message) -> Callable[[Peer], None]:
    """Script: send a frame, and all others at once after the client has sent something."""

    def script(peer: Peer) -> None:
        peer.send(frames[0])
        peer.receive()
        peer.send(b"".join(map(codec.pack, frames[1:])))
        peer.wait_until_closed()

    return script
