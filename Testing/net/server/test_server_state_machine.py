"""A server in any order of events: clients come, ask, push, damage, read, stop reading, and go.

Hypothesis looks for an order after which a client has an answer that is not its own, another one is
not served, or something of a client that has left is kept. ``SEQUENCES=100000`` in the environment
is the long form.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import struct

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from codec.stream import frame
from helpers.any_order import any_order
from helpers.patience import Patience
from helpers.peers import PATIENCE, make_image, step_until
from hostile.conversation import IMAGES, PUSHED, Archive, check_image, check_list
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.codec import PartEncoding

MOST_CLIENTS = 4
LARGE = make_image(7, (64, 64, 40), "LARGE")  # does not fit the socket's buffers
QUERIES = [
    codec.GetMessage("IMGMETA"),
    codec.GetMessage("IMGMETA", header_version=2, metadata={"Client": "IGTLMetaBrowser"}),
    codec.GetMessage("IMAGE", device_name="CT1"),
    codec.GetMessage("IMAGE", device_name="CT3", header_version=2, message_id=7),
    codec.GetMessage("IMAGE", device_name="LARGE"),
    codec.GetMessage("IMAGE", device_name="NONE"),
    codec.GetMessage("IMGTHUMB", device_name="CT1"),
    codec.GetMessage("IMGTHUMB", device_name="LARGE"),
    codec.GetImagePartMessage(device_name="LARGE", stride=(2, 2, 2), encodings=tuple(PartEncoding)),
    codec.GetImagePartMessage(device_name="LARGE", start=(1, 0, 0), tag="another"),
    codec.GetImagePartMessage(device_name="LARGE", start=(1, 2, 3)),
    codec.GetImagePartMessage(device_name="LARGE", start=(0, 0, 39), size=(0, 0, 1)),
    codec.GetImagePartMessage(device_name="CT3", start=(60000, 0, 0)),
    codec.GetMessage("TRAJ"),
    codec.GetMessage("STATUS"),
    codec.GetMessage("CAPABILITY"),
    codec.GetMessage("POLYDATA"),
    codec.StartMessage("IMAGE", device_name="CT1"),
    codec.StopMessage("IMAGE", device_name="CT1"),
    codec.TrajectoryMessage([PUSHED], device_name="Tests"),
]
DAMAGED = [
    frame("TRANSFORM", b"x"),
    frame("GET_IMAGE", b"", device_name=b"CT1", crc=1),
    frame("GET_IMAGE", b"", device_name=b"CT1", version=9),
    frame("XYZ", b"", body_size=1 << 40),
    b"\x16\x03\x01" + bytes(200),
    b"GET / HTTP/1.1\r\n\r\n" * 10,
]


class Source(Archive):
    """Has a large image, too; whatever is asked for needs some turns, and the images change."""

    def __init__(self) -> None:
        super().__init__()
        self.turns_left = 0
        self.version = 0

    def image(self, image_id: str) -> codec.ImageMessage:
        if self.turns_left:
            self.turns_left -= 1
            raise net.NotReadyError
        return LARGE if image_id == "LARGE" else super().image(image_id)

    def image_version(self, image_id: str) -> int:
        if image_id not in (*IMAGES, "LARGE"):
            raise net.SourceError(f"there is no image {image_id!r} here")
        return self.version


class RawClient:
    """A socket, what is still to be sent on it, and what was received."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setblocking(False)
        self.to_send = b""
        self.is_reading = True
        self.received: list[codec.Message | codec.Rejected] = []
        self._receiver = codec.Receiver()

    def go_on(self) -> None:
        with contextlib.suppress(OSError):
            sent = self.socket.send(self.to_send) if self.to_send else 0
            self.to_send = self.to_send[sent:]
        while self.is_reading:
            try:
                count = self.socket.recv_into(self._receiver.get_buffer())
            except OSError:
                return
            if not count:
                return
            self.received += self._receiver.buffer_updated(count)

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class AnyOrder(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        logging.disable(logging.ERROR)
        self.source = Source()
        limits = net.ServerLimits(max_clients=MOST_CLIENTS, image_cache_size=1 << 20)
        self.server = net.Server(self.source, port=0, limits=limits)
        self.clients: list[RawClient] = []

    def teardown(self) -> None:
        for client in self.clients:
            client.socket.close()
        self.source.turns_left = 0
        with net.Client("127.0.0.1", self.server.port) as good:
            queries = [good.ask("IMGMETA"), *(good.ask("IMAGE", id_) for id_ in IMAGES)]
            step_until(good, lambda: all(query.is_done for query in queries), self.server)
            check_list(queries[0].answer.items)
            for query in queries[1:]:
                check_image(query.device_name, query.answer)
        patience = Patience(PATIENCE)
        while len(self.server.sockets) > 1:
            assert not patience.is_over, "it keeps who has left"
            self.server.step(0.01)
        assert not self.server._paused
        assert not self.server._due
        assert set(self.server.sockets) == {self.server._acceptor.listener.socket}
        self.server.close()
        logging.disable(logging.NOTSET)

    # What clients do

    @precondition(lambda self: len(self.clients) < 2 * MOST_CLIENTS)
    @rule()
    def connect(self) -> None:
        self.clients.append(RawClient(self.server.port))

    @precondition(lambda self: self.clients)
    @rule(data=st.data(), queries=st.lists(st.sampled_from(QUERIES), min_size=1, max_size=4))
    def send(self, data: st.DataObject, queries: list[codec.Message]) -> None:
        self.one_of(data).to_send += b"".join(map(codec.pack, queries))

    @precondition(lambda self: self.clients)
    @rule(data=st.data(), query=st.sampled_from(QUERIES), part=st.integers(1, 57))
    def send_a_part(self, data: st.DataObject, query: codec.Message, part: int) -> None:
        self.one_of(data).to_send += codec.pack(query)[:part]

    @precondition(lambda self: self.clients)
    @rule(data=st.data(), damaged=st.sampled_from(DAMAGED))
    def send_damaged(self, data: st.DataObject, damaged: bytes) -> None:
        self.one_of(data).to_send += damaged

    @precondition(lambda self: self.clients)
    @rule(data=st.data(), is_reading=st.booleans())
    def read_or_not(self, data: st.DataObject, is_reading: bool) -> None:
        self.one_of(data).is_reading = is_reading

    @precondition(lambda self: self.clients)
    @rule(data=st.data())
    def close_one_half(self, data: st.DataObject) -> None:
        client = self.one_of(data)
        with contextlib.suppress(OSError):
            client.socket.shutdown(socket.SHUT_WR)

    @precondition(lambda self: self.clients)
    @rule(data=st.data(), is_reset=st.booleans())
    def leave(self, data: st.DataObject, is_reset: bool) -> None:
        client = self.one_of(data)
        if is_reset:
            client.reset()
        client.socket.close()
        self.clients.remove(client)

    def one_of(self, data: st.DataObject) -> RawClient:
        return data.draw(st.sampled_from(self.clients))

    # What happens

    @rule(turns=st.integers(0, 3))
    def be_slow(self, turns: int) -> None:
        self.source.turns_left = turns

    @rule()
    def change_images(self) -> None:
        self.source.version += 1

    @rule(count=st.integers(1, 8))
    def time_passes(self, count: int) -> None:
        for _ in range(count):
            for client in self.clients:
                client.go_on()
            self.server.step()

    @invariant()
    def answers_are_right(self) -> None:
        for client in self.clients:
            for message in client.received:
                assert isinstance(message, codec.Message), message
                assert "the answer failed" not in getattr(message, "message", "")
                if isinstance(message, codec.ImageMessage) and message.device_name in IMAGES:
                    check_image(message.device_name, message)
                if isinstance(message, codec.ImagePartMessage):
                    assert np.array_equal(message.voxels(), LARGE.pixels[message.slices()])
            client.received.clear()

    @invariant()
    def nobody_takes_more_than_there_is(self) -> None:
        assert len(self.server.clients) <= MOST_CLIENTS
        assert self.server.cached_bytes <= (1 << 20) + 3 * LARGE.pixels.nbytes


AnyOrder.TestCase.settings = any_order(50)
TestAnyOrder = AnyOrder.TestCase
