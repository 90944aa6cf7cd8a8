"""What of a long list has an id that a client asks for: some of the list is looked at in a turn."""

from __future__ import annotations

import pytest

from helpers.peers import ImagesInMemory, Peer, ServerInThread
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.server import named_items
from IGTLMetaBrowserLib.net.server.named_items import NamedItems
from IGTLMetaBrowserLib.net.source import NotReadyError

ITEMS = tuple(codec.ImageMetaItem(f"Image {n}", f"I{n}", size=(4, 3, 2)) for n in range(1000))


@pytest.fixture(autouse=True)
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let 100 items be looked at in a turn."""
    monkeypatch.setattr(named_items, "_SECONDS_A_TURN", 0.0)
    monkeypatch.setattr(named_items, "_ITEMS_AT_ONCE", 100)


class LongList(ImagesInMemory):
    """Has always the same list, or makes it anew each time; ``asked`` counts how often."""

    def __init__(self, is_made_anew: bool) -> None:
        super().__init__()
        self.asked = 0
        self._is_made_anew = is_made_anew

    def images(self) -> tuple[codec.ImageMetaItem, ...]:
        """Return the list."""
        self.asked += 1
        return (*ITEMS[:-1], ITEMS[-1]) if self._is_made_anew else ITEMS


@pytest.mark.parametrize(("is_made_anew", "turns"), [(False, 10), (True, 2)])
@pytest.mark.parametrize("number", [0, 500, 999])
def test_an_image_is_found_in_a_long_list(is_made_anew, turns, number):
    source = LongList(is_made_anew)
    with ServerInThread(source) as server, Peer.connect(server.port) as peer:
        peer.send(codec.GetMessage("IMGMETA", device_name=f"I{number}"))
        assert [item.id for item in peer.receive().items] == [f"I{number}"]
    assert source.asked == turns


def test_a_name_that_is_no_id_asks_for_the_whole_list():
    with ServerInThread(LongList(False)) as server, Peer.connect(server.port) as peer:
        peer.send(codec.GetMessage("IMGMETA", device_name="Client"))
        assert len(peer.receive().items) == len(ITEMS)


def test_all_items_with_an_id_are_found_as_of_the_structures_of_a_label_map():
    items = tuple(codec.LabelMetaItem(f"Structure {n}", f"L{n % 300}") for n in range(1000))
    named, turns = NamedItems(), 1
    while True:
        try:
            found = named.find(items, "L7")
            break
        except NotReadyError:
            turns += 1
    assert turns == 10
    assert [item.name for item in found] == [f"Structure {n}" for n in (7, 307, 607, 907)]
    assert named.find(items, "L7") == found


def test_a_list_that_can_change_is_looked_at_as_a_whole():
    assert NamedItems().find(list(ITEMS), "I999") == [ITEMS[999]]
