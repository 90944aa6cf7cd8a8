"""What a soak test browses: a network that does ever other wrong, and a server that streams."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from codec.stream import frame
from helpers.peers import ScriptedServer, make_image
from hostile.fault_proxy import Fault
from IGTLMetaBrowserLib import codec

ROUNDS_OF_FAULTS = ("cut", "reset", "half-close", "flip", "duplicate", "drop")


def fault_of(number: int) -> Fault:
    """Return another fault for each round."""
    kind = ROUNDS_OF_FAULTS[number % len(ROUNDS_OF_FAULTS)]
    return Fault(kind, at=number * 37 % 1300, is_up=number % 2 == 1, bit=number % 8)


def fault_of_connection(number: int) -> Fault | None:
    """Return another fault for every other connection, and none for those in between.

    So all have one address, as the server of a session: what is known of a server is kept when
    another one is chosen, and ever new addresses would be ever more to keep.
    """
    return fault_of(number // 2) if number % 2 == 0 else None


@contextmanager
def streaming(seconds: float = 0.002) -> Iterator[int]:
    """A server that sends images, plans and damaged messages unasked, at this interval; yields its
    port.
    """
    pace = threading.Event()
    messages = [
        codec.pack(make_image(3, device_name="Ultrasound")),
        codec.pack(codec.TrajectoryMessage([codec.TrajectoryItem("Plan", target=(0, 0, 9))])),
        frame("POINT", b"damaged"),
        codec.pack(codec.StatusMessage(code=4, message="x" * 100_000)),
    ]

    def script(peer: Any) -> None:
        while not pace.wait(seconds):
            peer.send(*messages)

    with ScriptedServer(script) as server:
        yield server.port
        pace.set()
