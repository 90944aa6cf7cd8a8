"""The slow link that other tests and the benchmark use."""

from __future__ import annotations

import pytest

from helpers.peers import ServerInThread
from helpers.shaped_link import ShapedLink
from IGTLMetaBrowserLib import net


def test_what_comes_through_is_what_was_sent(running_server: ServerInThread):
    with ShapedLink(running_server.port, 1e9, 0.001) as link:
        with net.Client("127.0.0.1", link.port) as client:
            assert client.get_image("LARGE").pixels.shape == (64, 128, 128)
        assert link.connection_count == 1


def test_a_connection_can_be_cut_in_the_middle_of_a_message(running_server: ServerInThread):
    with (
        ShapedLink(running_server.port, cut_after=[100_000]) as link,
        net.Client("127.0.0.1", link.port) as client,
    ):
        with pytest.raises(net.ConnectionLostError):
            client.get_image("LARGE")
        assert client.get_image("LARGE").pixels.size
        assert link.connection_count == 2
