"""Signals call those who are connected, in their order, and survive those who fail."""

from __future__ import annotations

import sys

from IGTLMetaBrowserLib.signal import Signal


def test_callbacks_are_called_in_the_order_in_which_they_were_connected():
    signal: Signal[[int]] = Signal()
    calls: list[tuple[str, int]] = []
    signal.connect(lambda number: calls.append(("first", number)))
    signal.connect(lambda number: calls.append(("second", number)))
    signal.emit(7)
    assert calls == [("first", 7), ("second", 7)]


def test_a_callback_that_was_disconnected_is_not_called():
    signal: Signal[[int]] = Signal()
    calls: list[int] = []
    signal.connect(calls.append)
    signal.disconnect(calls.append)
    signal.disconnect(calls.append)  # once more changes nothing
    signal.emit(1)
    assert calls == []


def test_a_callback_is_called_only_with_what_it_accepts():
    signal: Signal[[int]] = Signal()
    even: list[int] = []
    signal.connect(even.append, lambda number: number % 2 == 0)
    for number in range(5):
        signal.emit(number)
    assert even == [0, 2, 4]


def test_a_callback_that_fails_is_reported_and_the_others_are_called(monkeypatch):
    reported: list[str] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: reported.append(str(error)))
    signal: Signal[[int]] = Signal()
    calls: list[int] = []

    def fail(_number: int) -> None:
        raise RuntimeError("no room")

    signal.connect(fail)
    signal.connect(calls.append)
    signal.emit(1)
    assert (reported, calls) == (["no room"], [1])


def test_a_callback_may_disconnect_itself_and_others_while_it_is_called():
    signal: Signal[[]] = Signal()
    calls: list[str] = []

    def once() -> None:
        calls.append("once")
        signal.disconnect_all()

    signal.connect(once)
    signal.connect(lambda: calls.append("last"))
    signal.emit()
    signal.emit()
    assert calls == ["once", "last"]
