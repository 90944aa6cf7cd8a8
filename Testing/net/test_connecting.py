"""Making a connection: wrong names, refused ports, silence, and hosts with several addresses."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterator

import pytest

from helpers.patience import Patience
from helpers.peers import (
    PATIENCE,
    Peer,
    ScriptedServer,
    ServerInThread,
    open_descriptors,
    serve_well,
    step_until,
    step_until_event,
)
from IGTLMetaBrowserLib import net


@pytest.fixture
def refused_port() -> Iterator[int]:
    """A port of 127.0.0.1 that is taken, but on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@pytest.fixture
def silent_address() -> Iterator[tuple[str, int]]:
    """An address that does not answer: its queue of connections is full, and nobody accepts."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = []
        for _ in range(20):
            sock = socket.socket()
            waiting.append(sock)
            sock.settimeout(0.1)
            try:
                sock.connect(address)
            except TimeoutError:
                break
        else:
            pytest.skip("this system accepts connections for a full queue")
        yield address
        for sock in waiting:
            sock.close()


def has_addresses(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """Let every host name stand for these addresses, in this order."""
    found = [
        (
            socket.AF_INET6 if ":" in host else socket.AF_INET,
            socket.SOCK_STREAM,
            socket.IPPROTO_TCP,
            "",
            (host, port),
        )
        for host, port in addresses
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: found)


# What the user reads


@pytest.mark.parametrize(
    "host", ["no-such-host.invalid", "", "a" * 300, "bad..name", "nul\0character"], ids=repr
)
def test_a_wrong_host_name(host: str):
    with net.Client(host, 18944) as client, pytest.raises(net.ConnectionFailedError) as caught:
        client.list_images()
    assert "is not known" in str(caught.value)
    assert "check the name" in str(caught.value)


@pytest.mark.parametrize("host", ["localhost:18944", "http://localhost"])
def test_a_host_with_its_port_or_as_a_url_is_told_what_it_is(host: str) -> None:
    with pytest.raises(net.ConnectionFailedError, match="without port and http://"):
        net.Client(host).list_images()


def test_a_refused_port(refused_port: int):
    with (
        net.Client("127.0.0.1", refused_port) as client,
        pytest.raises(net.ConnectionFailedError) as caught,
    ):
        client.list_images()
    assert f"cannot connect to 127.0.0.1:{refused_port}: Connection refused" in str(caught.value)
    assert "check the port, and whether the server is running" in str(caught.value)


def test_a_socket_that_connects_to_itself_is_refused(monkeypatch: pytest.MonkeyPatch):
    """The system may choose the port at which nobody listens for the client's own end."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        free_port = sock.getsockname()[1]

    class SocketOfThatPort(socket.socket):
        def connect_ex(self, address: tuple[str, int]) -> int:
            self.bind(address)
            return super().connect_ex(address)

    monkeypatch.setattr(socket, "socket", SocketOfThatPort)
    client = net.Client("127.0.0.1", free_port)
    with client, pytest.raises(net.ConnectionFailedError, match="refused"):
        client.list_images()


def test_on_windows_a_refused_port_has_the_words_that_sockets_have_there(
    refused_port: int, monkeypatch: pytest.MonkeyPatch
):
    texts = {errno.ECONNREFUSED: "Refused, says Windows."}
    monkeypatch.setattr(socket, "errorTab", texts, raising=False)
    with (
        net.Client("127.0.0.1", refused_port) as client,
        pytest.raises(net.ConnectionFailedError, match="Refused, says Windows; check the port"),
    ):
        client.list_images()


@pytest.mark.parametrize("port", [-1, 0, 65536, 70000])
def test_a_port_that_cannot_be(port: int):
    # 70000 is not to become 4464, its lower 16 bits.
    with (
        net.Client("127.0.0.1", port) as client,
        pytest.raises(net.ConnectionFailedError) as caught,
    ):
        client.list_images()
    assert f"{port}" in str(caught.value)
    assert "1 to 65535" in str(caught.value)


