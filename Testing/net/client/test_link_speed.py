"""Whether compressed parts arrive sooner, by how fast what came before has arrived."""

from __future__ import annotations

import select
import socket

import pytest

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.client.link_speed import LinkSpeed
from IGTLMetaBrowserLib.net.connection import Connection, Reading

KILOBYTE, MEGABYTE = 1_000, 1_000_000
EMPTY, MORE_IS_THERE = True, False


class Link:
    """A connection as `LinkSpeed` sees it: the moments at which it was read, and what came."""

    def __init__(self) -> None:
        self.speed = LinkSpeed()
        self._received = 0
        self._emptied_at = 0.0
        self._read_at = 0.0
        self.read(0, at=0.0, is_between=True)

    def read(self, count: int, at: float, is_empty: bool = EMPTY, is_between: bool = False) -> None:
        """Let so many bytes be read; ``is_between``: the last of them end an answer."""
        self._received += count
        self._read_at = at if count else self._read_at
        self._emptied_at = at if is_empty else self._emptied_at
        reading = Reading(self._received, self._read_at, self._emptied_at, is_between)
        self.speed.on_read(reading)

    def stream(self, count: int, rate: float, begin: float, pieces: int = 100) -> float:
        """Let an answer come evenly, after its first bytes; return when it is there."""
        self.read(1, at=begin)
        for number in range(1, pieces + 1):
            now = begin + number * count / rate / pieces
            self.read(count // pieces, at=now, is_between=number == pieces)
        return now

    @property
    def megabytes_per_second(self) -> float:
        return round(self.speed.bytes_per_second / MEGABYTE, 1)


@pytest.fixture
def link() -> Link:
    return Link()


def test_at_first_nothing_is_known(link):
    assert link.speed.bytes_per_second is None
    assert not link.speed.is_slow


def test_what_the_server_needs_to_prepare_an_answer_says_nothing_of_the_link(link):
    """A server that decodes for a second before it sends is not a slow link."""
    for second in range(1, 4):
        link.stream(3 * MEGABYTE, 100 * MEGABYTE, begin=second)
    assert link.megabytes_per_second == pytest.approx(100)
    assert not link.speed.is_slow


def test_a_few_small_answers_tell_nothing(link):
    for second in range(1, 4):
        link.read(1, at=second)
        link.read(70 * KILOBYTE, at=second + 0.1, is_between=True)
    assert link.speed.bytes_per_second is None
    assert not link.speed.is_slow


def test_over_a_slow_link_compression_pays(link):
    now = link.stream(3 * MEGABYTE, 10 * MEGABYTE, begin=0.1)
    assert link.megabytes_per_second == pytest.approx(10)
    assert link.speed.is_slow
    # 20 MB in 1 s, instead of 2 s.
    link.speed.on_finished(10 * MEGABYTE, 20 * MEGABYTE, asked_at=now, now=now + 1)
    assert link.speed.is_slow


def test_where_compression_takes_longer_than_the_link_it_does_not_pay(link):
    now = link.stream(3 * MEGABYTE, 10 * MEGABYTE, begin=0.1)
    link.speed.on_finished(MEGABYTE // 2, MEGABYTE, asked_at=now, now=now + 0.5)
    assert link.speed.is_slow  # that was only one part, during which the views may have been drawn
    link.speed.on_finished(10 * MEGABYTE, 20 * MEGABYTE, asked_at=now, now=now + 5)
    assert not link.speed.is_slow


def test_what_is_too_large_for_buffers_came_while_it_was_read(link):
    """However long the window had been drawing before, and how often a read was interrupted."""
    link.read(100, at=0.1)
    link.read(1600 * KILOBYTE, at=0.5, is_empty=MORE_IS_THERE)
    for number in range(5):
        link.read(260 * KILOBYTE, at=0.9 + number, is_empty=MORE_IS_THERE)
    link.read(100 * KILOBYTE, at=6.0, is_empty=MORE_IS_THERE, is_between=True)
    assert link.megabytes_per_second == pytest.approx(400)


def test_an_answer_whose_end_waited_for_a_busy_window_does_not_make_a_link_slow(link):
    """The last tenth is read 0.1 s later, as the garbage collector ran; it was here long before."""
    link.read(100, at=0.02)
    link.read(2900 * KILOBYTE, at=0.03)
    link.read(300 * KILOBYTE, at=0.13, is_between=True)
    assert link.speed.bytes_per_second > 300 * MEGABYTE
    assert not link.speed.is_slow


def test_a_busy_window_alone_does_not_make_a_link_slow(link):
    """One answer, in the middle of which nothing was read for 0.2 s."""
    link.read(300 * KILOBYTE, at=0.01)
    link.read(700 * KILOBYTE, at=0.21, is_between=True)
    assert not link.speed.is_slow


def test_what_was_there_already_when_the_socket_was_read_did_not_come_in_no_time(link):
    """1.5 MB that have gathered for 0.15 s are read in two turns of 4 ms."""
    for begin in (0.1, 1.1, 2.1):
        link.read(100, at=begin)
        link.read(1000 * KILOBYTE, at=begin + 0.15, is_empty=MORE_IS_THERE)
        link.read(500 * KILOBYTE, at=begin + 0.154, is_between=True)
    assert link.megabytes_per_second == pytest.approx(9.7, abs=0.1)
    assert link.speed.is_slow


def test_an_answer_that_is_there_at_once_shows_how_fast_the_link_is_at_least(link):
    link.read(MEGABYTE, at=0.1, is_between=True)
    assert link.megabytes_per_second == pytest.approx(10)
    assert not link.speed.is_slow  # that may have been the server
    link.read(0, at=5.0, is_between=True)
    link.read(MEGABYTE, at=5.01, is_between=True)
    assert link.megabytes_per_second == pytest.approx(100)


def test_the_time_before_it_was_asked_says_nothing_of_the_link(link):
    link.speed.on_asked(now=60.0)
    link.read(MEGABYTE, at=60.01, is_between=True)
    assert link.megabytes_per_second == pytest.approx(100)


def test_a_new_connection_is_timed_from_its_first_bytes_on(link):
    link.stream(3 * MEGABYTE, 10 * MEGABYTE, begin=0.1)
    link.speed.on_read(Reading(received=100, at=60.0, emptied_at=60.0, is_between=False))
    link.speed.on_read(Reading(received=MEGABYTE, at=60.1, emptied_at=60.1, is_between=False))
    assert link.megabytes_per_second == pytest.approx(10)


def test_a_connection_says_how_much_it_has_read_and_whether_more_is_there():
    message = codec.pack(codec.StringMessage("a", device_name="b"))
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as theirs,
        listener.accept()[0] as ours,
    ):
        connection = Connection(ours, codec.Receiver())

        def read(count: int, seconds: float) -> Reading:
            while connection.reading.received < count:
                select.select([ours], [], [])
                connection.read(seconds)
            return connection.reading

        theirs.sendall(message + message[:10])
        reading = read(len(message) + 10, seconds=60)
        assert reading.is_empty
        assert not reading.is_between
        theirs.sendall(message[10:])
        # After its bytes, it has no time left to see whether more is there.
        reading = read(2 * len(message), seconds=0)
        assert not reading.is_empty
        assert reading.is_between
