"""What is begun in turns: it is kept for who comes again, however long a round of all takes."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import wait

import pytest

from IGTLMetaBrowserLib.net.source import NotReadyError
from IGTLMetaBrowserLib.sources.background import Background
from IGTLMetaBrowserLib.sources.begun_work import BegunWork
from IGTLMetaBrowserLib.sources.turn_clock import TurnClock


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The only item is the time: it passes as the test says."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


class Looked:
    """Looks at things in three turns of two seconds each, as at files of a share that is slow."""

    def __init__(self, seconds: list[float]) -> None:
        self._seconds = seconds
        self.clock = TurnClock()
        self._begun: BegunWork[list[int]] = BegunWork(4, self.clock)

    def look(self, thing: str) -> None:
        with self.clock.turn():
            turns = self._begun.take(thing)
            if turns is None:
                self._begun.make_room()
                turns = [1, 2, 3]
            self._seconds[0] += 2.0
            turns.pop()
            if turns:
                self._begun.keep(thing, turns, is_awaited=True)
                raise NotReadyError

    def rounds(self, things: str) -> int:
        """Return after how many rounds all of them are done, of which each asks again and again."""
        left = [*things]
        for number in range(1000):
            for thing in [*left]:
                with contextlib.suppress(NotReadyError):
                    self.look(thing)
                    left.remove(thing)
            if not left:
                return number
            self._seconds[0] += 0.02
        pytest.fail(f"never done: {left}")


def test_in_slow_rounds_what_is_begun_for_who_comes_again_is_not_begun_anew(seconds):
    assert Looked(seconds).rounds("ABCDEFGHIJ") < 12


def test_in_slow_rounds_who_has_left_gives_way_in_the_end(seconds):
    looked = Looked(seconds)
    for left in "ABC":
        with pytest.raises(NotReadyError):
            looked.look(left)
    assert looked.rounds("DEFGHIJ") < 50


def test_who_has_left_gives_way_soon_if_nobody_has_long_turns(seconds):
    looked = Looked(seconds)
    for left in "ABCD":
        with pytest.raises(NotReadyError):
            looked.look(left)
    begin = seconds[0]
    looked.rounds("E")
    assert seconds[0] - begin < 12


def test_in_slow_rounds_a_large_result_is_kept_for_who_comes_again(seconds):
    clock = TurnClock()
    background = Background(clock)
    for key in "AB":
        background.begin(key, lambda: 1, is_large=True)
        seconds[0] += 0.1
    wait(background._futures.values())
    with clock.turn():
        seconds[0] += 10.0
    with pytest.raises(NotReadyError):
        background.wait_for_room()
    seconds[0] += 3.0
    background.wait_for_room()  # for which somebody has made room who does not come any more
    assert [*background._futures] == ["B"]
    background.close()
