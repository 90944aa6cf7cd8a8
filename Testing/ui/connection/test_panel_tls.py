"""TLS in the panel: its fields, and the certificate that a user trusts once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from helpers.peers import ServerInThread
from helpers.window_sources import SmallSource
from IGTLMetaBrowserLib import net


@pytest.fixture
def serve(authority) -> Iterator[Callable[..., int]]:
    """Serves with TLS: ``serve(**options of net.ServerTLS)`` returns the port."""
    with ExitStack() as servers:

        def start(**options: Path) -> int:
            tls = net.ServerTLS(authority.issue("127.0.0.1"), **options).make_context()
            return servers.enter_context(ServerInThread(SmallSource(), tls=tls)).port

        yield start


def type_address(user, port: int) -> None:
    user.ui.hostLineEdit.text = "127.0.0.1"
    user.ui.portSpinBox.value = port


def use_tls(user, port: int, authority: Path | None = None, certificate: Path | None = None):
    type_address(user, port)
    user.ui.advancedCollapsibleButton.collapsed = False
    user.ui.tlsCheckBox.click()
    user.ui.tlsAuthorityPathLineEdit.currentPath = str(authority or "")
    user.ui.tlsCertificatePathLineEdit.currentPath = str(certificate or "")


def test_the_files_have_fields_only_if_tls_is_used(user):
    user.ui.advancedCollapsibleButton.collapsed = False
    assert not user.ui.tlsWidget.visible
    user.ui.tlsCheckBox.click()
    assert user.ui.tlsWidget.visible
    assert not user.ui.forgetCertificateButton.visible


def test_a_certificate_of_an_authority_that_the_user_names(user, serve, authority):
    port = serve()
    use_tls(user, port, authority.file)
    user.connect_to(port)
    user.wait_for_status("offers 4 images")
    assert not user.ui.certificateWidget.visible
    user.press(user.ui.connectButton)
    # It is kept with this server.
    type_address(user, 1)
    assert not user.ui.tlsCheckBox.checked
    type_address(user, port)
    assert user.ui.tlsCheckBox.checked
    assert user.ui.tlsAuthorityPathLineEdit.currentPath == str(authority.file)


def test_a_server_that_wants_a_certificate_from_its_clients(user, serve, authority):
    port = serve(client_authority=authority.file)
    use_tls(user, port, authority.file, authority.issue("client.example"))
    user.connect_to(port)
    user.wait_for_status("offers 4 images")
    user.press(user.ui.connectButton)


def test_a_certificate_that_is_not_trusted_is_shown_and_the_user_trusts_it_once(user, serve):
    port = serve()
    use_tls(user, port)
    user.connect_to(port)
    user.wait_for(lambda: user.ui.certificateWidget.visible, "the question")
    assert "its certificate is not trusted" in user.status
    shown = user.ui.fingerprintLabel.text.replace("\n", "")
    fingerprint = shown.partition("certificate:")[2][:95]
    assert fingerprint.count(":") == 31
    assert fingerprint not in user.status
    assert user.ui.connectButton.text == "&Connect"

    user.press(user.ui.trustButton)
    user.wait_for_status("offers 4 images")
    assert not user.ui.certificateWidget.visible
    assert fingerprint in user.ui.acceptedCertificateLabel.toolTip
    user.press(user.ui.connectButton)

    user.module.reload()
    user.connect_to(port)
    user.wait_for_status("offers 4 images")
    user.press(user.ui.connectButton)


def test_a_certificate_that_is_forgotten_is_asked_about_again(user, serve):
    port = serve()
    use_tls(user, port)
    user.connect_to(port)
    user.wait_for(lambda: user.ui.certificateWidget.visible, "the question")
    user.press(user.ui.trustButton)
    user.wait_for_status("offers 4 images")
    user.press(user.ui.connectButton)
    user.press(user.ui.forgetCertificateButton)
    user.connect_to(port)
    user.wait_for(lambda: user.ui.certificateWidget.visible, "the question")


def test_a_user_who_does_not_trust_it_is_not_connected(user, serve, small_server):
    port = serve()
    use_tls(user, port)
    user.connect_to(port)
    user.wait_for(lambda: user.ui.certificateWidget.visible, "the question")
    user.press(user.ui.dontTrustButton)
    assert not user.ui.certificateWidget.visible
    user.ui.serverCollapsibleButton.collapsed = True
    user.ui.serverCollapsibleButton.collapsed = False
    assert not user.ui.certificateWidget.visible
    assert not user.panel.browser.connection.has_server


def test_the_question_ends_when_another_server_is_chosen(user, serve, small_server):
    port = serve()
    use_tls(user, port)
    user.connect_to(port)
    user.wait_for(lambda: user.ui.certificateWidget.visible, "the question")
    user.connect_to(small_server)
    assert not user.ui.certificateWidget.visible
    user.wait_for_status("offers 4 images")
    user.press(user.ui.connectButton)


def test_a_server_without_tls_is_said_to_speak_none(user, small_server):
    use_tls(user, small_server)
    user.connect_to(small_server)
    user.wait_for_status("does not speak TLS")
    assert not user.ui.certificateWidget.visible


def test_a_file_that_cannot_be_read_is_named(user, serve, tmp_path):
    port = serve()
    use_tls(user, port, tmp_path / "none.pem")
    user.connect_to(port)
    user.wait_for_status("none.pem")


def test_settings_with_tls_are_read_as_they_were_kept(slicer_host):
    from IGTLMetaBrowserLib.ui.connection.server_settings import keepSettings, settingsOf

    tls = net.ClientTLS(Path("ca.pem"), Path("me.pem"), Path("me.key"), "a.example", "AB:CD")
    keepSettings("host", 1, net.ConnectionSettings(tls=tls))
    assert settingsOf("host", 1).tls == tls
    keepSettings("host", 1, net.ConnectionSettings(tls=net.ClientTLS()))
    assert settingsOf("host", 1).tls == net.ClientTLS()


@pytest.mark.parametrize("stored", ['{"tls": 5}', '{"tls": {"no_such": "1", "authority": 7}}'])
def test_a_server_keeps_tls_whatever_something_else_wrote_of_it(slicer_host, stored):
    from IGTLMetaBrowserLib.ui.connection.server_settings import settingsOf

    slicer_host.app.settings().setValue("IGTLMetaBrowser/Servers/host:1", stored)
    assert settingsOf("host", 1) == net.ConnectionSettings(tls=net.ClientTLS())
