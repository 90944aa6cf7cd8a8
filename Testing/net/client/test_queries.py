"""Which query a message answers, without sockets and without a clock."""

from __future__ import annotations

import pytest

from helpers.queries import TIMEOUT, ask, image
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client.queries import Queries
from IGTLMetaBrowserLib.net.list_metadata.identity import SERVER

# By name


def test_an_answer_goes_to_the_query_of_its_type_and_name(queries: Queries):
    first = ask(queries, "IMAGE", "A")
    second = ask(queries, "IMAGE", "B")
    answer = image("B")
    assert queries.match(answer) is second
    assert second.answer is answer
    assert not first.is_done


def test_what_nobody_asked_for_answers_nothing(queries: Queries):
    query = ask(queries, "IMAGE", "A")
    assert queries.match(codec.TrajectoryMessage(device_name="A")) is None
    assert queries.match(codec.GetMessage("IMAGE", device_name="A")) is None
    assert not query.is_done


def test_a_query_is_answered_once(queries: Queries):
    query = ask(queries, "IMAGE", "A")
    first = image("A")
    queries.match(first)
    assert queries.match(image("A")) is None
    assert query.answer is first


def test_two_queries_for_the_same_image_get_an_answer_each(queries: Queries):
    first = ask(queries, "IMAGE", "A")
    second = ask(queries, "IMAGE", "A")
    assert queries.match(image("A")) is first
    assert queries.match(image("A")) is second


# Cancelled queries


def test_the_answer_to_a_cancelled_query_is_passed_over(queries: Queries):
    cancelled = ask(queries, "IMAGE", "A")
    wanted = ask(queries, "IMAGE", "B")
    cancelled.is_abandoned = True
    assert queries.match(image("A")) is cancelled
    assert cancelled.answer is None
    assert queries.match(image("B")) is wanted


def test_who_asks_again_after_cancelling_gets_the_first_answer(queries: Queries):
    cancelled = ask(queries, "IMAGE", "A")
    cancelled.is_abandoned = True
    wanted = ask(queries, "IMAGE", "A")
    assert queries.match(image("A")) is wanted
    assert queries.match(image("A")) is cancelled
    assert queries.waiting == []


def test_a_refusal_of_a_cancelled_query_is_not_kept(queries: Queries):
    cancelled = ask(queries, "IMAGE", "A")
    cancelled.error = net.CancelledError("cancelled")
    cancelled.is_abandoned = True
    queries.match(codec.StatusMessage(code=codec.StatusCode.NOT_FOUND, device_name="A"))
    assert isinstance(cancelled.error, net.CancelledError)


# Time


def test_a_query_expires_after_the_time_out(queries: Queries):
    query = ask(queries, "IMAGE", "A", now=100.0)
    assert queries.next_deadline == 100.0 + TIMEOUT
    assert queries.expired(114.9) == []
    assert queries.expired(115.0) == [query]


def test_while_bytes_arrive_no_query_expires(queries: Queries):
    ask(queries, "IMAGE", "A", now=100.0)
    ask(queries, "IMAGE", "B", now=105.0)
    queries.bytes_arrived(110.0)
    assert queries.next_deadline == 110.0 + TIMEOUT
    assert queries.expired(124.9) == []
    assert len(queries.expired(125.0)) == 2


def test_the_answer_to_a_later_query_gives_an_earlier_one_no_more_time(queries: Queries):
    earlier = ask(queries, "IMAGE", "A", now=100.0)
    answered = ask(queries, "IMGMETA", now=105.0)
    later = ask(queries, "IMAGE", "B", now=106.0)
    queries.bytes_arrived(110.0, answered)
    assert queries.expired(115.0) == [earlier]
    assert later.deadline == 110.0 + TIMEOUT


def test_a_list_that_comes_twice_does_not_answer_the_next_search(queries: Queries):
    """Our own server says by the number which query a list answers."""
    first, second = (net.Query("IMGMETA", message_id=n, header_version=2) for n in (7, 8))
    lists = [
        codec.ImageMetaMessage(header_version=2, message_id=n, metadata=SERVER) for n in (7, 8)
    ]
    queries.add(first, 0.0)
    assert queries.match(lists[0]) is first
    queries.add(second, 1.0)
    assert queries.match(lists[0]) is None
    assert queries.match(lists[1]) is second


def test_of_two_searches_each_has_the_list_that_repeats_its_number(queries: Queries):
    given_up, wanted = net.Query("IMGMETA", message_id=7), net.Query("IMGMETA", message_id=8)
    queries.add(given_up, 0.0)
    queries.abandon(given_up)
    queries.add(wanted, 1.0)
    late = codec.ImageMetaMessage(header_version=2, message_id=7)
    assert queries.match(late) is given_up
    assert not wanted.is_done
    answer = codec.ImageMetaMessage(header_version=2, message_id=8)
    assert queries.match(answer) is wanted
    assert wanted.answer is answer


def test_an_abandoned_query_never_expires_and_its_late_answer_is_passed_over(
    queries: Queries,
):
    query = ask(queries, "IMAGE", "A")
    queries.abandon(query)
    assert queries.next_deadline is None
    assert queries.match(image("A")) is query
    assert query.answer is None


# What a user reads


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (net.Query("IMGMETA"), "the list of images"),
        (net.Query("TRAJ"), "the trajectories"),
        (net.Query("IMAGE", "CT_7"), "the image 'CT_7'"),
        (net.Query("IMAGE", "a\x1bb"), "the image 'a\N{REPLACEMENT CHARACTER}b'"),
        (net.Query("TRANSFORM", "Needle"), "TRANSFORM 'Needle'"),
    ],
)
def test_a_query_in_words(query: net.Query, words: str):
    assert str(query) == words
