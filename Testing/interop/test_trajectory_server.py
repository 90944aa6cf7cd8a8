"""Our client against the reference library's TrajectoryServer.

It sends three trajectories to who connects, before anybody asks, and closes within a second. Their
type says that only the target is planned, although the entry is set too.
"""

from __future__ import annotations

import pytest

from helpers.peers import step_until_event
from IGTLMetaBrowserLib import codec, net

PUSHED = [
    codec.TrajectoryItem(
        name=f"TRAJECTORY_{number}",
        group="GROUP_0",
        type=codec.TrajectoryType.TARGET,
        rgba=rgba,
        entry=entry,
        target=target,
        diameter=diameter,
        owner="IMAGE_0",
    )
    for number, rgba, entry, target, diameter in [
        (0, (255, 0, 0, 255), (10, 20, 30), (20, 20, 40), 15),
        (1, (0, 255, 0, 255), (40, 50, 60), (20, 30, 10), 45),
        (2, (0, 0, 255, 255), (70, 80, 90), (10, 40, 20), 75),
    ]
]


@pytest.fixture
def client(trajectory_port: int):
    with net.Client("127.0.0.1", trajectory_port) as client:
        yield client


def test_what_is_pushed_answers_the_query(client: net.Client):
    assert client.get_trajectories() == PUSHED


def test_what_is_pushed_before_anybody_asks_is_handed_over(client: net.Client):
    client.connect()
    event = step_until_event(client, net.Unsolicited)
    assert isinstance(event.message, codec.TrajectoryMessage)
    assert event.message.device_name == "TrajectorySender"
    assert event.message.items == PUSHED


def test_the_server_closes_and_the_trajectories_can_be_asked_for_all_the_same(client: net.Client):
    client.connect()
    step_until_event(client, net.Unsolicited)
    event = step_until_event(client, net.Disconnected)
    assert "closed the connection" in str(event.error)
    assert client.get_trajectories() == PUSHED


def test_a_query_on_a_connection_that_was_pushed_to_already_is_asked_again_on_the_next(
    client: net.Client,
):
    # The server does not read queries; the next connection brings the next push.
    client.connect()
    step_until_event(client, net.Unsolicited)
    assert client.get_trajectories() == PUSHED


def test_the_server_has_no_list_of_images_and_the_user_is_told(client: net.Client):
    with pytest.raises(net.ConnectionLostError, match="closed the connection"):
        client.list_images()
