"""What comes unasked, again and again, beside a long list: the table follows now and then."""

from __future__ import annotations

from helpers.long_lists import make_long_list
from helpers.peers import Peer, ScriptedServer, make_image
from IGTLMetaBrowserLib import codec

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
