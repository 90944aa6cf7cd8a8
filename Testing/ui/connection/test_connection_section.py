"""What the window shows of the connection: words, colors, and how long it waits."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from PySide6.QtGui import QColor

from helpers.peers import Peer, ScriptedServer, ServerInThread
from helpers.window_sources import SmallSource
from IGTLMetaBrowserLib import codec

LIST = codec.ImageMetaMessage(items=[codec.ImageMetaItem("Head", "A")])


def shown(user) -> str:
    return user.ui.connectionLabel.text


def color(user) -> QColor:
    return QColor(user.ui.connectionLabel.styleSheet.removeprefix("color: ").partition(";")[0])


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where connections are neither taken nor refused: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        yield port
        for one in waiting:
            one.close()


def test_not_connected(user):
    assert shown(user) == "Not connected"
    assert user.ui.connectButton.text == "&Connect"
    assert user.ui.demoButton.visible
    assert not user.ui.retryButton.visible


def test_connecting_shows_when_it_gives_up(user, silent_port):
    user.connect_to(silent_port)
    # Not at once: a thread makes an address of the host, for which it needs a processor.
    user.wait_for(lambda: "gives up in" in shown(user), "the time that is left")
    assert shown(user).startswith(f"Connecting to 127.0.0.1:{silent_port}, gives up in ")
    seconds = shown(user).removesuffix(" s").split()[-1]
    assert 4 <= int(seconds) <= 5
    assert user.ui.connectButton.text == "Dis&connect"
    user.wait_for(lambda: shown(user).endswith("gives up in 3 s"), "the count-down")


def test_connected(user, small_server):
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")
    assert shown(user) == f"Connected to 127.0.0.1:{small_server}"
    assert color(user).green() > max(color(user).red(), color(user).blue())
    assert not user.ui.hostLineEdit.enabled
    assert not user.ui.demoButton.visible


def test_waiting_for_an_answer_shows_how_long(user):
    def keep_silent(peer: Peer) -> None:
        peer.receive()
        peer.wait_until_closed()

    with ScriptedServer(keep_silent) as server:
        user.connect_to(server.port)
        user.wait_for(lambda: "waiting for an answer" in shown(user), "the state")
        user.wait_for(lambda: shown(user).endswith(" s at most"), "the count-down")
        user.press(user.ui.connectButton)
    assert shown(user) == "Not connected"


def test_a_lost_connection_shows_when_it_is_tried_again(user):
    def answer_and_leave(peer: Peer) -> None:
        peer.receive()
        peer.send(LIST)

    with ScriptedServer(answer_and_leave, Peer.wait_until_closed) as server:
        user.connect_to(server.port)
        user.wait_for(lambda: "lost" in shown(user), "the loss")
        words = f"Connection to 127.0.0.1:{server.port} lost, next attempt in 1 s"
        assert shown(user) == words
        assert color(user).red() > max(color(user).green(), color(user).blue())
        assert user.ui.retryButton.visible
        assert "not connected now" in user.ui.listedLabel.text
        assert user.ids() == ["A"]  # what it offered can still be read

        user.press(user.ui.retryButton)
        user.wait_for(lambda: shown(user).startswith("Connected"), "the connection")
        assert not user.ui.retryButton.visible
        assert "not connected now" not in user.ui.listedLabel.text


def test_a_server_that_comes_back_is_connected_again_without_the_user(user, reserved_port):
    with ServerInThread(SmallSource(), port=reserved_port):
        user.connect_to(reserved_port)
        user.wait_for_status("offers 4 images")
        user.select("B")
    user.wait_for(lambda: "lost" in shown(user), "the loss")
    with ServerInThread(SmallSource(), port=reserved_port):
        user.wait_for(lambda: shown(user).startswith("Connected"), "the connection")
        assert user.panel.images.selection.imageIds() == ["B"]
        user.press(user.ui.loadButton)
        user.wait_for_status("'Image B' is loaded")


def test_a_list_that_was_lost_with_the_connection_is_read_from_the_next_one(user):
    asked = []

    def hang_up(peer: Peer) -> None:
        asked.append(peer.receive())

    def answer(peer: Peer) -> None:
        asked.append(peer.receive())
        peer.send(LIST)
        peer.wait_until_closed()

    # After two connections in vain the question is given up.
    with ScriptedServer(hang_up, hang_up, answer) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers one image")
        assert [query.type_name for query in asked] == ["GET_IMGMETA"] * 3


def test_disconnect_stops_the_attempts(user):
    with ServerInThread(SmallSource()) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers 4 images")
    user.wait_for(lambda: "lost" in shown(user), "the loss")
    user.press(user.ui.connectButton)
    assert shown(user) == "Not connected"
    assert user.panel.browser.next_deadline is None
    assert not user.panel.connection._timer.isActive()


def test_what_the_server_says_when_it_refuses_is_shown(user):
    def refuse(peer: Peer) -> None:
        peer.receive()
        peer.send(codec.StatusMessage(code=codec.StatusCode.ACCESS_DENIED, message="nurses only"))
        peer.wait_until_closed()

    with ScriptedServer(refuse) as server:
        user.connect_to(server.port)
        user.wait_for_status("nurses only")


def test_an_address_that_is_none_is_explained(user):
    user.ui.hostLineEdit.text = "a server"
    user.press(user.ui.connectButton)
    assert "'a server' is not HOST" in user.status
    assert shown(user) == "Not connected"


def test_a_port_that_is_none_cannot_be_chosen(user):
    for typed, port in ((0, 1), (-5, 1), (70_000, 65535)):
        user.ui.portSpinBox.value = typed
        assert user.ui.portSpinBox.value == port


def test_when_the_list_was_read(user, small_server):
    assert user.ui.listedLabel.text == ""
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")
    moment = user.panel.browser.images.listing.listed_at.astimezone()
    assert user.ui.listedLabel.text.startswith("All images: ")
    assert user.ui.listedLabel.text.endswith(f". Read at {moment:%H:%M:%S}")
