"""TLS between our two ends: who is trusted, and the words where somebody is not."""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.certificates import Authority
from helpers.peers import PATIENCE, ImagesInMemory, Peer, ServerInThread, make_image, step_until
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client.image_in_parts import get_image_in_parts
from IGTLMetaBrowserLib.net.tls.certificates import fingerprint
from IGTLMetaBrowserLib.net.tls.tls_server import FIRST_BYTE, ServerHandshake

HUGE = (256, 256, 256)


@pytest.fixture
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("other"))


@pytest.fixture
def server_tls(authority: Authority) -> net.ServerTLS:
    return net.ServerTLS(authority.issue("127.0.0.1", "localhost"))


@pytest.fixture
def client_tls(authority: Authority) -> net.ClientTLS:
    return net.ClientTLS(authority.file)


def serving(tls: net.ServerTLS, **options: object) -> ServerInThread:
    source = ImagesInMemory({"A": make_image(5), "HUGE": make_image(1, HUGE)})
    return ServerInThread(source, tls=tls.make_context(), **options)


def error_of(client: net.Client) -> net.NetworkError:
    with client, pytest.raises(net.NetworkError) as raised:
        client.list_images()
    return raised.value


def test_images_large_and_small(server_tls: net.ServerTLS, client_tls: net.ClientTLS):
    with serving(server_tls) as server, server.client(tls=client_tls) as client:
        assert [item.id for item in client.list_images()] == ["A", "HUGE"]
        for _ in range(2):
            assert np.array_equal(client.get_image("HUGE").pixels, make_image(1, HUGE).pixels)
            assert client.get_image("A").pixels[0, 0, 0] == 5


def test_parts_and_thumbnails(server_tls: net.ServerTLS, client_tls: net.ClientTLS):
    whole = make_image(1, HUGE).pixels
    request = codec.GetImagePartMessage(
        stride=(2, 2, 2), encodings=(codec.PartEncoding.ZIGZAG_DELTAS,), device_name="HUGE"
    )
    with serving(server_tls) as server, server.client(tls=client_tls) as client:
        assert np.array_equal(client.get_image_part(request).voxels(), whole[::2, ::2, ::2])
        assert len(client.get_thumbnail("HUGE").planes) == 3
        assert np.array_equal(get_image_in_parts(client, "HUGE").pixels, whole)


def test_many_queries_at_once(server_tls: net.ServerTLS, client_tls: net.ClientTLS):
    """What TLS has read of the socket already, a selector does not show."""
    with serving(server_tls) as server, server.client(tls=client_tls) as client:
        queries = [client.ask("IMAGE", "A") for _ in range(1000)]
        assert all(client.wait(query).device_name == "A" for query in queries)


