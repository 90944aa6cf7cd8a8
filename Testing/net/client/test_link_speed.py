"""Whether compressed parts arrive sooner, by how fast those before have arrived."""

from __future__ import annotations

from IGTLMetaBrowserLib.net.client.link_speed import LinkSpeed

MEGABYTE = 1_000_000


def test_at_first_nothing_is_known():
    speed = LinkSpeed()
    assert speed.bytes_per_second is None
    assert not speed.is_slow


def test_what_the_server_needs_to_prepare_an_answer_says_nothing_of_the_link():
    speed = LinkSpeed()
    speed.on_progress("first", 0, now=5.0)
    speed.on_finished("first", MEGABYTE, MEGABYTE, asked_at=0.0, now=5.01)
    assert round(speed.bytes_per_second) == 100 * MEGABYTE
    assert not speed.is_slow


def test_over_a_slow_link_compression_pays():
    speed = LinkSpeed()
    speed.on_progress("first", 0, now=0.0)
    speed.on_finished("first", MEGABYTE, MEGABYTE, asked_at=0.0, now=0.1)
    assert speed.is_slow
    # 20 MB in 1 s, instead of 2 s.
    speed.on_finished("second", 10 * MEGABYTE, 20 * MEGABYTE, asked_at=0.0, now=1.1)
    assert speed.is_slow


def test_where_compression_takes_longer_than_the_link_it_does_not_pay():
    speed = LinkSpeed()
    speed.on_progress("first", 0, now=0.0)
    speed.on_finished("first", MEGABYTE, MEGABYTE, asked_at=0.0, now=0.1)
    speed.on_finished("second", MEGABYTE // 2, MEGABYTE, asked_at=0.0, now=0.5)
    assert speed.is_slow  # that was only one part, during which the views may have been drawn
    speed.on_finished("third", 10 * MEGABYTE, 20 * MEGABYTE, asked_at=0.0, now=5.0)
    assert not speed.is_slow


def test_a_large_answer_that_is_there_at_once_came_while_it_was_read():
    speed = LinkSpeed()
    speed.on_finished("first", 4 * MEGABYTE, 4 * MEGABYTE, asked_at=0.0, now=0.5)
    assert speed.bytes_per_second > 500 * MEGABYTE


def test_a_small_answer_that_is_there_at_once_may_have_come_since_it_was_asked_for():
    speed = LinkSpeed()
    speed.on_finished("first", MEGABYTE, MEGABYTE, asked_at=0.0, now=0.1)
    assert round(speed.bytes_per_second) == 10 * MEGABYTE


def test_a_small_answer_that_is_there_at_once_came_after_the_last_look_that_found_nothing():
    """A server that decodes for a second before it sends is not a slow link."""
    speed = LinkSpeed()
    speed.on_nothing(now=0.99)
    speed.on_finished("first", MEGABYTE, MEGABYTE, asked_at=0.0, now=1.0)
    assert round(speed.bytes_per_second) == 100 * MEGABYTE
    speed.on_nothing(now=5.0)
    speed.on_finished("second", MEGABYTE, MEGABYTE, asked_at=4.0, now=5.01)
    assert round(speed.bytes_per_second) == 100 * MEGABYTE
