"""A browser whose server searches: an archive's gateway."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from helpers.hospital import finish, of_type, step_until, step_until_event
from helpers.peers import ServerInThread
from helpers.searchable import ENTRIES, MORE, Searchable
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import Deferred, Failed, ImageStatus, Listed, Reconnecting
from IGTLMetaBrowserLib.browser.lists.image_search import NO_SEARCH, ImageSearch


@pytest.fixture
def archive() -> Searchable:
    return Searchable()


@pytest.fixture
def gateway(archive: Searchable) -> Iterator[ServerInThread]:
    with ServerInThread(archive) as server:
        yield server


@pytest.fixture
def browser(unconnected: Browser, events: list, gateway: ServerInThread) -> Browser:
    """A browser that has the default list."""
    unconnected.connect(gateway.host, gateway.port)
    unconnected.list_images()
    step_until(
        unconnected, lambda: unconnected.images.listing.search_keywords, "the list in version 2"
    )
    events.clear()
    return unconnected


def ids(browser: Browser) -> list[str]:
    return [entry.id for entry in browser.images.listing.entries]


def search(browser: Browser, patient: str) -> None:
    browser.images.list_requests.search_for(ImageSearch(patient=patient))
    step_until(
        browser,
        lambda: not browser.images.list_requests.is_search_due,
        f"the search for {patient!r}",
    )


def test_the_list_says_that_there_are_more(browser):
    assert browser.images.listing.notice == MORE
    search(browser, "doe")
    assert browser.images.listing.notice == ""


def test_the_server_searches_and_its_list_is_shown(browser, archive, events):
    search(browser, "doe")
    assert archive.searches[-1] == {"PatientName": "*doe*"}
    assert ids(browser) == ["CT", "MR"]
    assert len(of_type(events, Listed)) == 1
    browser.images.list_requests.search_for(NO_SEARCH)
    step_until(browser, lambda: not browser.images.list_requests.is_search_due, "the default list")
    assert ids(browser) == ["CT", "MR", "LIVER"]


def test_of_searches_while_it_searches_only_the_last_is_asked_and_shown(browser, archive, events):
    archive.may_answer.clear()
    for patient in ("d", "do", "doe", "sm", "smith"):
        browser.images.list_requests.search_for(ImageSearch(patient=patient))
        browser.step()
    archive.may_answer.set()
    step_until(browser, lambda: not browser.images.list_requests.is_search_due, "the last search")
    assert ids(browser) == ["LIVER"]
    assert len(of_type(events, Listed)) == 1  # never the list of "d"
    assert archive.searches[-2:] == [{"PatientName": "*d*"}, {"PatientName": "*smith*"}]


def test_a_search_that_is_taken_back_shows_nothing_of_it(browser, archive, events):
    archive.may_answer.clear()
    browser.images.list_requests.search_for(ImageSearch(patient="smith"))
    browser.step()
    browser.images.list_requests.search_for(NO_SEARCH)
    assert (
        not browser.images.list_requests.is_search_due
    )  # the list of before still is the right one
    archive.may_answer.set()
    browser.images.request_list()
    step_until_event(browser, events, Listed)
    assert ids(browser) == ["CT", "MR", "LIVER"]


def test_the_search_survives_a_lost_connection(unconnected, archive, events, reserved_port):
    browser = unconnected
    with ServerInThread(archive, port=reserved_port) as gateway:
        browser.connect(gateway.host, reserved_port, reconnect_delays=[0.05])
        browser.list_images()
        step_until(browser, lambda: browser.images.listing.search_keywords, "the list in version 2")
    step_until_event(browser, events, Reconnecting)
    browser.images.list_requests.search_for(ImageSearch(patient="smith"))
    step_until_event(browser, events, Deferred)
    with ServerInThread(archive, port=reserved_port):
        step_until(
            browser, lambda: not browser.images.list_requests.is_search_due, "the search after it"
        )
        assert ids(browser) == ["LIVER"]


def test_words_of_a_search_that_failed_are_told_and_the_list_stays(browser, archive, events):
    archive.error = "the archive is down; try again later"
    browser.images.list_requests.search_for(ImageSearch(patient="smith"))
    failed = step_until_event(browser, events, Failed)
    assert "the archive is down" in str(failed.error)
    assert ids(browser) == ["CT", "MR", "LIVER"]
    assert browser.images.list_requests.is_search_due
    archive.error = ""
    browser.list_images()  # Refresh tries again
    assert ids(browser) == ["LIVER"]


def test_what_is_loaded_or_waits_is_not_withdrawn_by_a_search(browser, events):
    browser.load_image("LIVER")
    search(browser, "doe")
    state = browser.images.states.of("LIVER")
    assert state.status is ImageStatus.LOADED
    assert not [note for note in state.notes if "not in the list" in note]
    assert browser.images.listing.entry("LIVER").name == "CT liver"
    search(browser, "nobody")
    assert browser.images.listing.entry("LIVER").name == "CT liver"
    browser.images.request(["CT"])
    finish(browser)
    assert browser.images.states.of("CT").status is ImageStatus.LOADED


def test_what_the_archive_has_no_more_is_said(browser, archive):
    browser.load_image("LIVER")
    search(browser, "smith")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("helpers.searchable.ENTRIES", ENTRIES[:2])
        browser.list_images()
    assert "not in the list" in " ".join(browser.images.states.of("LIVER").notes)


def test_another_server_is_searched_as_well(browser, gateway):
    search(browser, "smith")
    browser.disconnect()
    with ServerInThread(Searchable()) as other:
        browser.connect(other.host, other.port)
        browser.list_images()
        step_until(browser, lambda: browser.images.listing.search_keywords, "the list in version 2")
        step_until(browser, lambda: not browser.images.list_requests.is_search_due, "the search")
        assert ids(browser) == ["LIVER"]


def test_a_server_that_does_not_search_is_not_told_of_it(unconnected, server):
    unconnected.connect(server.host, server.port)
    unconnected.images.list_requests.search_for(ImageSearch(patient="doe"))
    unconnected.list_images()
    assert not unconnected.images.listing.search_keywords
    assert not unconnected.images.list_requests.is_search_due
    assert len(unconnected.images.listing.entries) == 4


def test_an_image_whose_size_was_not_known_is_fetched_once_and_then_listed_with_it(
    browser, archive, monkeypatch
):
    fetched = []
    image = archive.image

    def fetch(image_id):
        fetched.append(image_id)
        archive.default = [replace(ENTRIES[0], size=(4, 3, 2)), *ENTRIES[1:]]
        return image(image_id)

    monkeypatch.setattr(archive, "image", fetch)
    assert browser.images.listing.entry("CT").size == (0, 0, 0)
    browser.load_image("CT")
    step_until(browser, lambda: browser.images.listing.entry("CT").size == (4, 3, 2), "the size")
    assert fetched == ["CT"]
    assert browser.images.states.of("CT").notes == ()