def test_one_byte_at_a_time(server_tls: net.ServerTLS, authority: Authority):
    context = ssl.create_default_context(cafile=authority.file)
    with (
        serving(server_tls) as server,
        socket.create_connection((server.host, server.port), PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as sock,
        Peer(sock) as peer,
    ):
        for byte in codec.pack(codec.GetMessage("IMAGE", device_name="A")):
            peer.send(bytes([byte]))
        assert peer.receive().device_name == "A"


@pytest.mark.parametrize("method", ["__init__", "step"])
def test_who_comes_when_the_memory_is_used_up_costs_the_others_nothing(
    server_tls: net.ServerTLS,
    client_tls: net.ClientTLS,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
):
    def fail(*_arguments: object) -> None:
        raise MemoryError

    with serving(server_tls) as server, server.client(tls=client_tls) as good:
        good.list_images()
        with monkeypatch.context() as changed:
            changed.setattr(ServerHandshake, method, fail)
            error_of(server.client(tls=client_tls))
        assert good.get_image("A").pixels[0, 0, 0] == 5
        assert len(server.server.clients) == 1


def test_only_tls_1_2_and_later(server_tls: net.ServerTLS, client_tls: net.ClientTLS):
    for context in (server_tls.make_context(), client_tls.make_context()):
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


# Whom the client trusts


def test_a_certificate_of_an_unknown_authority_is_not_trusted_and_shown(
    server_tls: net.ServerTLS, other_authority: Authority
):
    with serving(server_tls) as server:
        tls = net.ClientTLS(other_authority.file)
        error = error_of(server.client(tls=tls))
        assert isinstance(error, net.UntrustedCertificateError)
        assert "its certificate is not trusted: unable to get local issuer" in str(error)
        assert error.fingerprint in str(error)
        # The user accepts it, once.
        tls = replace(tls, accepted_fingerprint=error.fingerprint)
        with server.client(tls=tls) as client:
            assert client.get_image("A").pixels[0, 0, 0] == 5


def test_the_fingerprint_is_that_of_openssl(server_tls: net.ServerTLS, other_authority: Authority):
    pem = server_tls.certificate.read_text()
    certificate = pem[pem.index("-----BEGIN CERTIFICATE") :].split("-----END CERTIFICATE-----")[0]
    der = ssl.PEM_cert_to_DER_cert(certificate + "-----END CERTIFICATE-----\n")
    with serving(server_tls) as server:
        error = error_of(server.client(tls=net.ClientTLS(other_authority.file)))
    assert isinstance(error, net.UntrustedCertificateError)
    assert error.fingerprint == fingerprint(der)
    assert len(error.fingerprint) == 95


def test_another_certificate_than_the_accepted_one_is_not_trusted(
    server_tls: net.ServerTLS, other_authority: Authority
):
    accepted = net.ClientTLS(accepted_fingerprint="AB:" * 31 + "AB")
    with serving(server_tls) as server:
        error = error_of(server.client(tls=accepted))
    assert isinstance(error, net.UntrustedCertificateError)
    assert "not the one that was accepted" in str(error)


def test_a_certificate_for_another_host_is_not_trusted(
    authority: Authority, client_tls: net.ClientTLS
):
    with serving(net.ServerTLS(authority.issue("other.example"))) as server:
        assert "IP address mismatch" in str(error_of(server.client(tls=client_tls)))
        named = replace(client_tls, server_name="other.example")
        with server.client(tls=named) as client:
            assert client.get_image("A").pixels[0, 0, 0] == 5


def test_an_expired_certificate_is_not_trusted(authority: Authority, client_tls: net.ClientTLS):
    with serving(net.ServerTLS(authority.issue("127.0.0.1", expired=True))) as server:
        assert "certificate has expired" in str(error_of(server.client(tls=client_tls)))


# Whom the server trusts


@pytest.fixture
def strict(authority: Authority, server_tls: net.ServerTLS) -> net.ServerTLS:
    return replace(server_tls, client_authority=authority.file)


def test_a_client_with_a_certificate_comes_in_under_its_name(
    strict: net.ServerTLS, client_tls: net.ClientTLS, authority: Authority
):
    shown = authority.issue("planner.example", common_name="Planner 3")
    events: list[net.ServerEvent] = []
    with serving(strict, observer=events.append) as server:
        tls = replace(client_tls, certificate=shown)
        with server.client(tls=tls) as client:
            assert client.get_image("A").pixels[0, 0, 0] == 5
    assert {event.certificate for event in events} == {"Planner 3"}


def test_a_client_without_a_certificate_is_refused_in_words_at_both_ends(
    strict: net.ServerTLS, client_tls: net.ClientTLS, caplog: pytest.LogCaptureFixture
):
    with serving(strict) as server:
        error = error_of(server.client(tls=client_tls))
    assert "the server requires a certificate from clients" in str(error)
    assert "the other end presented no certificate" in caplog.text


def test_a_client_whose_certificate_is_of_another_authority_is_refused(
    strict: net.ServerTLS,
    client_tls: net.ClientTLS,
    other_authority: Authority,
    caplog: pytest.LogCaptureFixture,
):
    tls = replace(client_tls, certificate=other_authority.issue("intruder.example"))
    with serving(strict) as server:
        error = error_of(server.client(tls=tls))
    assert "does not trust the certificate of this end" in str(error)
    assert "is not trusted: unable to get local issuer certificate" in caplog.text


def test_a_client_whose_certificate_has_expired_is_refused(
    strict: net.ServerTLS,
    client_tls: net.ClientTLS,
    authority: Authority,
    caplog: pytest.LogCaptureFixture,
):
    tls = replace(client_tls, certificate=authority.issue("old.example", expired=True))
    with serving(strict) as server:
        error = error_of(server.client(tls=tls))
    assert "the certificate of this end has expired" in str(error)
    assert "certificate has expired" in caplog.text


def test_a_client_whose_certificate_was_revoked_is_refused(
    strict: net.ServerTLS,
    client_tls: net.ClientTLS,
    tmp_path: Path,
    authority: Authority,
    caplog: pytest.LogCaptureFixture,
):
    lost, good = authority.issue("lost.example"), authority.issue("good.example")
    tls = replace(strict, revoked=authority.revoke(lost))
    with serving(tls) as server:
        with server.client(tls=replace(client_tls, certificate=good)) as client:
            assert client.get_image("A").pixels[0, 0, 0] == 5
        error = error_of(server.client(tls=replace(client_tls, certificate=lost)))
    assert "the certificate of this end was revoked" in str(error)
    assert "certificate revoked" in caplog.text


def test_a_server_whose_certificate_was_revoked_is_not_trusted(
    tmp_path: Path, authority: Authority
):
    """By the list of revoked certificates in the file of the authority."""
    stolen, good = authority.issue("127.0.0.1"), authority.issue("127.0.0.1", "good.example")
    file = tmp_path / "authority-and-revoked.pem"
    file.write_text(authority.file.read_text() + authority.revoke(stolen).read_text())
    known = net.ClientTLS(file)
    with serving(net.ServerTLS(good)) as server, server.client(tls=known) as client:
        assert client.get_image("A").pixels[0, 0, 0] == 5
    with serving(net.ServerTLS(stolen)) as server:
        error = error_of(server.client(tls=known))
    assert isinstance(error, net.UntrustedCertificateError)
    assert "certificate revoked" in str(error)


# One end without TLS


def test_a_plain_client_at_a_tls_port_hears_why(
    server_tls: net.ServerTLS, caplog: pytest.LogCaptureFixture
):
    with serving(server_tls) as server, Peer.connect(server.port) as peer:
        peer.send(codec.GetMessage("IMGMETA"))
        status = peer.receive()
        assert isinstance(status, codec.StatusMessage)
        assert status.message == "this server requires TLS; connect with TLS"
        peer.wait_until_closed()
        assert "requires TLS" in str(error_of(server.client()))
    assert "is refused: this server requires TLS" in caplog.text


def test_a_client_that_resets_the_connection_before_the_handshake_harms_nobody(
    server_tls: net.ServerTLS, client_tls: net.ClientTLS
):
    """Found by the fault proxy: OpenSSL was not asked yet, and the server ended."""
    source = ImagesInMemory({"A": make_image(5)})
    with net.Server(source, port=0, tls=server_tls.make_context()) as server:
        sock = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
        sock.sendall(FIRST_BYTE)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        for _ in range(3):
            server.step()
        with net.Client("127.0.0.1", server.port, tls=client_tls) as client:
            query = client.ask("IMAGE", "A")
            step_until(client, lambda: query.is_done, server)
        assert query.answer.pixels[0, 0, 0] == 5


def test_a_client_of_tls_at_a_plain_port_hears_why(
    client_tls: net.ClientTLS, caplog: pytest.LogCaptureFixture
):
    with ServerInThread(ImagesInMemory()) as server:
        error = error_of(server.client(tls=client_tls))
    assert isinstance(error, net.TLSError)
    assert "the other end does not speak TLS" in str(error)
    assert "; connect without TLS, or to another port" in str(error)
    assert "it uses TLS, which this server does not" in caplog.text


def test_a_client_of_tls_at_a_silent_port_gives_up_in_time(client_tls: net.ClientTLS):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        error = error_of(net.Client("127.0.0.1", port, tls=client_tls, connect_timeout=0.3))
    assert "not answered the TLS handshake in 0.3 s; if it does not speak TLS, c" in str(error)


def test_who_is_not_let_in_gets_an_alert(server_tls: net.ServerTLS, client_tls: net.ClientTLS):
    limits = net.ServerLimits(max_clients=1)
    with (
        serving(server_tls, limits=limits) as server,
        server.client(tls=client_tls) as first,
    ):
        first.list_images()
        error = error_of(server.client(tls=client_tls))
    assert "accepts no connections from this address, or is full" in str(error)


def test_who_does_not_go_on_with_the_handshake_keeps_nobody_waiting_and_is_dropped(
    server_tls: net.ServerTLS, client_tls: net.ClientTLS, monkeypatch: pytest.MonkeyPatch
):
    """Who sends nothing, and who sends its ClientHello a byte at a time."""
    with serving(server_tls) as server, ExitStack() as stack:
        silent = [stack.enter_context(Peer.connect(server.port)) for _ in range(20)]
        slow = [stack.enter_context(Peer.connect(server.port)) for _ in range(20)]
        for byte in (b"\x16", b"\x03", b"\x01", b"\x02"):
            for peer in slow:
                peer.send(byte)
            with server.client(tls=client_tls) as client:
                assert client.get_image("A").pixels[0, 0, 0] == 5
        assert len(server.server.clients) >= 40  # they are counted as connections
        monkeypatch.setattr("IGTLMetaBrowserLib.net.acceptor.HANDSHAKE_SECONDS", 0.0)
        for peer in silent + slow:
            peer.wait_until_closed()


def test_new_certificates_are_for_those_who_connect_from_then_on(
    server_tls: net.ServerTLS, client_tls: net.ClientTLS, other_authority: Authority
):
    with serving(server_tls) as server, server.client(tls=client_tls) as old:
        old.list_images()
        renewed = net.ServerTLS(other_authority.issue("127.0.0.1"))
        server.server.tls = renewed.make_context()
        with server.client(tls=net.ClientTLS(other_authority.file)) as new:
            assert new.get_image("A").pixels[0, 0, 0] == 5
        assert old.get_image("A").pixels[0, 0, 0] == 5


# Files


def test_wrong_files_are_named(tmp_path: Path, authority: Authority):
    missing, empty = tmp_path / "missing.pem", tmp_path / "empty.pem"
    empty.write_text("")
    own, other = authority.issue("a.example"), authority.issue("b.example")
    for settings, words in [
        (net.ServerTLS(missing), f"'{missing}' cannot be read: No such file"),
        (net.ServerTLS(empty), f"no certificate with its private key in '{empty}'"),
        (net.ServerTLS(empty), "has no -----BEGIN CERTIFICATE-----; convert it to PEM"),
        (net.ServerTLS(authority.file), f"'{authority.file}' has no private key in PEM; name"),
        (net.ServerTLS(own, other), "the key is that of another certificate"),
        (
            net.ServerTLS(own, None, authority.file, own),
            f"no list of revoked certificates in '{own}'",
        ),
        (net.ClientTLS(empty), f"no certificates in '{empty}'"),
        (net.ClientTLS(empty), "; name a PEM file that has some"),
        (net.ClientTLS(authority.file, missing), f"'{missing}' cannot be read"),
    ]:
        with pytest.raises(net.TLSError) as raised:
            settings.make_context()
        assert words in str(raised.value)


class TestSessionsOfTLS12:
    """They can be resumed while the connection is open that began them, without a certificate."""

    @pytest.fixture
    def context(self, authority: Authority) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=authority.file)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(authority.issue("client"))
        return context

    @staticmethod
    def connected(port: int, context: ssl.SSLContext, session: ssl.SSLSession | None = None):
        sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        return context.wrap_socket(sock, server_hostname="127.0.0.1", session=session)

    @staticmethod
    def answer(sock: ssl.SSLSocket) -> bytes:
        """Return the beginning of the answer to a query; empty if the connection is closed."""
        try:
            sock.sendall(codec.pack(codec.GetMessage("STATUS")))
            return sock.recv(codec.HEADER_SIZE)
        except OSError:
            return b""

    def test_a_client_whose_certificate_counts_is_not_let_in_by_one(
        self, authority: Authority, server_tls: net.ServerTLS, context: ssl.SSLContext
    ):
        tls = replace(server_tls, client_authority=authority.file)
        with serving(tls) as server, self.connected(server.port, context) as first:
            assert self.answer(first)
            session = first.session
            with self.connected(server.port, context, session) as second:
                assert second.session_reused
                assert not self.answer(second)
            with self.connected(server.port, context, session) as third:  # which is forgotten now
                assert not third.session_reused
                assert self.answer(third)

    def test_where_no_certificate_counts_they_do(
        self, server_tls: net.ServerTLS, context: ssl.SSLContext
    ):
        with serving(server_tls) as server, self.connected(server.port, context) as first:
            assert self.answer(first)
            with self.connected(server.port, context, first.session) as second:
                assert self.answer(second)
