"""The rate over the last three seconds, and the time left by it."""

from __future__ import annotations

import pytest

from IGTLMetaBrowserLib.browser.downloads.download_queue import DownloadQueue
from IGTLMetaBrowserLib.browser.downloads.transfer_rate import TransferRate


def test_it_is_too_early_to_tell_at_first():
    rate = TransferRate()
    assert rate.bytes_per_second(100.0) is None
    rate.add(0, 100.0)
    assert rate.bytes_per_second(100.2) is None


def test_a_steady_rate():
    rate = TransferRate()
    for tenth in range(100):
        rate.add(1000 * tenth, 50 + tenth / 10)
    assert rate.bytes_per_second(59.9) == pytest.approx(10_000)


def test_what_was_faster_long_ago_does_not_count():
    rate = TransferRate()
    rate.add(0, 0.0)
    rate.add(100_000_000, 1.0)
    for tenth in range(1, 61):
        rate.add(100_000_000 + 1000 * tenth, 1 + tenth / 10)
    assert rate.bytes_per_second(7.0) == pytest.approx(10_000)


def test_a_stall_lowers_the_rate():
    rate = TransferRate()
    rate.add(0, 0.0)
    rate.add(10_000, 1.0)
    assert rate.bytes_per_second(1.0) == pytest.approx(10_000)
    assert rate.bytes_per_second(100.0) == pytest.approx(100)


def test_the_memory_of_a_long_transfer_is_bounded():
    rate = TransferRate()
    for step in range(100_000):
        rate.add(step, step * 0.008)
    assert len(rate._samples) < 400


def test_the_time_left_is_that_of_the_whole_batch():
    queue = DownloadQueue()
    for image_id in "ABC":
        queue.add({image_id: 10_000})
    assert queue.begin_next(0.0) == "A"
    queue.arrived(5_000, 10_000, 1.0)
    transfer = queue.transfer(1.0)
    assert transfer.bytes_per_second == pytest.approx(5_000)
    assert transfer.seconds_left == pytest.approx((5_000 + 20_000) / 5_000)
    assert (transfer.done, transfer.total) == (0, 3)

    queue.arrived(10_000, 10_000, 2.0)
    queue.finish()
    queue.remove(["C"])
    assert queue.begin_next(2.0) == "B"
    transfer = queue.transfer(2.0)
    assert transfer.bytes_per_second == pytest.approx(5_000)  # it goes on, and begins not anew
    assert transfer.seconds_left == pytest.approx(2.0)
    assert (transfer.image_id, transfer.done, transfer.total) == ("B", 2, 3)


def test_with_a_size_that_the_list_does_not_tell_the_time_is_unknown():
    queue = DownloadQueue()
    queue.add({"A": 10_000})
    queue.add({"B": 0})
    queue.begin_next(0.0)
    queue.arrived(5_000, 10_000, 1.0)
    assert queue.transfer(1.0).seconds_left is None
    queue.remove(["B"])
    assert queue.transfer(1.0).seconds_left == pytest.approx(1.0)


def test_an_image_that_is_larger_than_the_list_says_counts_as_it_comes():
    queue = DownloadQueue()
    queue.add({"A": 10})
    queue.begin_next(0.0)
    queue.arrived(1_000, 2_000, 1.0)
    transfer = queue.transfer(1.0)
    assert (transfer.received, transfer.size) == (1_000, 2_000)
    assert transfer.seconds_left == pytest.approx(1.0)


def test_what_is_put_back_is_the_next_one_again():
    queue = DownloadQueue()
    for image_id in "AB":
        queue.add({image_id: 10_000})
    queue.begin_next(0.0)
    queue.arrived(5_000, 10_000, 1.0)
    queue.put_back()
    assert queue.waiting == ["A", "B"]
    assert queue.transfer(1.0) is None
    assert queue.begin_next(5.0) == "A"
    assert queue.transfer(5.0).received == 0
    assert queue.transfer(5.0).bytes_per_second is None  # the time without a connection is no pace
    assert (queue.transfer(5.0).done, queue.transfer(5.0).total) == (0, 2)


def test_a_batch_ends_when_nothing_is_left():
    queue = DownloadQueue()
    queue.add({"A": 10_000})
    queue.begin_next(0.0)
    queue.finish()
    queue.add({"B": 10_000})
    queue.begin_next(100.0)
    assert (queue.transfer(100.0).done, queue.transfer(100.0).total) == (0, 1)
    assert queue.transfer(100.2).bytes_per_second is None
