"""What comes unasked, again and again, beside a long list: the table follows now and then."""

from __future__ import annotations

import threading

from PySide6.QtCore import Qt

from helpers.long_lists import count_prepared_rows, make_long_list
from helpers.peers import Peer, ScriptedServer, make_image
from IGTLMetaBrowserLib import codec

NAME = 1  # the column
PUSHED = 60
LAST = f"LIVE {PUSHED - 1}"


def test_the_list_is_not_shown_anew_for_each_of_them(user, monkeypatch):
    from IGTLMetaBrowserLib.ui.images import section

    monkeypatch.setattr(section, "_REST_FACTOR", 1e9)  # as of a list that takes very long
    model, resets, images = user.panel.model, [], make_long_list(100)

    def script(peer: Peer) -> None:
        query = peer.receive()
        peer.send(codec.ImageMetaMessage(images, device_name=query.device_name))
        peer.send(*(make_image(1, device_name=f"LIVE {number}") for number in range(PUSHED)))
        peer.wait_until_closed()

    with ScriptedServer(script) as server:
        model.modelReset.connect(lambda: resets.append(1))
        user.connect_to(server.port)
        user.wait_for(lambda: model.images.row(LAST) is not None, "the last one")
    assert len(resets) < PUSHED / 3
    assert model.rowCount() == 100 + PUSHED


def test_nothing_is_prepared_again_of_the_images_that_are_listed(user, monkeypatch):
    """Filtered, sorted, in groups and with patients hidden, as whoever works with a long list."""
    from IGTLMetaBrowserLib.ui.images import section

    monkeypatch.setattr(section, "_REST_FACTOR", 0)
    model, images, is_prepared = user.panel.model, make_long_list(3000), threading.Event()

    def script(peer: Peer) -> None:
        query = peer.receive()
        peer.send(codec.ImageMetaMessage(images, device_name=query.device_name))
        is_prepared.wait(20)
        peer.send(*(make_image(1, device_name=f"LIVE {number}") for number in range(6)))
        peer.wait_until_closed()

    with ScriptedServer(script) as server:
        user.connect_to(server.port)
        user.wait_for(lambda: model.rowCount() == 3000, "the list")
        user.ui.hidePatientsCheckBox.checked = True
        user.wait_for(lambda: user.panel.browser.patients.is_hidden, "who is to be hidden")
        user.ui.groupCheckBox.checked = True
        user.type_filter("i")
        user.press_key(user.ui.filterLineEdit, Qt.Key_Return)
        user.click_header(NAME)
        user.wait_for(lambda: not model.images.prepare(1.0), "the columns")
        counts = count_prepared_rows(monkeypatch)
        is_prepared.set()
        user.wait_for(lambda: model.images.row("LIVE 5") is not None, "the last one")
    assert 0 < max(counts) <= 6
    assert len(model.rows.order) == 3000 + 6
