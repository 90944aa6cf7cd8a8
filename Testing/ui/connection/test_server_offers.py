"""What a server leaves unanswered is not offered any more, until the user connects again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from helpers.peers import Peer, ScriptedServer
from IGTLMetaBrowserLib import codec


def answer_lists_only(peer: Peer) -> None:
    """Answer GET_IMGMETA with an empty list, GET_POINT with a refusal, and nothing else."""
    while True:
        query = peer.receive()
        if query.type_name == "GET_IMGMETA":
            peer.send(codec.pack(codec.ImageMetaMessage(items=[])))
        elif query.type_name == "GET_POINT":
            peer.send(codec.pack(codec.StatusMessage(codec.StatusCode.NOT_FOUND)))


@pytest.fixture
def connected(user) -> Iterator:
    with ScriptedServer(answer_lists_only, answer_lists_only) as server:
        server.only_silence_counts()
        user.ui.hostLineEdit.text, user.ui.portSpinBox.value = "127.0.0.1", server.port
        user.ui.answerTimeoutSpinBox.value = 1
        user.port = server.port
        user.connect_to(server.port)
        user.wait_for_status("offers no images")
        yield user
        user.panel.browser.disconnect()


def plain_tip(button) -> str:
    return button.toolTip.removeprefix("<p>").removesuffix("</p>")


def test_without_a_server_each_button_says_that_it_needs_one(user, small_server):
    ui = user.ui
    buttons = [ui.labelMapsButton, ui.pointsButton, ui.trajectoriesButton, ui.sendButton]
    buttons += [ui.refreshButton, ui.loadButton]
    before = [plain_tip(button) for button in buttons]
    assert all(tip.endswith(". Connect to a server first.") for tip in before)
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")
    assert plain_tip(ui.loadButton).endswith(". Select images in the table first.")
    user.select(user.ids()[0])
    for button, tip in zip(buttons, before, strict=True):
        assert button.enabled
        assert plain_tip(button) == tip.removesuffix(". Connect to a server first.")


def test_at_first_all_is_offered(connected):
    ui = connected.ui
    assert ui.labelMapsButton.enabled
    assert ui.pointsButton.enabled
    assert ui.trajectoriesButton.enabled


def test_what_is_not_answered_is_offered_no_more_and_its_button_says_why(connected):
    button = connected.ui.labelMapsButton
    connected.press(button)
    connected.wait_for(lambda: not button.enabled, "the time-out")
    assert "This server did not answer the last time" in button.toolTip
    assert connected.ui.pointsButton.enabled
    assert connected.ui.trajectoriesButton.enabled


def test_a_refusal_is_an_answer(connected):
    connected.press(connected.ui.pointsButton)
    connected.wait_for_status("does not send the points")
    assert connected.ui.pointsButton.enabled


def test_after_connecting_again_all_is_offered(connected):
    button = connected.ui.labelMapsButton
    connected.press(button)
    connected.wait_for(lambda: not button.enabled, "the time-out")
    connected.press(connected.ui.connectButton)
    connected.connect_to(connected.port)
    connected.wait_for_status("offers no images")
    assert button.enabled
    assert "did not answer" not in button.toolTip


def test_what_a_server_says_that_it_does_not_send_is_not_offered(user, small_server):
    user.connect_to(small_server)
    button = user.ui.labelMapsButton
    user.wait_for(lambda: not button.enabled, "what the server offers")
    assert "This server has none" in button.toolTip
    assert user.ui.trajectoriesButton.enabled
