"""The download queue: one image at a time, its progress, and cancelling."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from helpers.hospital import LARGE, SMALL, finish, of_type, slowly, step_until_event, voxels
from helpers.peers import ScriptedServer, make_image
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.browser.events import (
    Connected,
    Connecting,
    Disconnected,
    ImageLoaded,
    ImagePreparing,
    ImageProgress,
    ImagesCancelled,
    ImageStatus,
    ImagesWaiting,
)

# Progress


@pytest.mark.parametrize("image", [SMALL, LARGE], ids=["small", "large"])
def test_observers_see_an_image_arrive(unconnected, events, image):
    size = 72 + image.pixels.nbytes
    go_on = threading.Event()
    unconnected.add_observer(lambda event: isinstance(event, ImageProgress) and go_on.set())
    with ScriptedServer(slowly(image, go_on)) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.load_image("MR")
        unconnected.disconnect()
    steps = [event.received for event in of_type(events, ImageProgress)]
    assert 0 < steps[0] < size  # the end is sent when the beginning has been seen
    assert steps == sorted(set(steps))
    assert steps[-1] == size


def test_an_image_that_comes_at_once_is_seen_to_have_arrived(browser, events):
    browser.load_image("MR")
    last = of_type(events, ImageProgress)[-1]
    assert last.received == last.size > 0


def test_the_transfer_tells_how_far_image_and_batch_are(browser, events):
    seen = []
    browser.add_observer(lambda event: seen.append(browser.images.downloads.transfer))
    assert browser.images.downloads.transfer is None
    browser.request_images(["MR", "BROKEN", "CT"])
    assert (
        browser.images.downloads.transfer.image_id,
        browser.images.downloads.transfer.done,
        browser.images.downloads.transfer.total,
    ) == (
        "MR",
        0,
        3,
    )
    finish(browser)
    assert browser.images.downloads.transfer is None
    steps = [(transfer.image_id, transfer.done, transfer.total) for transfer in seen if transfer]
    assert steps[-1] == ("CT", 2, 3)
    assert ("BROKEN", 1, 3) in steps
    browser.request_images(["PHOTO"])
    assert (browser.images.downloads.transfer.done, browser.images.downloads.transfer.total) == (
        0,
        1,
    )  # the next batch


def test_rate_and_time_left_are_known_while_an_image_arrives(unconnected, events):
    image, go_on = make_image(1, (128, 128, 64), "MR"), threading.Event()
    data = codec.pack(image)

    def trickle(peer):
        peer.receive()
        for start in range(0, len(data), len(data) // 10):
            peer.pause(0.06)
            peer.send(data[start : start + len(data) // 10])
        go_on.set()
        peer.wait_until_closed()

    with ScriptedServer(trickle) as server:
        unconnected.connect("127.0.0.1", server.port)
        transfers = []
        unconnected.add_observer(
            lambda event: transfers.append(unconnected.images.downloads.transfer)
        )
        unconnected.load_image("MR")
        unconnected.disconnect()
    known = [one for one in transfers if one is not None and one.bytes_per_second]
    assert known, "no rate was ever known"
    last = known[-1]
    # About a tenth in 60 ms; a busy machine may be slower, none is faster.
    assert 0 < last.bytes_per_second < 1.2 * len(data) / 0.6
    assert last.seconds_left == pytest.approx(
        (last.size - last.received) / last.bytes_per_second, abs=0.01
    )


def test_while_the_server_prepares_an_image_observers_hear_for_how_long(unconnected, events):
    # It shows that it is alive by the tracking data that it streams meanwhile.
    is_heard = threading.Event()

    def prepare(peer):
        peer.receive()
        while not is_heard.is_set():
            peer.send(codec.TransformMessage(device_name="StylusToTracker"))
            peer.pause(0.02)
        peer.send(make_image(1, device_name="MR"))
        peer.wait_until_closed()

    seen = []

    def hear(event):
        if isinstance(event, ImagePreparing):
            seen.append(unconnected.images.downloads.transfer.seconds_preparing)
            is_heard.set()

    unconnected.add_observer(hear)
    with ScriptedServer(prepare) as server:
        server.only_silence_counts()
        unconnected.connect("127.0.0.1", server.port)
        unconnected.load_image("MR")
        unconnected.disconnect()
    preparing = of_type(events, ImagePreparing)[0]
    assert (preparing.image_id, preparing.seconds) == ("MR", 1)
    assert seen[0] >= 1


# Cancelling


def cancelled_ids(events):
    return [image_id for event in of_type(events, ImagesCancelled) for image_id in event.image_ids]


def test_cancelling_ends_the_queue_and_keeps_the_connection(browser, events):
    browser.request_images(["MR", "CT", "PHOTO"])
    browser.images.cancel()
    assert cancelled_ids(events) == ["MR", "CT", "PHOTO"]
    assert browser.queue == []
    assert browser.images.downloads.current is None
    assert voxels(browser.load_image("CT")) == [2, 3, 4]
    assert of_type(events, Disconnected) == of_type(events, Connecting) == []
    assert browser.images.node("MR") is None


@pytest.mark.parametrize("image", [SMALL, LARGE], ids=["small", "large"])
def test_an_image_that_was_cancelled_on_its_way_can_be_loaded_again(unconnected, events, image):
    go_on = threading.Event()

    def cancel_once(event):
        if isinstance(event, ImageProgress) and not go_on.is_set():
            unconnected.images.cancel()
            go_on.set()

    unconnected.add_observer(cancel_once)
    with ScriptedServer(slowly(image, go_on)) as server:
        unconnected.connect("127.0.0.1", server.port)
        with pytest.raises(net.CancelledError):
            unconnected.load_image("MR")
        assert unconnected.images.node("MR") is None
        assert unconnected.load_image("MR") is unconnected.images.node("MR")
        assert voxels(unconnected.load_image("OTHER")) == [7, 8, 9]
        unconnected.disconnect()
    assert cancelled_ids(events) == ["MR"]
    assert len(of_type(events, Connected)) == 1


def test_leaving_the_server_cancels_what_waits_and_keeps_what_is_loaded(browser, events):
    node = browser.load_image("MR")
    browser.request_images(["CT", "PHOTO"])
    browser.disconnect()
    assert cancelled_ids(events) == ["CT", "PHOTO"]
    assert isinstance(events[-1], Disconnected)
    assert voxels(node) == [1, 2, 3]


def test_an_observer_may_leave_the_server(browser, events):
    def leave(event):
        if isinstance(event, ImageLoaded):
            browser.disconnect()

    browser.add_observer(leave)
    assert voxels(browser.load_image("MR")) == [1, 2, 3]
    assert isinstance(events[-1], Disconnected)


def test_one_image_of_many_can_be_cancelled(browser, events):
    browser.request_images(["MR", "CT", "PHOTO"])
    browser.images.cancel(["CT"])
    finish(browser)
    assert cancelled_ids(events) == ["CT"]
    assert [event.image_id for event in of_type(events, ImageLoaded)] == ["MR", "PHOTO"]
    assert browser.images.states.of("CT").status is ImageStatus.CANCELLED


def test_cancelling_the_image_in_transfer_begins_the_next_one(unconnected, events):
    go_on = threading.Event()
    with ScriptedServer(slowly(LARGE, go_on)) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.request_images(["MR", "CT"])
        step_until_event(unconnected, events, ImageProgress)
        unconnected.images.cancel(["MR"])
        assert unconnected.images.downloads.current == "CT"
        go_on.set()
        finish(unconnected)
        unconnected.disconnect()
    assert cancelled_ids(events) == ["MR"]
    assert [event.image_id for event in of_type(events, ImageLoaded)] == ["CT"]
    assert len(of_type(events, Connected)) == 1


def test_cancelling_what_is_loaded_again_leaves_it_loaded(browser):
    browser.load_image("MR")
    browser.request_images(["MR"])
    browser.images.cancel()
    assert browser.images.states.of("MR").status is ImageStatus.LOADED


def test_cancelling_what_is_not_asked_for_changes_nothing(browser, events):
    browser.images.cancel(["MR", "no such image"])
    browser.images.cancel()
    assert events == []
    assert browser.images.states.by_id == {}


def test_a_very_long_queue_takes_no_longer_an_image(browser, events):
    # Each step would look at all that wait, if the queue were a list.
    ids = [f"IMAGE_{number}" for number in range(50_000)]
    browser.request_images(ids)
    browser.images.queue_requested()
    assert browser.images.downloads.transfer.total == 50_000
    browser.request_images(ids)
    while browser.images.downloads.has_requested:
        browser.images.queue_requested()
    assert browser.images.downloads.transfer.total == 50_000
    browser.images.cancel(ids[10_000:])
    browser.images.cancel()
    assert browser.queue == []
    assert sorted(cancelled_ids(events)) == sorted(ids)
    # One event for many: the window would be busy with 50,000 for a second.
    assert len(of_type(events, ImagesCancelled)) == 2


def test_very_many_images_are_put_into_the_queue_in_turns(browser, events):
    ids = [f"image {number}" for number in range(120_000)]

    browser.request_images(ids)

    assert [event.image_ids for event in events] == [()]  # what is to come takes some turns
    assert browser.next_deadline == 0
    assert browser.queue == ids

    browser.images.queue_requested()
    assert 0 < len(of_type(events, ImagesWaiting)[1].image_ids) < len(ids)
    assert browser.queue == ids[1:], "the first is in transfer, all others wait"

    while browser.images.downloads.has_requested:
        browser.step()
    queued = [id_ for event in of_type(events, ImagesWaiting) for id_ in event.image_ids]
    assert queued == ids


def test_the_memory_of_what_is_under_way_is_known_and_no_image_counts_twice(browser):
    sizes = dict(zip(ids := ["MR", "CT"], browser.metadata.listing.byte_counts(ids), strict=True))
    browser.request_images(["MR", "CT", "MR"])
    images = browser.images
    assert min(sizes.values()) > 0
    assert images.byte_count_under_way() == sum(sizes.values())
    assert images.byte_count_under_way(["CT", "X"]) == sizes["MR"]
    assert images.byte_count_under_way(["MR"]) == sizes["CT"]
    finish(browser)
    browser.request_images(["MR"])
    assert images.byte_count_under_way() == 0  # its volume is there already


def test_of_very_many_ids_some_are_looked_at_in_each_turn(browser, events):
    looked_at = []

    class Ids(Sequence):
        def __len__(self):
            return 12_000

        def __getitem__(self, index):
            looked_at.append(index)
            return [f"image {number}" for number in range(12_000)[index]]

    browser.request_images(Ids())
    assert looked_at == []
    assert browser.images.byte_count_under_way() == 0  # the list does not have them
    looked_at.clear()
    while browser.images.downloads.has_requested:
        browser.step()
    assert looked_at == [slice(0, 5000), slice(5000, 10_000), slice(10_000, 15_000)]
    queued = [id_ for event in of_type(events, ImagesWaiting) for id_ in event.image_ids]
    assert queued == Ids()[:]


def test_cancelling_ends_what_is_not_in_the_queue_yet(browser, events):
    ids = [f"image {number}" for number in range(120_000)]
    browser.request_images(ids)

    browser.images.cancel()

    assert of_type(events, ImagesCancelled)[0].image_ids == ids
    assert browser.queue == []
    assert not browser.images.downloads.has_requested
