"""A server whose trajectories and points have radii where the protocol says diameters."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.peers import (
    TRAJECTORY,
    ImagesInMemory,
    Peer,
    ScriptedServer,
    ServerInThread,
    step_until_event,
    wait_for_socket,
)
from IGTLMetaBrowserLib import codec, net

POINT = codec.PointItem(name="Target", position=(1.0, 2.0, 3.0), diameter=3.0)


def test_the_client_doubles_what_comes():
    with (
        ServerInThread(ImagesInMemory(trajectories=[TRAJECTORY])) as server,
        server.client(diameter_is_radius=True) as client,
    ):
        (item,) = client.get_trajectories()
    assert item == replace(TRAJECTORY, diameter=2 * TRAJECTORY.diameter)


@pytest.mark.parametrize(
    "message",
    [codec.TrajectoryMessage(items=[TRAJECTORY]), codec.PointMessage(items=[POINT])],
    ids=["TRAJ", "POINT"],
)
def test_what_is_pushed_is_doubled_too(message: codec.TrajectoryMessage | codec.PointMessage):
    def push(peer: Peer) -> None:
        peer.send(message)
        peer.wait_until_closed()

    with ScriptedServer(push) as server, server.client(diameter_is_radius=True) as client:
        client.connect()
        received = step_until_event(client, net.Unsolicited).message
    assert received.items[0].diameter == 2 * message.items[0].diameter


def test_a_long_list_is_doubled_in_several_steps():
    many = codec.TrajectoryMessage([TRAJECTORY] * 35_000)

    def push(peer: Peer) -> None:
        peer.send(many)
        peer.wait_until_closed()

    with ScriptedServer(push) as server, server.client(diameter_is_radius=True) as client:
        client.connect()
        step_until_event(client, net.Connected)
        size = len(codec.pack(many))
        while client.reading.received < size:
            wait_for_socket(client)
            client.step(seconds=0)  # as short as can be
        steps = 1
        while not (events := client.step(seconds=0)):
            steps += 1
    assert steps >= 3
    assert [item.diameter for item in events[0].message.items] == [5.0] * 35_000


def test_what_is_sent_has_radii():
    sent = []

    def receive(peer: Peer) -> None:
        sent.append(peer.receive())
        peer.send(codec.StatusMessage())
        peer.wait_until_closed()

    with ScriptedServer(receive) as server, server.client(diameter_is_radius=True) as client:
        client.connect()
        step_until_event(client, net.Connected)
        client.send(codec.TrajectoryMessage(items=[TRAJECTORY]))
        step_until_event(client, net.Unsolicited)
    assert sent[0].items[0].diameter == TRAJECTORY.diameter / 2
