"""Conversations that are recorded, and replayed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers.peers import PATIENCE
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.recording.recorder import Recorder
from IGTLMetaBrowserLib.net.recording.recording import (
    Event,
    Record,
    RecordingWriter,
    read_recording,
)
from IGTLMetaBrowserLib.net.recording.replay import ReplayServer
from IGTLMetaBrowserLib.net.recording.script import make_scripts


@contextmanager
def stepped(server: Any) -> Iterator[Any]:
    """Step a recorder or a replay in a thread."""
    is_over = threading.Event()

    def run() -> None:
        while not is_over.is_set():
            server.step(0.01)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield server
    finally:
        is_over.set()
        thread.join()
        server.close()


@contextmanager
def recording(port: int, file: Path, **options: Any) -> Iterator[int]:
    """Record what goes to the server at ``port``; yield where clients connect instead."""
    writer = RecordingWriter(file)
    with stepped(Recorder(("127.0.0.1", port), writer, **options)) as recorder:
        yield recorder.port
    writer.close()


@contextmanager
def replaying(file: Path, speed: float = 100.0) -> Iterator[net.Client]:
    """Yield a client of the server that was recorded."""
    server = ReplayServer(make_scripts(read_recording(file)), speed=speed)
    with stepped(server), net.Client("127.0.0.1", server.port, answer_timeout=PATIENCE) as client:
        yield client


def asked_and_answered(query: codec.Message, answer: codec.Message) -> list[Record]:
    """Return the records of a connection of one query."""
    return [
        Record(Event.CONNECTED, 1, 0.0),
        Record(Event.CLIENT_SENT, 1, 0.0, codec.pack(query)),
        Record(Event.SERVER_SENT, 1, 0.0, codec.pack(answer)),
    ]
