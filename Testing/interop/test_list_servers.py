"""The codec against the reference library's servers of lists: labels, points and capabilities.

LabelMetaServer and PointListServer answer a query, CapabilityServer sends once a second to who
connects. Each serves one client at a time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.peers import PATIENCE, Peer
from IGTLMetaBrowserLib import codec
from interop import reference_library
from interop.reference_library import BuildExample

LABELS = [
    codec.LabelMetaItem(
        name=f"LABEL_DESCRIPTION_{number}",
        id=f"LABEL_{number}",
        label=number + 1,
        rgba=rgba,
        size=size,
        owner=f"IMAGE_{number}",
    )
    for number, rgba, size in [
        (0, (255, 0, 0, 255), (512, 512, 64)),
        (1, (0, 255, 0, 255), (256, 128, 32)),
        (2, (0, 0, 255, 255), (256, 256, 32)),
    ]
]


def point(number: int, position: tuple[float, float, float]) -> codec.PointItem:
    """Return a point as the server makes it of a position."""
    return codec.PointItem(
        name=f"POINT_{number}",
        group="GROUP_0",
        rgba=(0, 0, 255, 255),
        position=position,
        diameter=75.0,
        owner="IMAGE_0",
    )


POINTS = [
    point(0, (10.0, 20.0, 30.0)),
    point(1, (40.0, 50.0, 60.0)),
    point(2, (70.0, 80.0, 90.0)),
]
TYPES = ["TRANSFORM", "GET_IMAGE", "GET_LBMETA"]


@pytest.fixture(scope="module")
def point_list_server(build_example: BuildExample) -> Path:
    """Build the server that answers GET_POINT."""
    return build_example("Point/PointListServer")


def test_labels_are_answered(build_example: BuildExample):
    program = build_example("ImageMeta/LabelMetaServer")
    with reference_library.running(program) as port, Peer.connect(port) as peer:
        for _ in range(3):
            peer.send(codec.GetMessage("LBMETA"))
            answer = peer.receive()
            assert isinstance(answer, codec.LabelMetaMessage)
            assert answer.device_name == "MetaServer"
            assert answer.items == LABELS
            # What it sent is what we would send.
            ours = codec.LabelMetaMessage(
                LABELS, device_name="MetaServer", timestamp=answer.timestamp
            )
            assert codec.pack(ours) == codec.pack(answer)


def test_points_are_answered(point_list_server: Path):
    with reference_library.running(point_list_server) as port, Peer.connect(port) as peer:
        for _ in range(3):
            peer.send(codec.GetMessage("POINT", device_name="Client"))
            answer = peer.receive()
            assert isinstance(answer, codec.PointMessage)
            assert answer.device_name == "PointSender"
            assert answer.items == POINTS


def test_points_of_a_file(point_list_server: Path, tmp_path: Path):
    positions = [(number / 8, -number / 4, float(number)) for number in range(1000)]
    file = tmp_path / "points.txt"
    file.write_text("\n".join(" ".join(map(str, position)) for position in positions))
    with reference_library.running(point_list_server, file) as port, Peer.connect(port) as peer:
        peer.send(codec.GetMessage("POINT"))
        answer = peer.receive()
    assert answer.items == [point(number, position) for number, position in enumerate(positions)]
    assert answer.items.records["position"].tolist() == [list(p) for p in positions]


@contextmanager
def first_client(program: Path) -> Iterator[Peer]:
    """Run a server that looks after its first client only, and be that client."""
    with (
        reference_library.started(program) as (_, port),
        connect_when_it_listens(port) as peer,
    ):
        yield peer


def connect_when_it_listens(port: int) -> Peer:
    """Try until somebody listens there."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return Peer.connect(port)
        except ConnectionRefusedError:
            assert time.monotonic() < end, "the server does not listen"


def test_capabilities_are_sent_again_and_again(build_example: BuildExample):
    with first_client(build_example("Capability/CapabilityServer")) as peer:
        for _ in range(2):
            message = peer.receive()
            assert isinstance(message, codec.CapabilityMessage)
            assert message.device_name == "Device"
            assert message.types == TYPES
