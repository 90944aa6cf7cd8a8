"""Servers that send more than can be shown: the scene does not fill, and steps stay short.

What a step does is counted, not timed: the calls of functions in it, and the memory that it takes.
"""

from __future__ import annotations

import struct
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from codec.stream import frame, version_2_body
from helpers.hospital import of_type
from helpers.peers import Peer, ScriptedServer, make_image, wait_for_socket
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser import pushed_failures
from IGTLMetaBrowserLib.browser.events import Failed, PointsShown
from IGTLMetaBrowserLib.scene.markups.points import MOST_LISTS
from IGTLMetaBrowserLib.scene.markups.trajectory_set import SHOWN_AT_FIRST

MIB = 1 << 20
# Of Python's and C's functions; 8 million a second.
MOST_CALLS = 200_000
# Beside the bytes of a list or an image, which stay as they came.
MOST_MEMORY = 12 * MIB
# More than there may be calls, and of more bytes than there may be memory.
MANY = 400_000
POINT = codec.PointItem(name="Seed", group="Seeds", position=(1.0, 2.0, 3.0))
LINE = codec.TrajectoryItem(name="Plan", entry=(0.0, 0.0, 0.0), target=(0.0, 0.0, 9.0))


def texts_of_40_mib() -> Iterator[bytes]:
    for type_name in ("STATUS", "COMMAND", "RTS_COMMAND", "GET_IMAGE", "CAPABILITY", "STRING"):
        yield from announced(type_name, 40 * MIB)


