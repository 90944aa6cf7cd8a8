"""Certificates with faults, and one end without TLS, at the module's client and at its server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from helpers.certificates import CLIENT_FAULTS, SERVER_FAULTS, faulty_certificate
from helpers.peers import ServerInThread
from helpers.window_sources import SmallSource
from IGTLMetaBrowserLib import net
from IGTLMetaBrowserLib.browser.endpoints.scene_server import SceneServerSettings


def use_tls(user, port: int, authority: Path, certificate: Path | None = None) -> None:
    """Connect with TLS, and leave the server before if there is one."""
    ui = user.ui
    if user.panel.browser.connection.has_server:
        user.press(ui.connectButton)
    ui.hostLineEdit.text = "127.0.0.1"
    ui.portSpinBox.value = port
    ui.advancedCollapsibleButton.collapsed = False
    ui.tlsCheckBox.checked = True
    ui.tlsAuthorityPathLineEdit.currentPath = str(authority)
    ui.tlsCertificatePathLineEdit.currentPath = str(certificate or "")
    user.press(ui.connectButton)


# The module is the client


def test_a_servers_certificate_is_not_trusted_and_it_is_said_why(user, authority):
    for fault, words in SERVER_FAULTS.items():
        certificate, known = faulty_certificate(authority, fault, "127.0.0.1")
        tls = net.ServerTLS(certificate).make_context()
        with ServerInThread(SmallSource(), tls=tls) as server:
            use_tls(user, server.port, known)
            user.wait_for_status(words)
            assert "its certificate is not trusted" in user.status
            assert not user.panel.browser.connection.has_server


def test_the_modules_own_certificate_is_refused_and_it_is_said_why(user, authority):
    own = authority.issue("127.0.0.1")
    for fault, (words, _) in CLIENT_FAULTS.items():
        certificate, _ = faulty_certificate(authority, fault, "client.example")
        revoked = authority.folder / "revoked.pem" if fault == "revoked" else None
        tls = net.ServerTLS(own, client_authority=authority.file, revoked=revoked).make_context()
        with ServerInThread(SmallSource(), tls=tls) as server:
            use_tls(user, server.port, authority.file, certificate)
            user.wait_for_status(words)


def test_a_server_that_requires_tls_is_said_to(user, authority):
    tls = net.ServerTLS(authority.issue("127.0.0.1")).make_context()
    with ServerInThread(SmallSource(), tls=tls) as server:
        user.connect_to(server.port)
        user.wait_for_status("this server requires TLS; connect with TLS")
        assert user.status.endswith("(Advanced: Use TLS).")


# The module is the server


@pytest.fixture
def error_of_client(user) -> Iterator[Callable[[net.ConnectionSettings], str]]:
    """Connects to the shared scene in another thread, in vain; returns the words of the error."""
    with ThreadPoolExecutor(1) as executor:

        def connect(settings: net.ConnectionSettings) -> str:
            port = user.module.widget.logic.sceneEndpoint.address[1]

            def ask() -> str:
                with net.Client("127.0.0.1", port, settings) as client:
                    try:
                        client.list_images()
                    except net.NetworkError as error:
                        return str(error)
                return ""

            future = executor.submit(ask)
            user.wait_for(future.done, "the client's error")
            return future.result()

        yield connect


def refusals(user) -> list[str]:
    return [client.refusal for client in user.module.widget.logic.sceneEndpoint.clients]


def test_clients_of_the_shared_scene_are_refused_in_words_at_both_ends(
    user, authority, error_of_client
):
    own = authority.issue("127.0.0.1")
    for fault, (words_of_client, words_of_server) in CLIENT_FAULTS.items():
        certificate, _ = faulty_certificate(authority, fault, "client.example")
        revoked = authority.folder / "revoked.pem" if fault == "revoked" else None
        tls = net.ServerTLS(own, client_authority=authority.file, revoked=revoked)
        user.module.widget.logic.sceneEndpoint.start(SceneServerSettings(port=0, tls=tls))
        known = net.ClientTLS(authority.file, certificate)
        assert words_of_client in error_of_client(net.ConnectionSettings(tls=known)), fault
        user.wait_for(lambda words=words_of_server: words in str(refusals(user)), fault)


def test_a_plain_client_of_a_scene_that_is_shared_with_tls(user, authority, error_of_client):
    tls = net.ServerTLS(authority.issue("127.0.0.1"))
    user.module.widget.logic.sceneEndpoint.start(SceneServerSettings(port=0, tls=tls))
    assert "this server requires TLS; connect with TLS" in error_of_client(net.ConnectionSettings())
    user.wait_for(lambda: "requires TLS" in str(refusals(user)), "the client among the refused")


def test_a_client_of_tls_of_a_scene_that_is_shared_without(user, authority, error_of_client):
    user.module.widget.logic.sceneEndpoint.start(SceneServerSettings(port=0))
    tls = net.ConnectionSettings(tls=net.ClientTLS(authority.file))
    assert "does not speak TLS" in error_of_client(tls)
    user.wait_for(lambda: "uses TLS" in str(refusals(user)), "the client among the refused")
