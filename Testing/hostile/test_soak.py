"""The soak test: what it counts, and that it can find something."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("slicer")

from helpers import patience
from helpers.patience import Patience
from hostile import soak
from hostile.soak import State, grown

STATE = State(mebibytes=200.0, descriptors=9, threads=3, nodes=2, objects=100_000)


def test_a_short_soak_ends_and_says_what_there_is(capsys: pytest.CaptureFixture):
    assert soak.main(["--minutes", "0.01"]) == 0
    first, last, result = capsys.readouterr().out.splitlines()
    assert first.startswith("after 6 rounds: ")
    assert "descriptors" in last
    assert result == "nothing has grown"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mebibytes": 220.0}, "mebibytes from 200 to 220"),
        ({"descriptors": 10}, "descriptors from 9 to 10"),
        ({"threads": 4}, "threads from 3 to 4"),
        ({"nodes": 3}, "nodes from 2 to 3"),
        ({"objects": 102_000}, "objects from 100,000 to 102,000"),
    ],
)
def test_what_has_grown_is_named(change: dict, words: str):
    assert grown(STATE, replace(STATE, **change)) == [words]


def test_some_memory_more_is_no_finding():
    assert grown(STATE, replace(STATE, mebibytes=205.0, objects=100_900)) == []
    assert grown(STATE, replace(STATE, mebibytes=212.0), expected_mebibytes=5.0) == []


def test_time_without_a_processor_is_no_hang(monkeypatch: pytest.MonkeyPatch):
    seconds_waited = iter([{"1": 2.0}, {"1": 2.0}, {"1": 2.0}, {"1": 302.0}])
    monkeypatch.setattr(patience, "_delays", lambda: next(seconds_waited))
    assert Patience(0).is_over
    assert not Patience(0).is_over
