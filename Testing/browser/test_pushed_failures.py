"""Failures of what a server sends unasked: the first are told, the others are counted."""

from __future__ import annotations

from IGTLMetaBrowserLib.browser.pushed_failures import MOST_AT_A_TIME, SECONDS, PushedFailures

ERROR = ValueError("damaged")


def test_a_few_are_told_and_the_others_counted():
    told = []
    failures = PushedFailures(lambda event: told.append(str(event.error)))
    for _ in range(1000):
        failures.add(ERROR, now=0.0)
    assert told[:MOST_AT_A_TIME] == ["damaged"] * MOST_AT_A_TIME
    (more,) = told[MOST_AT_A_TIME:]
    assert "sends more messages that cannot be read" in more
    told.clear()
    failures.add(ERROR, now=SECONDS)
    assert told == ["990 more messages of the server could not be read or shown", "damaged"]


def test_few_are_all_told_and_nothing_else():
    told = []
    failures = PushedFailures(told.append)
    for moment in range(50):
        failures.add(ERROR, now=moment * SECONDS / 5)
    assert len(told) == 50


def test_with_another_server_it_begins_anew():
    told = []
    failures = PushedFailures(lambda event: told.append(str(event.error)))
    for _ in range(100):
        failures.add(ERROR, now=0.0)
    failures.forget()
    told.clear()
    failures.add(ERROR, now=1.0)
    assert told == ["damaged"]
