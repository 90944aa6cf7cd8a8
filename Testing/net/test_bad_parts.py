"""Servers whose parts overlap, lie, come twice, never come, or are of another version.

A voxel in the wrong place is never taken for right: the query ends with an error in words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from helpers.peers import Peer, ScriptedServer, make_image
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.codec.part_encoding import encode
from IGTLMetaBrowserLib.net.client.header_versions import known_servers
from IGTLMetaBrowserLib.net.client.image_in_parts import get_image_in_parts

IMAGE = make_image(1, (8, 6, 4), "A")
TYPES = ["IMGMETA", "GET_IMGMETA", "IMGPART", "GET_IMGPART", "IMGTHUMB", "GET_IMGTHUMB"]
DELTAS = (codec.PartEncoding.ZIGZAG_DELTAS,)
NAMED = {"header_version": 2, "metadata": {"Server": "Other"}}

Answer = Callable[[codec.GetImagePartMessage], "list[codec.Message]"]


@pytest.fixture(autouse=True)
def nothing_known() -> None:
    """Know nothing of a server that had the same port in another test."""
    known_servers.clear()


def honest(request: codec.GetImagePartMessage) -> codec.ImagePartMessage:
    start, size = request.box_in(IMAGE.whole_size)
    part = codec.ImagePartMessage(
        b"",
        codec.ScalarType.UINT16,
        IMAGE.whole_size,
        start,
        size,
        request.stride,
        "version 1",
        matrix=IMAGE.matrix,
        device_name=request.device_name,
    )
    return replace(part, data=IMAGE.pixels[part.slices()].tobytes())


def serve(answer: Answer, types: list[str] = TYPES, refuses: bool = False) -> ScriptedServer:
    """Return a server that claims to have the extension; ``answer`` is what it makes of it."""
    return serve_by(lambda peer, asked: peer.send(*answer(asked)), types=types, refuses=refuses)


def serve_by(
    respond: Callable[[Peer, codec.GetImagePartMessage], None],
    *later: Callable[[Peer], None],
    types: list[str] = TYPES,
    refuses: bool = False,
) -> ScriptedServer:
    """Return such a server; ``respond`` is what it does, and ``later`` on other connections.

    Asked for anything else, it ends the connection.
    """

    def script(peer: Peer) -> None:
        while True:
            message = peer.receive()
            if message.full_data_type == "IMGMETA":
                item = codec.ImageMetaItem("A", "A", size=IMAGE.whole_size, scalar_type=5)
                peer.send(codec.ImageMetaMessage([item], **NAMED))
            elif message.full_data_type == "CAPABILITY" and refuses:
                peer.send(codec.StatusMessage(code=codec.StatusCode.UNKNOWN_INSTRUCTION))
            elif message.full_data_type == "CAPABILITY":
                peer.send(codec.CapabilityMessage(types))
            elif isinstance(message, codec.GetImagePartMessage):
                respond(peer, message)
            elif message.full_data_type == "IMAGE":
                peer.send(replace(IMAGE, header_version=message.header_version))
            else:
                return

    def until_it_leaves(peer: Peer) -> None:
        try:
            script(peer)
        except (EOFError, OSError):
            return

    return ScriptedServer(until_it_leaves, *later)


def request(**fields: object) -> codec.GetImagePartMessage:
    return codec.GetImagePartMessage(device_name="A", **fields)


SLAB = {"start": (0, 0, 1), "size": (0, 0, 2)}
# What the server makes of an honest answer; what the words say.
LIES = {
    "of another place": ({"start": (0, 0, 0)}, "voxels from"),
    "larger": ({"size": (8, 6, 3), "data": bytes(8 * 6 * 3 * 2)}, "voxels from"),
    "in other steps": ({"stride": (2, 1, 1), "data": bytes(4 * 6 * 2 * 2)}, "its stride is"),
    "of another version": ({"tag": "version 2"}, "another version"),
    "encoded unasked": (
        {"encoding": codec.PartEncoding.ZIGZAG_DELTAS, "data": encode(IMAGE.pixels[1:3])},
        "encoding 1",
    ),
    "of an image of another size": ({"image_size": (8, 6, 2), "start": (0, 0, 0)}, "voxels"),
}


@pytest.mark.parametrize(("changes", "words"), LIES.values(), ids=LIES)
def test_a_part_that_was_not_asked_for_is_an_error(changes: dict[str, object], words: str):
    with (
        serve(lambda asked: [replace(honest(asked), **changes)]) as server,
        server.client(answer_timeout=1.0) as client,
    ):
        with pytest.raises(net.AnswerError, match=words):
            client.get_image_part(request(tag="version 1", **SLAB))
        assert client.get_image("A").pixels.any()  # the connection stands


def test_under_another_name_nothing_is_answered():
    with (
        serve(lambda asked: [replace(honest(asked), device_name="B")]) as server,
        server.client(answer_timeout=0.3) as client,
        pytest.raises(net.TimeOutError),
    ):
        client.get_image_part(request())


@pytest.mark.parametrize("cut", [1, 100])
def test_a_part_with_too_few_bytes_is_an_error(cut: int):
    def answer(asked: codec.GetImagePartMessage) -> list[codec.Message]:
        data = codec.pack(honest(asked))[:-cut]
        content = data[codec.HEADER_SIZE :]
        return [codec.UnknownMessage("IMGPART", content, device_name="A")]

    with (
        serve(answer) as server,
        server.client() as client,
        pytest.raises(net.AnswerError, match="cannot be read"),
    ):
        client.get_image_part(request())


DAMAGED = {
    "no stream": b"no stream at all, but some bytes",
    "too short": encode(IMAGE.pixels[:1]),
    "too long": encode(np.concatenate([IMAGE.pixels, IMAGE.pixels])),
    "cut": encode(IMAGE.pixels)[:-3],
    "with something behind it": encode(IMAGE.pixels) + b"behind",
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_stream_that_does_not_hold_the_voxels_is_an_error(data: bytes):
    fields = {"encoding": codec.PartEncoding.ZIGZAG_DELTAS, "data": data}
    answer = replace(honest(request()), **fields)
    with serve(lambda _: [answer]) as server, server.client() as client:
        part = client.get_image_part(request(encodings=DELTAS))
    with pytest.raises(codec.DecodeError):
        part.voxels()


def test_a_small_stream_that_claims_to_hold_gigabytes_is_not_decompressed():
    part = replace(
        honest(request()),
        encoding=codec.PartEncoding.ZIGZAG_DELTAS,
        image_size=(0xFFFF, 0xFFFF, 1),
        size=(0xFFFF, 0xFFFF, 1),
        data=b"abc",
    )
    with pytest.raises(codec.EncodeError, match="3 bytes for 8589672450"):
        codec.pack(part)


def test_a_part_that_comes_twice_harms_nobody():
    with serve(lambda asked: [honest(asked)] * 2) as server, server.client() as client:
        first = client.get_image_part(request(size=(0, 0, 1)))
        second = client.get_image_part(request(start=(0, 0, 1), size=(0, 0, 1)))
        whole = client.get_image_part(request())
    assert np.array_equal(first.voxels(), IMAGE.pixels[:1])
    assert np.array_equal(second.voxels(), IMAGE.pixels[1:2])
    assert np.array_equal(whole.voxels(), IMAGE.pixels)


@pytest.mark.parametrize("sizes", [[], [150]], ids=["whole", "in two pieces"])
def test_a_part_that_comes_again_and_again_does_not_keep_others_waited_for(sizes: list[int]):
    def again_and_again(peer: Peer, part: bytes) -> None:
        for _ in range(100):
            for begin, end in zip([0, *sizes], [*sizes, len(part)], strict=True):
                peer.send(part[begin:end])
                peer.pause(0.09)

    first: list[bytes] = []

    def respond(peer: Peer, asked: codec.GetImagePartMessage) -> None:
        if first:
            again_and_again(peer, first[0])
        first.append(codec.pack(honest(asked)))
        peer.send(first[0])

    with serve_by(respond) as server, server.client(answer_timeout=0.5) as client:
        client.get_image_part(request(size=(0, 0, 1)))
        part = client.ask_part(request(start=(0, 0, 1), size=(0, 0, 1)))
        plans = client.ask("TRAJ")
        for query in (part, plans):
            with pytest.raises(net.TimeOutError, match="although it sends other messages"):
                client.wait(query)


def test_a_part_that_comes_again_before_each_end_does_not_have_its_client_connect_for_ever():
    first: list[codec.Message] = []

    def respond(peer: Peer, asked: codec.GetImagePartMessage) -> None:
        first.append(honest(asked))
        peer.send(first[0])

    def end(peer: Peer) -> None:
        peer.receive()
        peer.send(first[0])

    with serve_by(respond, end) as server, server.client() as client:
        client.get_image_part(request(size=(0, 0, 1)))
        with pytest.raises(net.ConnectionLostError):
            client.get_trajectories()


def test_parts_that_come_in_another_order_go_where_they_belong():
    kept: list[codec.Message] = []

    def answer(asked: codec.GetImagePartMessage) -> list[codec.Message]:
        kept.append(honest(asked))
        return kept[::-1] if len(kept) == 2 else []

    with serve(answer) as server, server.client() as client:
        client.find_capability()
        queries = [client.ask_part(request(start=(0, 0, k), size=(0, 0, 1))) for k in (0, 1)]
        parts = [client.wait(query) for query in queries]
    assert [part.start for part in parts] == [(0, 0, 0), (0, 0, 1)]


def test_a_part_that_was_cancelled_is_not_taken_for_the_next():
    with serve(lambda asked: [honest(asked)]) as server, server.client() as client:
        client.find_capability()
        client.cancel(client.ask_part(request(start=(0, 0, 0), size=(0, 0, 1))))
        cancelled = client.ask_part(request(start=(0, 0, 1), size=(0, 0, 1)))
        client.step()
        client.cancel(cancelled)
        part = client.get_image_part(request(start=(0, 0, 2), size=(0, 0, 1)))
    assert np.array_equal(part.voxels(), IMAGE.pixels[2:3])


def test_a_server_that_says_it_has_parts_and_never_sends_one():
    with serve(lambda asked: []) as server, server.client(answer_timeout=0.3) as client:
        with pytest.raises(net.TimeOutError):
            client.get_image_part(request())
        assert client.get_image("A").pixels.any()


def test_a_server_that_says_it_has_parts_and_refuses_each():
    def refuse(asked: codec.GetImagePartMessage) -> list[codec.Message]:
        words = codec.StatusMessage(
            code=codec.StatusCode.NOT_FOUND, message="not today", device_name="A"
        )
        return [words, codec.ReturnMessage("IMGPART", b"\1", device_name="A")]

    with serve(refuse) as server, server.client() as client:
        for _ in range(2):
            with pytest.raises(net.RefusedError, match="not today"):
                client.get_image_part(request())
        assert client.get_image("A").pixels.any()


@pytest.mark.parametrize(
    "options",
    [{"types": []}, {"types": ["IMGPART"]}, {"types": ["GET_IMGPART"]}, {"refuses": True}],
    ids=["names none", "names the answer alone", "names the question alone", "refuses"],
)
def test_a_server_without_the_extension_is_asked_for_whole_images(options: dict[str, object]):
    def fail(_: codec.GetImagePartMessage) -> list[codec.Message]:
        pytest.fail("it was asked for a part")

    with serve(fail, **options) as server, server.client() as client:
        client.find_capability()
        assert client.offers_parts is False
        with pytest.raises(net.RefusedError, match="does not send parts of images"):
            client.ask_part(request())
        with pytest.raises(net.RefusedError, match="does not send thumbnails"):
            client.get_thumbnail("A")
        assert client.get_image("A").pixels.any()


OTHERS = {
    "type": {"scalar_type": codec.ScalarType.INT16},
    "geometry": {"matrix": IMAGE.matrix + 1},
    "coordinates": {"coordinates": codec.Coordinates.LPS},
    "version": {"tag": "version 2"},
}


@pytest.mark.parametrize("changes", OTHERS.values(), ids=OTHERS)
def test_parts_of_two_images_are_never_put_together(changes: dict[str, object]):
    def answer(asked: codec.GetImagePartMessage) -> list[codec.Message]:
        return [replace(honest(asked), **(changes if asked.tag else {}))]

    with serve(answer) as server, server.client() as client, pytest.raises(net.AnswerError):
        get_image_in_parts(client, "A")


def test_a_thumbnail_under_another_name_is_not_taken_for_the_one_asked_for():
    def script(peer: Peer) -> None:
        while True:
            message = peer.receive()
            if message.full_data_type == "IMGMETA":
                peer.send(codec.ImageMetaMessage([codec.ImageMetaItem("A", "A")], **NAMED))
            elif message.full_data_type == "CAPABILITY":
                peer.send(codec.CapabilityMessage(TYPES))
            else:
                peer.send(codec.ThumbnailMessage([], device_name="B"))

    with ScriptedServer(script) as server, server.client(answer_timeout=0.3) as client:
        with pytest.raises(net.TimeOutError):
            client.get_thumbnail("A")
        client.close()
