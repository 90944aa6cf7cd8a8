"""Images that are asked for, and not in the queue yet."""

from __future__ import annotations

import pytest

from IGTLMetaBrowserLib.browser.downloads.requested_images import RequestedImages


@pytest.fixture
def requested() -> RequestedImages:
    """Two that were asked for, then four, of which one is there already."""
    requested = RequestedImages()
    requested.add(("A", "B"))
    requested.add(())
    requested.add(["C", "A", "D", "E"])
    return requested


def test_they_are_taken_in_the_order_in_which_they_were_asked_for(requested: RequestedImages):
    assert (len(requested), [*requested]) == (6, ["A", "B", "C", "A", "D", "E"])
    assert requested.take(1) == ["A"]
    assert requested.take(3) == ["B", "C", "A"]
    assert (len(requested), [*requested]) == (2, ["D", "E"])
    requested.add("F")
    assert requested.take(9) == ["D", "E", "F"]
    assert (len(requested), requested.take(9)) == (0, [])


def test_some_are_asked_for_no_more(requested: RequestedImages):
    requested.take(1)
    assert requested.remove({"A", "B", "X"}) == ["B", "A"]
    assert (len(requested), [*requested]) == (3, ["C", "D", "E"])
    assert requested.remove(None) == ["C", "D", "E"]
    assert not len(requested)
