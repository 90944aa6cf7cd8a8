"""Reads many files in processes beside this one.

Each process has one batch of files at a time, and the next when it has answered: so memory does not
grow with the number of files, and neither side ever waits for the other to empty a pipe. Processes
are spawned, on all systems alike; a program that reads in several of them must have its main module
guarded by ``if __name__ == "__main__"``. Not for use inside Slicer, whose executable is no Python.
"""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .header_reader import FileContent, read_file

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

Batch = list[tuple[int, bytes]]
"""Numbers of files, and their paths."""

Contents = list[tuple[int, FileContent]]
"""Numbers of files, and what is in them."""


def read_batches(batches: Iterable[Batch], jobs: int) -> Iterator[Contents]:
    """Yield what is in the files, a batch at a time, in the order in which they are done.

    ``jobs`` is the number of processes; with 1, and inside Slicer, this process reads itself.
    Batches of a process that the system ends are left out.
    """
    is_in_slicer = hasattr(sys.modules.get("slicer"), "app")
    if jobs == 1 or is_in_slicer:
        yield from map(_read_batch, batches)
    else:
        yield from _read_in_processes(iter(batches), jobs)


def _read_batch(batch: Batch) -> Contents:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of every oddity in a file
        return [(number, read_file(path)) for number, path in batch]


def _read_in_processes(batches: Iterator[Batch], jobs: int) -> Iterator[Contents]:
    from multiprocessing.connection import wait

    processes: dict[Connection, SpawnProcess] = {}
    idle: list[Connection] = []
    try:
        with _interrupt_kept_back():
            for _ in range(jobs):
                connection, process = _start()
                processes[connection] = process
                idle.append(connection)
        busy = {connection for connection in idle if _send_next(connection, batches)}
        while busy:
            for connection in wait(busy):
                try:
                    contents = connection.recv()
                except (EOFError, OSError):  # the system has ended it, for want of memory perhaps
                    busy.discard(connection)
                    continue
                if not _send_next(connection, batches):
                    busy.discard(connection)
                yield contents
    finally:
        for connection, process in processes.items():
            connection.close()
            process.terminate()  # it holds nothing that could be lost
            process.join()


def _send_next(connection: Connection, batches: Iterator[Batch]) -> bool:
    """Send the next batch; return whether there was one."""
    batch = next(batches, None)
    if batch is not None:
        try:
            connection.send(batch)
        except OSError:
            return False
    return batch is not None


def _start() -> tuple[Connection, SpawnProcess]:
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    return ours, process


def _serve(connection: Connection) -> None:
    """What the other process does, until nobody is at the other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            connection.send(_read_batch(connection.recv()))
        except (EOFError, OSError):
            return


@contextmanager
def _interrupt_kept_back() -> Iterator[None]:
    """Have Ctrl-C wait until the block ends; processes started within never hear of it.

    It goes to all processes of a terminal, and each would print its own traceback. Where the system
    has no such masks (Windows), ``_serve`` has to be quick.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
