"""From a host's name to its addresses: whoever needs no name server asks none."""

from __future__ import annotations

import socket

import pytest

from helpers.peers import ScriptedServer, ServerInThread, make_image
from IGTLMetaBrowserLib import net
from IGTLMetaBrowserLib.net.host_lookup import look_up


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that were looked up: what is not numeric, and not said to be."""
    names: list[str] = []
    real = socket.getaddrinfo

    def note(host, port, *arguments, flags=0, **options):
        if not flags & socket.AI_NUMERICHOST:
            names.append(host)
            host = "127.0.0.1"  # as a name server might say
        return real(host, port, *arguments, flags=flags, **options)

    monkeypatch.setattr(socket, "getaddrinfo", note)
    return names


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.7", ["192.0.2.7"]),
        ("2001:db8::7", ["2001:db8::7"]),
        ("localhost", ["127.0.0.1", "::1"]),
        ("LOCALHOST.", ["127.0.0.1", "::1"]),
    ],
)
def test_numeric_addresses_and_localhost_are_not_looked_up(looked_up, host, expected):
    assert [address[4][0] for address in look_up(host, 18944)] == expected
    assert {address[4][1] for address in look_up(host, 18944)} == {18944}
    assert looked_up == []


def test_a_name_is_looked_up(looked_up):
    assert [address[4][0] for address in look_up("server.example", 18944)] == ["127.0.0.1"]
    assert looked_up == ["server.example"]


def test_a_client_looks_a_name_up_once(looked_up):
    # To look it up can wait for a name server, for long where the network is down.
    def answer_once(peer):
        peer.receive()
        peer.send(make_image(7))

    with ScriptedServer(answer_once) as server, net.Client("server.example", server.port) as client:
        for _ in range(3):
            assert client.get_image("A").pixels[0, 0, 0] == 7
        assert server.connections == 3
        assert looked_up == ["server.example"]


def test_a_name_that_led_nowhere_is_looked_up_again(looked_up, source):
    with ServerInThread(source) as server:
        port = server.port
    client = net.Client("server.example", port)
    for _ in range(2):
        with pytest.raises(net.ConnectionFailedError, match=r"server\.example.*refused"):
            client.list_images()
    assert looked_up == ["server.example"] * 2
