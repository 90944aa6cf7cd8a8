"""What the long form of the fault tests does with what seems to hang: it is tried again alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import NoReturn

import pytest

from helpers.patience import HangError
from hostile import faults, lanes
from hostile.fault_proxy import Fault
from hostile.lanes import Outcome, try_some
from hostile.rig import Rig
from IGTLMetaBrowserLib import net

WAY = "plain client"
CUT, FLIP = Fault("cut", 58), Fault("flip", 700)
BEHIND_THE_END = Fault("cut", 1_000_000)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let all faults be tried in this process; return how many at once, for each time."""
    at_once_each_time = []

    def try_all(way: str, some: Sequence[Fault], jobs: int, at_once: int) -> list[Outcome]:
        at_once_each_time.append(jobs * at_once)
        return try_some(way, some, at_once)

    monkeypatch.setattr(faults, "try_all", try_all)
    return at_once_each_time


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """Return what nothing sets before the end of the test."""
    event = threading.Event()
    yield event
    event.set()


def ends_of(outcomes: Sequence[Outcome]) -> dict[Fault, str]:
    return {outcome.fault: outcome.end for outcome in outcomes}


def test_conversations_side_by_side_end_as_alone():
    some = [Fault("cut", at) for at in range(0, 2400, 400)]
    outcomes = ends_of(try_some(WAY, some, at_once=3))
    assert outcomes.keys() == set(some)
    assert set(outcomes.values()) <= {"complete", "words"}


def test_what_ends_the_server_is_not_lost(monkeypatch: pytest.MonkeyPatch):
    def fail(_server: net.Server, _seconds: float) -> NoReturn:
        raise RuntimeError("the server ended")

    monkeypatch.setattr(net.Server, "step", fail)
    with pytest.raises(RuntimeError, match="the server ended"):
        try_some(WAY, [CUT], at_once=1)


def test_a_fault_behind_the_end_was_not_tried():
    assert ends_of(try_some(WAY, [BEHIND_THE_END], at_once=1)) == {BEHIND_THE_END: "no fault"}


def test_a_call_that_never_returns_is_a_hang(
    monkeypatch: pytest.MonkeyPatch, never: threading.Event
):
    monkeypatch.setattr(Rig, "try_one", lambda _rig, _fault: never.wait())
    monkeypatch.setattr(lanes, "SECONDS", 0.01)
    monkeypatch.setattr(lanes, "SECONDS_BETWEEN_LOOKS", 0.01)
    assert set(ends_of(try_some(WAY, [CUT, FLIP], at_once=1)).values()) == {"HANG"}


@pytest.mark.parametrize("times", [1, 2])
def test_a_hang_is_one_if_it_hangs_alone(
    times: int,
    in_this_process: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
):
    hangs = iter([True] * times)

    def try_one(rig: Rig, fault: Fault) -> list[str]:
        rig.has_done_fault = True
        if fault == CUT and next(hangs, False):
            raise HangError("it hung")
        return []

    monkeypatch.setattr(Rig, "try_one", try_one)
    outcomes = ends_of(faults.try_twice(WAY, [CUT, FLIP], jobs=2, at_once=2))
    assert outcomes == {FLIP: "complete", CUT: ["complete", "HANG"][times - 1]}
    assert in_this_process == [4, 1]
    words = f"1 suspected hangs, {times - 1} hang again; 0 ended before the fault"
    assert words in capsys.readouterr().out


def test_a_wrong_result_is_not_tried_again(
    in_this_process: list[int], monkeypatch: pytest.MonkeyPatch
):
    def try_one(_rig: Rig, _fault: Fault) -> list[str]:
        raise AssertionError("wrong voxels")

    monkeypatch.setattr(Rig, "try_one", try_one)
    (outcome,) = faults.try_twice(WAY, [CUT], jobs=1, at_once=1)
    assert (outcome.end, in_this_process) == ("WRONG", [1])
    assert "wrong voxels" in outcome.problem
