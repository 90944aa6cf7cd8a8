"""The list of images: as it came, as it changes, and as a hostile server makes it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from helpers.hospital import LARGE, finish, listing, of_type, parents, step_until_event, voxels
from helpers.peers import ITEM, PATIENCE, ScriptedServer, make_image, serve_well
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.browser.browser import Browser, BrowserError
from IGTLMetaBrowserLib.browser.events import (
    ImageFailed,
    ImageLoaded,
    ImageStatus,
    ImagesWaiting,
    Listed,
)


@pytest.fixture
def offering(unconnected) -> Iterator[Callable[..., Browser]]:
    """Makes the browser read a list of given entries from a server that sends images well."""
    with ExitStack() as servers:

        def offer(*entries: codec.ImageMetaItem) -> Browser:
            def serve(peer):
                while True:
                    query = peer.receive()
                    if query.type_name == "GET_IMAGE":
                        peer.send(make_image(7, device_name=query.device_name))
                    else:
                        peer.send(listing(*entries))

            server = servers.enter_context(ScriptedServer(serve))
            unconnected.connect("127.0.0.1", server.port)
            unconnected.list_images()
            return unconnected

        yield offer


# As it came


def test_the_list_knows_its_columns_and_when_it_came(browser):
    before = datetime.now(timezone.utc)
    browser.list_images()
    assert before <= browser.images.listing.listed_at <= datetime.now(timezone.utc)
    assert browser.images.listing.entries.records["id"].tolist() == [
        b"MR",
        b"CT",
        b"BROKEN",
        b"PHOTO",
    ]
    assert browser.images.listing.entry("CT").name == "Head"
    for unlisted in ("no such image", "MR\0", "MR" + 100 * "\0", "\ud800"):
        assert browser.images.listing.entry(unlisted) is None


def test_without_a_server_there_is_an_empty_list(unconnected):
    assert len(unconnected.images.listing.entries) == 0
    assert len(unconnected.images.listing.entries.records) == 0
    assert unconnected.images.listing.listed_at is None
    assert unconnected.images.listing.entry("MR") is None


def test_an_empty_list_is_a_list(offering):
    browser = offering()
    assert len(browser.images.listing.entries) == 0
    assert browser.images.listing.listed_at is not None


# Odd entries


def test_of_doubled_ids_nobody_knows_which_is_meant(offering, events):
    other = replace(ITEM, name="Another", patient_id="P2")
    browser = offering(ITEM, other, replace(ITEM, id="CT"))
    assert len(browser.images.listing.entries) == 3
    assert browser.images.listing.entry("MR") == replace(ITEM, name="", patient_id="")
    browser.request_images(["MR", "MR", "CT"])
    finish(browser)
    mr, ct = of_type(events, ImageLoaded)
    assert (mr.image_id, ct.image_id) == ("MR", "CT")
    assert browser.images.node("MR").GetName() == "MR"
    assert mr.notes == (
        "the list gives its ID to 'Head', 'Another'; it is not known which of them was received",
    )
    assert ct.notes == ()


def test_of_doubled_ids_the_size_says_which_came(offering, events):
    browser = offering(replace(ITEM, size=(9, 9, 9)), replace(ITEM, name="Another"))
    node = browser.load_image("MR")
    assert node.GetName() == "Another"
    assert of_type(events, ImageLoaded)[0].notes == ()
    browser.list_images()  # again: it is known what came
    assert browser.images.listing.entry("MR").name == "Another"
    assert browser.images.states.of("MR").notes == ()


def test_an_image_without_an_id_cannot_be_asked_for(offering, events):
    browser = offering(replace(ITEM, id=""), ITEM)
    assert browser.images.listing.entry("").name == "Head"
    with pytest.raises(BrowserError, match="without an id"):
        browser.load_image("")
    assert browser.images.states.of("").status is ImageStatus.FAILED
    assert of_type(events, ImagesWaiting) == []
    assert voxels(browser.load_image("MR")) == [7, 8, 9]


# The last is no UTF-8; the bytes are asked for as they came.
@pytest.mark.parametrize("image_id", ["頭部", "Ä" * 10, "a\x1bb\n", "\udcff\udcfe"])
def test_odd_ids_are_asked_for_as_they_came(offering, image_id):
    browser = offering(replace(ITEM, id=image_id))
    assert browser.images.listing.entry(image_id).id == image_id
    node = browser.load_image(image_id)
    assert browser.images.states.of(image_id).status is ImageStatus.LOADED
    assert browser.images.node(image_id) is node
    assert node.GetAttribute("IGTLMetaBrowser.ImageId").isprintable()


def test_what_stands_behind_the_end_of_an_id_is_not_part_of_it(unconnected):
    # The reference library's servers send what was in their memory.
    data = bytearray(listing(ITEM))
    data[codec.HEADER_SIZE + 64 + 3 : codec.HEADER_SIZE + 64 + 8] = b"trash"
    data[50:58] = codec.crc64(bytes(data[codec.HEADER_SIZE :])).to_bytes(8, "big")

    def serve(peer):
        peer.receive()
        peer.send(bytes(data))
        peer.wait_until_closed()

    with ScriptedServer(serve) as server:
        unconnected.connect("127.0.0.1", server.port)
        assert unconnected.list_images()[0].id == "MR"
        assert unconnected.images.listing.entry("MR").name == "Head"
        unconnected.disconnect()


def test_a_hostile_entry_does_no_harm_in_the_scene(offering, events):
    hostile = codec.ImageMetaItem(
        name="\x1b[31mHead\x07\u202e",
        id="X",
        modality="C\rT",
        patient_name="Robert\x0b'); DROP TABLE--",
        patient_id="\x01",
        scan_time=codec.Timestamp((1 << 64) - 1),
        size=(65535, 65535, 65535),
        scalar_type=0,
    )
    browser = offering(hostile)
    node = browser.load_image("X")
    texts = [node.GetName(), *parents(node), *map(node.GetAttribute, node.GetAttributeNames())]
    assert all(text.isprintable() for text in texts)
    assert of_type(events, ImageLoaded)[0].notes == (
        "listed with 65535 × 65535 × 65535 voxels, received with 4 × 3 × 2",
        "listed as unknown (0), received as uint16",
    )
    assert browser.images.listing.entries[0].scan_time.to_datetime().year == 2106


def test_an_unknown_scalar_type_leaves_the_time_unknown(offering):
    browser = offering(replace(ITEM, scalar_type=0))
    browser.request_images(["MR"])
    assert browser.images.downloads.transfer.size == 0
    assert browser.images.downloads.transfer.seconds_left is None


# As it changes


def test_a_loaded_image_that_is_withdrawn_is_noted_and_stays(browser, hospital):
    node = browser.load_image("MR")
    withdrawn = hospital.entries.pop(0)
    browser.list_images()
    assert browser.images.states.of("MR").status is ImageStatus.LOADED
    assert browser.images.states.of("MR").notes == ("it is not in the list of images",)
    assert browser.images.node("MR") is node
    hospital.entries.append(withdrawn)
    browser.list_images()
    assert browser.images.states.of("MR").notes == ()


def test_a_loaded_image_of_which_the_list_says_something_else_is_noted(browser, hospital):
    browser.load_image("MR")
    hospital.entries[0] = replace(
        hospital.entries[0], scan_time=codec.Timestamp.from_seconds(1.7e9), modality="PT"
    )
    browser.list_images()
    note = "changed in the list since it was loaded: modality, scan time"
    assert browser.images.states.of("MR").notes == (note,)
    browser.load_image("MR")
    assert browser.images.states.of("MR").notes == ()


def test_an_image_that_is_withdrawn_while_it_waits_fails_and_the_others_are_loaded(
    unconnected, events
):
    go_on = threading.Event()
    ct = replace(ITEM, id="CT")

    def withdraw_ct(peer):
        peer.receive()
        peer.send(listing(ITEM, ct, replace(ITEM, id="PT")))
        assert peer.receive().type_name == "GET_IMAGE"
        assert peer.receive().type_name == "GET_IMGMETA"
        peer.send(listing(replace(ITEM, id="PT")))
        assert go_on.wait(PATIENCE)
        peer.send(replace(LARGE, device_name="MR"))
        serve_well(peer)

    with ScriptedServer(withdraw_ct) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.list_images()
        unconnected.request_images(["MR", "CT", "PT", "SCRIPT"])
        unconnected.images.request_list()
        step_until_event(unconnected, events, Listed, 2)
        go_on.set()
        finish(unconnected)
        unconnected.disconnect()
    # SCRIPT was never in the list: who asks for it knows what he does.
    assert [event.image_id for event in of_type(events, ImageLoaded)] == ["MR", "PT", "SCRIPT"]
    (failed,) = of_type(events, ImageFailed)
    assert failed.image_id == "CT"
    assert "the server has removed it from the list" in str(failed.error)


def test_an_image_that_is_withdrawn_unnoticed_is_refused_in_the_servers_words(browser, hospital):
    del hospital.images_["CT"]
    with pytest.raises(net.RefusedError, match="slice 7 of CT is missing"):
        browser.load_image("CT")
    assert "slice 7 of CT is missing" in browser.images.states.of("CT").reason


def test_an_image_that_is_replaced_under_its_id_comes_into_the_same_node(browser, hospital):
    node = browser.load_image("MR")
    hospital.entries[0] = replace(hospital.entries[0], name="Leg", patient_id="P2")
    hospital.images_["MR"] = make_image(50)
    browser.list_images()
    assert browser.load_image("MR") is node
    assert node.GetName() == "Leg"
    assert node.GetAttribute("DICOM.PatientID") == "P2"
    assert voxels(node) == [50, 51, 52]
