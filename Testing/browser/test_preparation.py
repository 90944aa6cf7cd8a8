"""What takes long of a message is done in several steps before the message is handled.

What a step does is counted, not timed: the calls of functions in it, and the voxels looked at.
"""

from __future__ import annotations

import gc
import sys
import weakref
from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from helpers.halved_images import HALVED, lower_half, volume_values
from helpers.hospital import of_type, step_until, step_until_event
from helpers.long_lists import count_hashed_texts
from helpers.peers import Peer, ScriptedServer, make_image, wait_for_socket
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser import base_browser
from IGTLMetaBrowserLib.browser.events import (
    ImageFailed,
    ImageLoaded,
    LabelMapsListed,
    Listed,
    LiveImage,
)
from IGTLMetaBrowserLib.net.list_metadata.identity import SERVER
from IGTLMetaBrowserLib.privacy.hidden_patients import HiddenPatients
from IGTLMetaBrowserLib.privacy.redacted_list import register_patients
from IGTLMetaBrowserLib.scene.images import image_set, subvolumes
from IGTLMetaBrowserLib.scene.label_maps import label_maps

# Of Python's and C's functions; 8 million a second. To register a patient takes 40.
MOST_CALLS = 100_000
PATIENTS = 5_000


@pytest.fixture(autouse=True)
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a turn end after one piece, whatever the clock says."""
    monkeypatch.setattr(base_browser, "_SECONDS_A_TURN", 0.0)


def list_of_patients() -> codec.ImageMetaMessage:
    numbers = np.arange(PATIENTS).astype("S")
    records = np.zeros(PATIENTS, codec.ImageMetaItem.columns)
    records["id"] = records["patient_id"] = numbers
    records["patient_name"] = np.char.add(b"Miller^Anna", numbers)
    records["size"], records["scalar_type"] = (4, 3, 2), codec.ScalarType.UINT16
    content = memoryview(bytearray(records.tobytes()))
    return codec.ImageMetaMessage.unpack_content(content, header_version=2, metadata=SERVER)


def lists_server(*lists: codec.ImageMetaMessage) -> ScriptedServer:
    def script(peer: Peer) -> None:
        for message in lists:
            peer.receive()
            peer.send(message)
        peer.wait_until_closed()

    return ScriptedServer(script)


def most_calls_a_step(browser, events: list, event_type: type, number: int = 1) -> int:
    """Step a browser until it tells of events; return what the step called that called most."""
    most = 0
    while len(of_type(events, event_type)) < number:
        calls = count()

        def note(_frame, event: str, _argument, calls=calls) -> None:
            if event in ("call", "c_call"):
                next(calls)

        wait_for_socket(browser)
        sys.setprofile(note)
        try:
            browser.step()
        finally:
            sys.setprofile(None)
        most = max(most, next(calls))
    return most


def test_the_patients_of_a_list_are_registered_in_turns_while_patients_are_hidden(
    unconnected, events
):
    unconnected.patients.hide()
    with lists_server(list_of_patients()) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.images.request_list()
        assert most_calls_a_step(unconnected, events, Listed) < MOST_CALLS
    assert unconnected.patients.redact("of Miller, Anna4999") == "of (hidden)"
    assert unconnected.patients.pseudonym("Miller^Anna4999", "4999") == "Patient 5000"


def test_a_script_gets_the_list_that_came_however_many_steps_it_takes(unconnected):
    """Not the one before, as long as what came is still looked through."""
    unconnected.patients.hide()
    with lists_server(list_of_patients()) as server:
        unconnected.connect("127.0.0.1", server.port)
        assert len(unconnected.list_images()) == PATIENTS


def test_of_a_list_that_nobody_has_asked_for_no_patient_is_registered(unconnected, events):
    """A server can send names of patients without end."""
    unconnected.patients.hide()

    def script(peer: Peer) -> None:
        peer.send(list_of_patients(), codec.ImageMetaMessage(), make_image(1, (2, 2, 2), "US"))
        peer.wait_until_closed()

    with ScriptedServer(script) as server:
        unconnected.connect("127.0.0.1", server.port)
        step_until_event(unconnected, events, LiveImage)
        unconnected.disconnect()
    assert unconnected.patients.redact("of Miller, Anna4999") == "of Miller, Anna4999"


def test_the_garbage_collector_has_nothing_to_look_at_of_patients_that_are_registered():
    """Given patients of a list, each makes texts and numbers, and no container that stays."""
    patients, message = HiddenPatients(), list_of_patients()
    gc.collect()
    before = len(gc.get_objects())
    register_patients(message.items, patients)
    gc.collect()
    assert len(gc.get_objects()) - before < PATIENTS / 100


def test_of_a_long_list_little_is_looked_at_in_each_step_whatever_comes_after_it(
    unconnected, events, monkeypatch
):
    """Given a second list, and an image that is in both: no step looks at all ids again."""
    counts = count_hashed_texts(monkeypatch)
    first, second = list_of_patients(), list_of_patients()
    second.items.content.cast("B")[64:66] = b"X\0"  # the first id

    def script(peer: Peer) -> None:
        while True:
            query = peer.receive()
            if query.type_name == "GET_IMGMETA":
                peer.send(first if not of_type(events, Listed) else second)
            else:
                peer.send(replace(make_image(1), device_name=query.device_name))

    with ScriptedServer(script) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.images.request_list()
        step_until_event(unconnected, events, Listed)
        unconnected.request_images(["7"])
        step_until_event(unconnected, events, ImageLoaded)
        unconnected.images.request_list()
        while len(of_type(events, Listed)) < 2:
            unconnected.wait_and_step()
        assert unconnected.images.listing.entry("7").patient_name == "Miller^Anna7"
        assert [unconnected.images.listing.entry(id_) is None for id_ in ("0", "X")] == [
            True,
            False,
        ]
    assert max(counts) == 100
    assert counts.count(100) == 4 * PATIENTS / 100  # of the ids and the modalities


def test_images_that_something_in_the_scene_belongs_to_are_looked_up_in_turns(unconnected, events):
    """Given trajectories in 2,000 images, of whom another list names other patients."""
    first, second = list_of_patients(), list_of_patients()
    records = np.frombuffer(second.items.content, codec.ImageMetaItem.columns)
    records["patient_id"][7], records["patient_name"][7] = b"X", b"Smith"
    owners = set(map(str, range(2000)))
    unconnected.metadata.other_ids = lambda: owners
    changed: list[str] = []
    unconnected.metadata.patient_changed.connect(changed.append)
    with lists_server(first, second) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.images.request_list()
        step_until_event(unconnected, events, Listed)
        events.clear()
        unconnected.images.request_list()
        assert most_calls_a_step(unconnected, events, Listed) < MOST_CALLS
    assert changed == ["7"]


def test_images_that_wait_and_are_withdrawn_fail_in_turns(unconnected, events):
    """Given a list that has other images than the one before, all of which wait."""
    first, second = list_of_patients(), list_of_patients()
    records = np.frombuffer(second.items.content, codec.ImageMetaItem.columns)
    records["id"] = np.char.add(b"X", records["id"])
    records["id"][17] = b"17"

    def script(peer: Peer) -> None:
        peer.receive()
        peer.send(first)
        while peer.receive().type_name != "GET_IMGMETA":
            pass
        peer.send(second)
        peer.wait_until_closed()

    with ScriptedServer(script) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.images.request_list()
        step_until_event(unconnected, events, Listed)
        unconnected.request_images(map(str, range(PATIENTS)))
        unconnected.images.request_list()
        most = most_calls_a_step(unconnected, events, ImageFailed, PATIENTS - 2)
        assert most < MOST_CALLS
        assert unconnected.images.downloads.current == "0"
        assert unconnected.queue == ["17"]


def test_what_the_next_list_has_again_does_not_fail_if_its_turn_has_not_come(unconnected, events):
    """Given images that wait, a list without them, of which some have failed, and one with them."""
    first, without = list_of_patients(), list_of_patients()
    records = np.frombuffer(without.items.content, codec.ImageMetaItem.columns)
    records["id"] = np.char.add(b"X", records["id"])
    with lists_server(first, without) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.images.request_list()
        step_until_event(unconnected, events, Listed)
        unconnected.request_images(map(str, range(PATIENTS)))
        unconnected.images.request_list()
        step_until_event(unconnected, events, ImageFailed)
        failed = len(of_type(events, ImageFailed))
        unconnected.images.on_list(first)
        unconnected.images.cancel(["0"])
        step_until(unconnected, lambda: unconnected.images.downloads.current, "the next image")
        assert failed == len(of_type(events, ImageFailed)) < PATIENTS - 1
        assert len(unconnected.queue) == PATIENTS - 2 - failed


def test_of_an_id_that_very_many_entries_have_nothing_is_said(unconnected, events):
    message = list_of_patients()
    np.frombuffer(message.items.content, codec.ImageMetaItem.columns)["id"][:] = b"A"
    with lists_server(message) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.images.request_list()
        step_until_event(unconnected, events, Listed)
    calls = count()
    sys.setprofile(lambda _frame, event, _argument: "call" in event and next(calls))
    try:
        entry = unconnected.images.listing.entry("A")
    finally:
        sys.setprofile(None)
    assert next(calls) < MOST_CALLS
    assert entry == codec.ImageMetaItem(id="A")


def labels_server(pixels: np.ndarray, whole: tuple[int, int, int] | None = None):
    size = whole or pixels.shape[::-1]

    def script(peer: Peer) -> None:
        while True:
            query = peer.receive()
            if query.type_name == "GET_LBMETA":
                peer.send(codec.LabelMetaMessage([codec.LabelMetaItem("Liver", "L", 1, size=size)]))
            elif query.type_name == "GET_IMAGE":
                peer.send(codec.ImageMessage(pixels, device_name="L", size=whole))
            else:
                peer.send(codec.ImageMetaMessage())

    return ScriptedServer(script)


@pytest.fixture
def load(unconnected, events, monkeypatch):
    """Loads a label map; returns the event, and how many steps it took after it had come."""
    monkeypatch.setattr(label_maps, "_PIECE", 64)  # bytes

    def load(pixels: np.ndarray, event_type: type, whole=None) -> tuple:
        with labels_server(pixels, whole) as server:
            unconnected.connect("127.0.0.1", server.port)
            unconnected.overlays.request_label_maps()
            step_until_event(unconnected, events, LabelMapsListed)
            unconnected.request_images(["L"])
            steps = 0
            while not of_type(events, event_type):
                wait_for_socket(unconnected)
                steps += bool(unconnected._unhandled)
                unconnected.step()
            return of_type(events, event_type)[0], steps

    return load


@pytest.mark.parametrize("dtype", ["uint16", "float64"])
def test_the_labels_of_a_large_label_map_are_looked_at_in_turns(load, dtype):
    pixels = np.zeros((2, 40, 50), dtype)
    pixels[1, 39, 49] = 7
    loaded, steps = load(pixels, ImageLoaded)
    assert steps >= pixels.nbytes // 64 - 1
    assert loaded.node.GetImageData().GetScalarComponentAsDouble(49, 39, 1, 0) == 7
    colors = loaded.node.GetDisplayNode().GetColorNode()
    assert colors.GetNumberOfColors() == 8


def test_of_a_large_part_of_a_label_map_the_whole_is_made_in_turns(load, small_parts):
    part = np.full((1, 40, 50), 7, np.uint8)
    loaded, steps = load(part, ImageLoaded, (50, 40, 2))
    assert steps >= 3 * part.nbytes // 64 - 1  # copied, and looked at with the zeros
    assert volume_values(loaded.node) == [7] * part.size + [0] * part.size


def test_what_is_no_label_at_the_end_of_them_is_found_all_the_same(load):
    pixels = np.zeros((2, 40, 50))
    pixels[1, 39, 49] = 0.5
    failed, _ = load(pixels, ImageFailed)
    assert "whole numbers" in str(failed.error)


@pytest.fixture
def small_parts(monkeypatch):
    """Let parts of more than 15 bytes be large, and be copied 64 bytes a turn."""
    monkeypatch.setattr(subvolumes, "MOST_AT_ONCE", 15)
    monkeypatch.setattr(image_set, "MOST_AT_ONCE", 15)
    monkeypatch.setattr(subvolumes, "_PIECE", 64)


def halves_server(image: codec.ImageMessage) -> ScriptedServer:
    """Return a server that sends an image, and then halves of it."""

    def script(peer: Peer) -> None:
        is_first = True
        while True:
            query = peer.receive()
            if query.type_name == "GET_IMGMETA":
                peer.send(codec.ImageMetaMessage())
                continue
            message = replace(image, device_name=query.device_name)
            peer.send(message if is_first else lower_half(message))
            is_first = False

    return ScriptedServer(script)


@pytest.fixture
def half_arrived(unconnected, events, small_parts):
    """A browser that has put some of a half of a loaded image together, but not all of it."""
    with halves_server(HALVED) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.request_images(["A"])
        step_until_event(unconnected, events, ImageLoaded)
        events.clear()
        unconnected.request_images(["A"])
        while not unconnected._unhandled:
            unconnected.wait_and_step()
        unconnected.step()
        yield unconnected


def test_a_large_part_of_an_image_is_put_together_in_turns(half_arrived, events):
    node = half_arrived.images.node("A")
    steps = 0
    while not of_type(events, ImageLoaded):
        assert volume_values(node) == HALVED.pixels.ravel().tolist()
        wait_for_socket(half_arrived)
        half_arrived.step()
        steps += 1
    assert steps >= (HALVED.pixels.nbytes + HALVED.pixels[:1].nbytes) // 64 - 2
    first, second = HALVED.pixels
    assert volume_values(node) == [*(first + 1000).ravel(), *second.ravel()]


def test_a_large_part_whose_volume_is_removed_meanwhile_fails_in_words(half_arrived, events, scene):
    scene.RemoveNode(half_arrived.images.node("A"))
    step_until_event(half_arrived, events, ImageFailed)
    (failed,) = of_type(events, ImageFailed)
    assert "have changed or are no longer there; load the image again" in str(failed.error)
    assert half_arrived.images.node("A") is None
    half_arrived.request_images(["A"])
    step_until_event(half_arrived, events, ImageLoaded)


def test_of_a_large_part_nothing_is_seen_if_its_server_is_left_meanwhile(half_arrived, events):
    node = half_arrived.images.node("A")
    half_arrived.disconnect()
    for _ in range(100):
        half_arrived.step()
    assert volume_values(node) == HALVED.pixels.ravel().tolist()
    assert not of_type(events, ImageLoaded)


@pytest.mark.parametrize("is_label_map", [False, True], ids=["part of an image", "label map"])
def test_of_an_image_that_was_put_together_and_refused_nothing_is_kept(
    unconnected, events, small_parts, is_label_map
):
    """Given an image that is nowhere: its matrix has no length along any axis."""
    image = make_image(1, (20, 10, 2), "A")
    structure = codec.LabelMetaItem("Liver", "L", 1, size=(20, 10, 2), owner="A")
    sent = replace(lower_half(image), matrix=np.zeros((3, 4)))

    def script(peer: Peer) -> None:
        while True:
            query = peer.receive()
            if query.type_name == "GET_IMGMETA":
                peer.send(codec.ImageMetaMessage())
            elif query.type_name == "GET_LBMETA":
                peer.send(codec.LabelMetaMessage([structure]))
            else:
                peer.send(replace(sent, device_name=query.device_name))

    made, zeros = [], np.zeros
    with ScriptedServer(script) as server, pytest.MonkeyPatch.context() as patch:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.overlays.request_label_maps()
        step_until_event(unconnected, events, LabelMapsListed)

        def note(*arguments):
            array = zeros(*arguments)
            made.append(weakref.ref(array))
            return array

        patch.setattr(subvolumes.np, "zeros", note)
        unconnected.request_images(["L" if is_label_map else "A"])
        step_until_event(unconnected, events, ImageFailed)
    assert "axes span no space" in str(of_type(events, ImageFailed)[0].error)
    events.clear()  # an error has the frames in which it was raised
    gc.collect()
    assert made
    assert all(array() is None for array in made)
