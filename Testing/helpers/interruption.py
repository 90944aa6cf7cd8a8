"""Ctrl-C, as when a notebook's cell is stopped, while bytes of an answer are read."""

from __future__ import annotations

import threading

import pytest

from IGTLMetaBrowserLib import codec


def interrupt_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Ctrl-C come once, when this thread has read bytes, and they are not yet counted."""
    count_bytes = codec.Receiver.buffer_updated
    this_thread, is_done = threading.current_thread(), threading.Event()

    def interrupt(receiver: codec.Receiver, count: int) -> list[codec.Message | codec.Rejected]:
        if threading.current_thread() is this_thread and not is_done.is_set():
            is_done.set()
            raise KeyboardInterrupt
        return count_bytes(receiver, count)  # also the server's

    monkeypatch.setattr(codec.Receiver, "buffer_updated", interrupt)