def announced(type_name: str, size: int) -> Iterator[bytes]:
    """A message whose body is of one byte again and again; its checksum is wrong."""
    yield frame(type_name, b"", body_size=size)
    for _ in range(size // MIB):
        yield b"\xff" * MIB


def texts_of_a_mebibyte() -> Iterator[bytes]:
    text = b"\xff" * (MIB - 200)
    for _ in range(5):
        yield frame("STATUS", struct.pack(">Hq20s", 4, 0, b"") + text)
        yield frame("RTS_COMMAND", struct.pack(">I128sHI", 1, b"", 106, len(text)) + text)


def metadata_of_40_mib() -> Iterator[bytes]:
    size = 40 * MIB
    header = struct.pack(">HHHI", 1, 1, 106, size - 1)
    body = version_2_body(bytes(30), metadata_header=header)
    body = body[:4] + struct.pack(">I", size) + body[8:] + b"\xff" * size
    yield frame("STATUS", body, version=2)
    yield frame("TRAJ", body[:12] + body[42:], version=2)


def bundles() -> Iterator[bytes]:
    count = 65_000
    entries = struct.pack(">12sQ", b"STRING", 4) * count
    children = bytes(2) + bytes([0, 3, 0, 0]) * count
    yield frame("BIND", struct.pack(">H", count) + entries + children)


def unreadable_messages() -> Iterator[bytes]:
    yield frame("TRANSFORM", b"x") * 5000


def unknown_messages() -> Iterator[bytes]:
    yield b"".join(frame(f"TYPE{number}") for number in range(5000))


def images_of_ever_new_names() -> Iterator[bytes]:
    for number in range(300):
        yield codec.pack(make_image(1, device_name=f"Image {number}"))


def points_in_ever_new_groups() -> Iterator[bytes]:
    for number in range(300):
        items = [replace(POINT, group=f"{number} {n}") for n in range(20)]
        yield codec.pack(codec.PointMessage(items, device_name=f"{number}"))


def two_thousand_points_in_as_many_groups() -> Iterator[bytes]:
    yield codec.pack(codec.PointMessage([replace(POINT, group=f"{n}") for n in range(2000)]))


def very_many_points() -> Iterator[bytes]:
    item = codec.pack(codec.PointMessage([POINT]))[codec.HEADER_SIZE :]
    yield frame("POINT", item * MANY)


def as_many_structures() -> Iterator[bytes]:
    item = codec.pack(codec.LabelMetaMessage([codec.LabelMetaItem("Liver", "L", 1)]))
    yield frame("LBMETA", item[codec.HEADER_SIZE :] * MANY)


def as_many_label_maps() -> Iterator[bytes]:
    records = np.zeros(MANY, codec.LabelMetaItem.columns)
    records["id"] = np.arange(len(records)).astype("S")
    yield frame("LBMETA", records.tobytes())


def as_many_trajectories() -> Iterator[bytes]:
    item = codec.pack(codec.TrajectoryMessage([LINE]))[codec.HEADER_SIZE :]
    yield frame("TRAJ", item * MANY)


def trajectories_of_ever_new_names() -> Iterator[bytes]:
    for number in range(300):
        items = [replace(LINE, name=f"{number} {n}") for n in range(20)]
        yield codec.pack(codec.TrajectoryMessage(items))


def color_tables_of_images_that_are_not_loaded() -> Iterator[bytes]:
    colors = frame("COLORT", struct.pack(">bb", 3, 3) + bytes(768))
    yield colors * 2000


FLOODS: dict[str, Callable[[], Iterator[bytes]]] = {
    function.__name__.replace("_", " "): function
    for function in (
        texts_of_40_mib,
        texts_of_a_mebibyte,
        metadata_of_40_mib,
        bundles,
        unreadable_messages,
        unknown_messages,
        images_of_ever_new_names,
        points_in_ever_new_groups,
        two_thousand_points_in_as_many_groups,
        very_many_points,
        as_many_structures,
        as_many_label_maps,
        as_many_trajectories,
        trajectories_of_ever_new_names,
        color_tables_of_images_that_are_not_loaded,
    )
}


def send(pieces: Sequence[bytes]) -> Callable[[Peer], None]:
    """Script: send all of it, and a point at the end."""

    def script(peer: Peer) -> None:
        peer.send(*pieces)
        peer.send(codec.PointMessage([replace(POINT, name="the last", group="the last")]))
        peer.wait_until_closed()

    return script


class Work:
    """Counts what each step does. A large body that arrives is no work: it stays where it is."""

    def __init__(self) -> None:
        self.most_calls = 0
        self.most_memory = 0

    def step(self, browser) -> None:
        calls = 0

        def count(_frame, event: str, _argument) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        sys.setprofile(count)
        try:
            browser.step()
        finally:
            sys.setprofile(None)
        _, peak = tracemalloc.get_traced_memory()
        self.most_calls = max(self.most_calls, calls)
        self.most_memory = max(self.most_memory, peak - before)


@pytest.fixture
def flooded(unconnected, events) -> Callable[[Sequence[bytes]], Work]:
    """Lets a server send a flood to a browser; returns what the steps did until all was handled."""

    def run(pieces: Sequence[bytes]) -> Work:
        work = Work()
        with ScriptedServer(send(pieces)) as server:
            unconnected.connect("127.0.0.1", server.port)
            unconnected.wait_until_connected()
            tracemalloc.start(1)
            try:
                while not (is_last_shown(events) and unconnected.next_deadline is None):
                    wait_for_socket(unconnected)
                    work.step(unconnected)
            finally:
                tracemalloc.stop()
            unconnected.disconnect()
        return work

    return run


def is_last_shown(events: list) -> bool:
    labels = [
        node.GetNthControlPointLabel(0)
        for event in of_type(events, PointsShown)
        for node in event.nodes
    ]
    return "the last" in labels


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_no_step_does_much_whatever_arrives(flooded, events, scene, monkeypatch, flood):
    # Or a starved machine would be notified again, as it takes longer than that.
    monkeypatch.setattr(pushed_failures, "SECONDS", 3600.0)
    pieces = list(flood())
    work = flooded(pieces)
    assert work.most_calls < MOST_CALLS
    assert work.most_memory < MOST_MEMORY + max(map(len, pieces))
    assert len(of_type(events, Failed)) <= pushed_failures.MOST_AT_A_TIME + 1
    assert all(len(str(event.error)) < 2000 for event in of_type(events, Failed))
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode") <= MOST_LISTS + 1
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode") <= SHOWN_AT_FIRST
