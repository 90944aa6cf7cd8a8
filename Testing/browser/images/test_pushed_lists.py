"""Lists of images that a server sends unasked, also at the moment when its list is awaited.

Nothing in an IMGMETA says what it answers: it has no number, and servers give it any name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from helpers.hospital import of_type, step_until, step_until_event
from helpers.peers import ITEM, Peer, ScriptedServer
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import Failed, Listed

WHOLE = [ITEM, replace(ITEM, id="CT", name="Other head")]
ONE_NEW = [replace(ITEM, id="US", name="Just acquired")]
Items = Sequence[codec.ImageMetaItem]


class PushingServer:
    """Sends what ``before`` and ``after`` have for each of its answers, the last for good."""

    def __init__(self, before: Sequence[Items | None], after: Sequence[Items | None]) -> None:
        self.asked = 0
        self._before, self._after = before, after

    def __call__(self, peer: Peer) -> None:
        while True:
            query = peer.receive()
            if query.type_name == "GET_IMGMETA":
                number, self.asked = self.asked, self.asked + 1
                for items in (_nth(self._before, number), WHOLE, _nth(self._after, number)):
                    if items is not None:
                        peer.send(codec.ImageMetaMessage(items=list(items), device_name="Server"))
                peer.send(codec.StringMessage("that was all"))


def _nth(lists: Sequence[Items | None], number: int) -> Items | None:
    return lists[min(number, len(lists) - 1)]


def listed_ids(browser: Browser) -> list[str]:
    return [entry.id for entry in browser.images.listing.entries]


@pytest.mark.parametrize("is_before", [True, False], ids=["before the answer", "after it"])
def test_a_list_that_was_pushed_does_not_stay_in_the_place_of_the_answer(
    is_before: bool, unconnected: Browser, events: list
):
    pushed: tuple[list, list] = (
        ([ONE_NEW, None], [None]) if is_before else ([None], [ONE_NEW, None])
    )
    script = PushingServer(*pushed)
    with ScriptedServer(script) as server:
        unconnected.connect(server.host, server.port)
        unconnected.list_images()
        step_until_event(unconnected, events, Listed, 2)
        assert listed_ids(unconnected) == ["MR", "CT"]
        assert of_type(events, Listed)[1].is_update
        assert script.asked == 2
        assert of_type(events, Failed) == []
        unconnected.disconnect()


def test_the_same_list_once_more_is_no_reason_to_ask(unconnected: Browser, events: list):
    script = PushingServer([None], [WHOLE])
    with ScriptedServer(script) as server:
        unconnected.connect(server.host, server.port)
        unconnected.list_images()
        step_until(unconnected, lambda: "STRING" in unconnected._unknown_types, "what follows")
        assert (script.asked, len(of_type(events, Listed))) == (1, 1)
        unconnected.disconnect()


@pytest.mark.parametrize("is_before", [True, False], ids=["before each answer", "after each"])
def test_a_server_that_pushes_other_lists_without_end_is_asked_a_few_times_and_it_is_said(
    is_before: bool, unconnected: Browser, events: list
):
    """And the whole list is shown in the end: what is pushed has a part of the images."""
    pushed: tuple[list, list] = ([ONE_NEW], [None]) if is_before else ([None], [ONE_NEW])
    script = PushingServer(*pushed)
    with ScriptedServer(script) as server:
        unconnected.connect(server.host, server.port)
        for number in (1, 2):
            unconnected.list_images()  # the user may ask again
            step_until_event(unconnected, events, Failed, number)
            assert listed_ids(unconnected) == ["MR", "CT"]
        unconnected.disconnect()
    assert "several lists" in str(of_type(events, Failed)[0].error)
    assert script.asked == 8


def test_before_anybody_asks_nothing_is_shown_and_nobody_asked(unconnected: Browser, events: list):
    def push(peer: Peer) -> None:
        peer.send(codec.ImageMetaMessage(items=ONE_NEW))
        peer.send(codec.StringMessage("the end"))
        peer.wait_until_closed()

    with ScriptedServer(push) as server:
        unconnected.connect(server.host, server.port)
        unconnected.wait_until_connected()
        step_until(unconnected, lambda: "STRING" in unconnected._unknown_types, "all")
        assert of_type(events, Listed) == []
        unconnected.disconnect()