def test_a_server_that_does_not_accept(silent_address: tuple[str, int]):
    with (
        net.Client(*silent_address, connect_timeout=0.3) as client,
        pytest.raises(net.ConnectionFailedError) as caught,
    ):
        client.list_images()
    assert f"127.0.0.1:{silent_address[1]} does not answer" in str(caught.value)
    assert "firewall" in str(caught.value)


def test_after_a_failure_the_next_query_connects_anew(refused_port: int):
    client = net.Client("127.0.0.1", refused_port)
    with pytest.raises(net.ConnectionFailedError):
        client.list_images()
    with ScriptedServer(serve_well) as server, client:
        client.port = server.port
        assert client.get_image("A").pixels[0, 0, 0] == 7


# What a window does


def test_the_events_of_a_failure(refused_port: int):
    with net.Client("127.0.0.1", refused_port) as client:
        query = client.ask("IMGMETA")
        events = step_until(client, lambda: query.is_done)
    assert events == [net.Disconnected(query.error), net.Finished(query)]
    assert not client.is_connecting


def test_a_wrong_host_name_is_told_at_once_and_not_at_the_deadline():
    with net.Client("no-such-host.invalid", connect_timeout=60) as client:
        client.connect()
        assert client.socket is None
        event = step_until_event(client, net.Disconnected)
        assert client.next_deadline is None
        assert "is not known" in str(event.error)


def test_connecting_does_not_wait(silent_address: tuple[str, int]):
    with net.Client(*silent_address, connect_timeout=60) as client:
        client.connect()
        assert client.step() == []
        assert client.is_connecting
        assert client.wants_write


def test_a_query_can_be_cancelled_while_connecting(
    silent_address: tuple[str, int], clock: list[float]
):
    with net.Client(*silent_address, connect_timeout=2.0) as client:
        query = client.ask("IMGMETA")
        client.step()
        client.cancel(query)
        assert isinstance(query.error, net.CancelledError)
        clock[0] += 2.0
        event = step_until_event(client, net.Disconnected)
        assert isinstance(event.error, net.ConnectionFailedError)


# Several addresses


def let_the_first_address_fail(client: net.Client, clock: list[float]) -> None:
    """It does not answer. Half of the time is left for the second; it would not connect without."""
    client.connect()
    step_until(client, lambda: client.socket is not None)  # the name is looked up
    clock[0] += client.settings.connect_timeout / 2


def test_the_next_address_is_tried_where_the_first_refuses(
    monkeypatch: pytest.MonkeyPatch, running_server: ServerInThread, refused_port: int
):
    has_addresses(monkeypatch, ("127.0.0.1", refused_port), ("127.0.0.1", running_server.port))
    with net.Client("server.example") as client:
        assert client.get_image("A").device_name == "A"


def test_the_next_address_is_tried_where_the_first_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
    clock: list[float],
    running_server: ServerInThread,
    silent_address: tuple[str, int],
):
    # As with a host that has an IPv6 address in a network where IPv6 leads nowhere.
    has_addresses(monkeypatch, silent_address, ("127.0.0.1", running_server.port))
    with net.Client("server.example", connect_timeout=2.0) as client:
        let_the_first_address_fail(client, clock)
        assert client.get_image("A").device_name == "A"


def test_the_next_address_is_tried_where_this_machine_has_no_such_sockets(
    monkeypatch: pytest.MonkeyPatch, running_server: ServerInThread
):
    # As in a container whose kernel has no IPv6, though the name server knows such an address.
    # AppleTalk stands for IPv6 here: no system of today has streams of it.
    has_addresses(monkeypatch, ("::1", 9), ("127.0.0.1", running_server.port))
    found = socket.getaddrinfo()
    found[0] = (socket.AF_APPLETALK, *found[0][1:])
    with net.Client("server.example") as client:
        assert client.get_image("A").device_name == "A"


def test_where_all_addresses_fail_the_last_failure_is_told(
    monkeypatch: pytest.MonkeyPatch, refused_port: int
):
    has_addresses(monkeypatch, ("127.0.0.1", refused_port), ("127.0.0.2", refused_port))
    with (
        net.Client("server.example", 18944) as client,
        pytest.raises(net.ConnectionFailedError, match=r"server\.example:18944.*refused"),
    ):
        client.list_images()


