"""Which message of a recorded conversation answers which query, and how much work it is to know."""

from __future__ import annotations

import random
import sys

import pytest

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.recording.recording import Event, Record
from IGTLMetaBrowserLib.net.recording.script import make_scripts
from IGTLMetaBrowserLib.net.recording.waiting_queries import WaitingQueries, WaitingQuery


def asked_for(*queries: tuple[str, str]) -> tuple[WaitingQueries, list[WaitingQuery]]:
    waiting = WaitingQueries()
    asked = [WaitingQuery((type_name, name, b""), 0.0) for type_name, name in queries]
    for one in asked:
        waiting.add(one)
    return waiting, asked


@pytest.mark.parametrize(
    ("message", "number"),
    [
        (("IMAGE", "B"), 2),  # the one of its name
        (("IMAGE", "C"), 1),  # or else the oldest of its type
        (("RTS_IMAGE", "B"), 2),
        (("TRAJECTORY", ""), 3),  # older clients ask with GET_TRAJ
        (("STATUS", "B"), 2),  # a refusal answers queries of all types
        (("STATUS", "Z"), 0),
        (("TRANSFORM", "A"), None),  # nobody has asked for it
        (("IMAG", "A"), None),
    ],
)
def test_a_message_answers_the_oldest_query_of_its_name_and_type(
    message: tuple[str, str], number: int | None
) -> None:
    queries = [("GET_IMGMETA", ""), ("GET_IMAGE", "A"), ("GET_IMAGE", "B"), ("GET_TRAJ", "")]
    waiting, asked = asked_for(*queries)
    found = waiting.oldest_for(*message)
    assert found is (None if number is None else asked[number])


def test_what_is_answered_waits_no_longer() -> None:
    waiting, asked = asked_for(("GET_IMAGE", "A"), ("GET_IMAGE", "B"), ("GET_IMAGE", "A"))
    asked[1].is_answered = True
    assert waiting.oldest_for("IMAGE", "B") is asked[0]
    asked[0].is_answered = True
    assert waiting.oldest_for("IMAGE", "A") is asked[2]
    asked[2].is_answered = True
    assert waiting.oldest_for("IMAGE", "A") is None


def test_in_any_conversation_the_same_is_found_as_by_looking_at_all() -> None:
    rng = random.Random(1)
    types = ["GET_IMAGE", "GET_IMGMETA", "GET_TRAJ", "GET_STATUS", "STT_TDATA", "STP_TDATA", "GET_"]
    answers = ["IMAGE", "IMGMETA", "TRAJ", "STATUS", "TDATA", "RTS_TDATA", "RTS_IMAGE", "POINT"]
    waiting, all_ = WaitingQueries(), []
    for _ in range(2000):
        if rng.random() < 0.5:
            asked = WaitingQuery((rng.choice(types), rng.choice("AB"), b""), 0.0)
            waiting.add(asked)
            all_.append(asked)
            continue
        type_name, name = rng.choice(answers), rng.choice("ABC")
        fitting = [
            asked
            for asked in all_
            if not asked.is_answered
            and (
                type_name == "STATUS"
                or type_name.removeprefix("RTS_").startswith(asked.key[0][4:] or "nothing")
            )
        ]
        expected = next((asked for asked in fitting if asked.key[1] == name), None)
        found = waiting.oldest_for(type_name, name)
        assert found is (expected or next(iter(fitting), None))
        if found is not None:
            found.is_answered = True


def calls_for(records: list[Record]) -> int:
    """Return how many functions are called to make a script of a conversation."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        make_scripts(records)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("answer", ["STATUS", "TRANSFORM", "IMAGE"])
def test_queries_that_are_never_answered_cost_no_more_each_the_more_there_are(answer: str) -> None:
    """A client sends them without end, while a device goes on with what it sends."""

    def conversation(count: int) -> list[Record]:
        query = codec.pack(codec.GetMessage("TDATA", device_name="A"))
        message = codec.Header(1, answer, "B", codec.Timestamp(0), 0, 0).pack()
        pairs = [
            Record(event, 1, 0.0, data)
            for event, data in ((Event.CLIENT_SENT, query), (Event.SERVER_SENT, message))
        ]
        return [Record(Event.CONNECTED, 1, 0.0), *pairs * count]

    calls_for(conversation(10))  # what is imported the first time
    few, many = (calls_for(conversation(count)) for count in (500, 1000))
    assert many < 2.1 * few


def test_what_nobody_waits_for_costs_little_however_many_kinds_of_query_it_could_answer() -> None:
    """A tracker's stream is a million messages, and the list was asked for before it."""
    query = codec.pack(codec.GetMessage("IMGMETA"))
    pose = codec.pack(codec.TransformMessage(device_name="Needle"))
    stream = [Record(Event.SERVER_SENT, 1, 0.0, pose)]
    begin = [Record(Event.CONNECTED, 1, 0.0), Record(Event.CLIENT_SENT, 1, 0.0, query)]
    few, many = (calls_for([*begin, *stream * count]) for count in (100, 1100))
    assert many - few < 25 * 1000
