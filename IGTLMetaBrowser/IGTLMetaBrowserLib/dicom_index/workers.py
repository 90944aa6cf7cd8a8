"""Reads many files in other processes, or on the machines of a Dask cluster.

Both are executors of ``concurrent.futures``. Each has a few batches of files at a time, so that
memory does not grow with the number of files. For local processes see ``process_executor``.
"""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .headers.header_reader import FileContent, read_file

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

Batch = list[tuple[int, bytes]]
"""Numbers of files, and their paths."""

Contents = list[tuple[int, FileContent]]
"""Numbers of files, and what is in them."""

# While one batch is being read, another waits for each process.
_BATCHES_A_PROCESS = 2


class NoProcessesError(Exception):
    """The system lets this user have no more processes, or threads that wait for them."""


def read_batches(
    batches: Iterable[Batch], jobs: int, executor: Executor | None = None
) -> Iterator[Contents]:
    """Yield what is in the files, a batch at a time, in the order in which they are done.

    ``jobs`` is the number of processes; with 1, and inside Slicer, this process reads itself. With
    an ``executor`` (of a cluster), that reads instead, ``jobs`` batches at a time. Batches of
    processes that the system ends are left out. Raises ``NoProcessesError``.
    """
    is_in_slicer = hasattr(sys.modules.get("slicer"), "app")
    if executor is not None:
        yield from _read_with(executor, iter(batches), jobs)
    elif jobs == 1 or is_in_slicer:
        yield from map(read_batch, batches)
    else:
        yield from _read_in_processes(iter(batches), jobs)


def read_batch(batch: Batch) -> Contents:
    """Return what is in the files of a batch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of every oddity in a file
        return [(number, read_file(path)) for number, path in batch]


def _read_in_processes(batches: Iterator[Batch], jobs: int) -> Iterator[Contents]:
    from concurrent.futures import BrokenExecutor

    from .process_executor import ProcessExecutor

    executor = ProcessExecutor(jobs)
    try:
        yield from _read_with(executor, batches, jobs)
    except BrokenExecutor:  # the system has ended a process, for want of memory perhaps
        return
    except (OSError, RuntimeError) as error:
        raise NoProcessesError from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _read_with(executor: Executor, batches: Iterator[Batch], jobs: int) -> Iterator[Contents]:
    from concurrent.futures import FIRST_COMPLETED, wait

    waiting: set[Future[Contents]] = set()

    def submit_next() -> None:
        batch = next(batches, None)
        if batch is not None:
            waiting.add(executor.submit(read_batch, batch))

    try:
        with _interrupts_deferred():  # processes are started here
            for _ in range(_BATCHES_A_PROCESS * jobs):
                submit_next()
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                submit_next()
                yield future.result()
    finally:
        for future in waiting:
            future.cancel()


@contextmanager
def _interrupts_deferred() -> Iterator[None]:
    """Have Ctrl-C wait until the block ends; processes started within never get it.

    It goes to all processes of a terminal, and each would print its own traceback. If the system
    has no such masks (Windows), the processes' initializer has to be quick.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