def test_all_addresses_share_the_time(
    monkeypatch: pytest.MonkeyPatch, silent_address: tuple[str, int]
):
    has_addresses(monkeypatch, silent_address, silent_address, silent_address)
    begin = time.monotonic()
    with (
        net.Client("server.example", connect_timeout=0.6) as client,
        pytest.raises(net.ConnectionFailedError, match="does not answer"),
    ):
        client.list_images()
    assert time.monotonic() - begin > 0.5


# Nothing leaks


def test_no_socket_stays_open(refused_port: int, silent_address: tuple[str, int]):
    def close_in_the_middle(peer: Peer) -> None:
        peer.receive()
        peer.send(b"\0\1IMAGE")

    with ScriptedServer(close_in_the_middle) as server:
        attempts = [
            ("127.0.0.1", refused_port),
            ("no-such-host.invalid", 1),
            silent_address,
            ("127.0.0.1", server.port),
        ]
        for _ in range(2):  # the first round opens what stays open, such as the resolver's
            before = open_descriptors()
            for host, port in attempts * 3:
                client = net.Client(host, port, connect_timeout=0.05)
                with pytest.raises(net.NetworkError):
                    client.list_images()
                assert client.socket is None
        patience = Patience(PATIENCE)
        while open_descriptors() > before:  # until look-ups that nobody waits for have ended
            assert not patience.is_over, "sockets stay open"


@pytest.mark.parametrize("error", [errno.EADDRNOTAVAIL, errno.ENETUNREACH, errno.EHOSTUNREACH])
@pytest.mark.parametrize("is_first", [False, True])
def test_a_computer_without_ipv6_says_what_the_other_address_said(
    refused_port: int, monkeypatch: pytest.MonkeyPatch, is_first: bool, error: int
):
    """As many containers are: that ::1 is no address there, or that there is no route, says nothing
    of the server."""

    class WithoutIPv6(socket.socket):
        def connect_ex(self, address: tuple[str, int]) -> int:
            is_ipv6 = self.family == socket.AF_INET6
            return error if is_ipv6 else super().connect_ex(address)

    monkeypatch.setattr(socket, "socket", WithoutIPv6)
    addresses = [("127.0.0.1", refused_port), ("::1", refused_port)]
    has_addresses(monkeypatch, *(reversed(addresses) if is_first else addresses))
    client = net.Client("somewhere.example", refused_port)
    with client, pytest.raises(net.ConnectionFailedError, match="Connection refused; check the p"):
        client.list_images()


def test_a_server_that_has_moved_to_another_address_is_found_there(
    refused_port: int, monkeypatch: pytest.MonkeyPatch
):
    """As a container that is started again has: the window connects again with the same client."""
    with net.Client("somewhere.example", 18944) as client:
        with ScriptedServer(serve_well) as server:
            has_addresses(monkeypatch, ("127.0.0.1", server.port))
            client.list_images()
        client.close()
        with ScriptedServer(serve_well) as moved:
            has_addresses(monkeypatch, ("127.0.0.1", moved.port))
            with pytest.raises(net.ConnectionFailedError):
                client.list_images()
            client.list_images()


def test_the_address_that_has_answered_is_the_first_to_be_tried_again(
    silent_address: tuple[str, int], monkeypatch: pytest.MonkeyPatch, clock: list[float]
):
    with ScriptedServer(serve_well, serve_well) as server:
        has_addresses(monkeypatch, silent_address, ("127.0.0.1", server.port))
        with net.Client("somewhere.example", 18944, connect_timeout=2.0) as client:
            let_the_first_address_fail(client, clock)
            client.get_image("A")
            client.close()
            tried = []
            connect_ex = socket.socket.connect_ex
            monkeypatch.setattr(
                socket.socket,
                "connect_ex",
                lambda sock, address: tried.append(address) or connect_ex(sock, address),
            )
            client.get_image("A")
    assert tried == [("127.0.0.1", server.port)]
