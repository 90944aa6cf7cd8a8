"""From a host's name to its addresses: nobody waits for a name server, or asks one in vain."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.peers import PATIENCE, ScriptedServer, ServerInThread, make_image, step_until_event
from IGTLMetaBrowserLib import net
from IGTLMetaBrowserLib.net.host_lookup import HostLookup, known_addresses


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
    assert [address[4][0] for address in known_addresses(host, 18944)] == expected
    assert {address[4][1] for address in known_addresses(host, 18944)} == {18944}
    assert looked_up == []


def test_a_name_is_looked_up(looked_up):
    assert known_addresses("server.example", 18944) == []
    lookup = HostLookup("server.example", 18944)
    lookup.wait(PATIENCE)
    assert [address[4][0] for address in lookup.result()] == ["127.0.0.1"]
    assert looked_up == ["server.example"]


def test_a_client_looks_a_name_up_once(looked_up):
    # To look it up can wait for a name server, for long where the network is down.
    def answer_once(peer):
        peer.receive()
        peer.send(make_image(7, device_name="A"))

    with ScriptedServer(answer_once) as server, net.Client("server.example", server.port) as client:
        for _ in range(3):
            assert client.get_image("A").pixels[0, 0, 0] == 7
        assert server.connections == 3
        assert looked_up == ["server.example"]


def test_a_name_that_led_nowhere_is_looked_up_again(looked_up, reserved_port):
    client = net.Client("server.example", reserved_port)
    for _ in range(2):
        with pytest.raises(net.ConnectionFailedError, match=r"server\.example.*refused"):
            client.list_images()
    assert looked_up == ["server.example"] * 2


# A name server that does not answer


@pytest.fixture
def silent_name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Look-ups of names last until this event is set."""
    answers = threading.Event()
    real = socket.getaddrinfo

    def ask(host, port, *arguments, flags=0, **options):
        if not flags & socket.AI_NUMERICHOST:
            answers.wait(PATIENCE)
            host = "127.0.0.1"
        return real(host, port, *arguments, flags=flags, **options)

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    yield answers
    answers.set()


def test_while_a_name_is_looked_up_a_window_can_do_other_things(silent_name_server, source):
    with ServerInThread(source) as server, net.Client("server.example", server.port) as client:
        client.connect()
        assert client.is_connecting
        assert client.socket is None
        assert client.step() == []
        # The window has nothing to wait for but the time: it looks again soon.
        assert client.next_deadline - time.monotonic() <= 0.05
        silent_name_server.set()
        step_until_event(client, net.Connected)


def test_the_time_of_the_look_up_counts(silent_name_server):
    with net.Client("server.example", connect_timeout=0.2) as client:
        with pytest.raises(net.ConnectionFailedError) as caught:
            client.list_images()
        words = "no name server has answered for 'server.example' in 0.2 s; check the name"
        assert words in str(caught.value)
        assert not client.is_connecting


def test_a_look_up_is_abandoned_when_the_client_is_closed(silent_name_server):
    client = net.Client("server.example")
    query = client.ask("IMGMETA")
    client.close()
    assert isinstance(query.error, net.CancelledError)
    assert not client.is_connecting
    assert client.next_deadline is None


def test_the_end_of_the_program_does_not_wait_for_a_name_server():
    program = """
import socket, threading
socket.getaddrinfo = lambda *arguments, **options: threading.Event().wait()
from IGTLMetaBrowserLib.net.host_lookup import HostLookup
HostLookup("server.example", 1)
print("the end")
"""
    import_root = Path(net.__file__).parents[2]
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {str(import_root)!r})" + program,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stdout == "the end\n"


def test_a_script_sleeps_while_a_name_is_looked_up(silent_name_server):
    client = net.Client("server.example", connect_timeout=0.5)
    query, steps = client.ask("IMGMETA"), 0
    while not query.is_done:
        client.wait_for_socket()
        client.step()
        steps += 1
    assert "no name server has answered" in str(query.error)
    assert steps < 50  # one in 50 ms, and not as many as the processor can
