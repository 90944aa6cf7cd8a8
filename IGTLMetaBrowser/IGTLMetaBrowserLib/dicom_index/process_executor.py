"""An executor of ``concurrent.futures`` in which no process that ends can hold up the others.

All processes of a ``ProcessPoolExecutor`` write their results into one pipe, behind one lock: if
the system ends one in the middle of a result, for want of memory perhaps, the others wait for its
lock, and the program for its rest, for ever (seen with Python 3.11). Here each has a pipe of its
own, and a thread that waits for it.

Processes are spawned, on all systems alike; a program that uses them must have its main module
guarded by ``if __name__ == "__main__"``. Not for use inside Slicer, whose executable is no Python.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from queue import LifoQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess


class ProcessExecutor(Executor):
    """Runs functions in up to ``jobs`` processes, which are started when they are needed.

    A future raises ``BrokenExecutor`` if its process has ended; another takes its place.
    """

    def __init__(self, jobs: int) -> None:
        self._threads = ThreadPoolExecutor(jobs)
        self._all = [_Worker() for _ in range(jobs)]
        self._idle: LifoQueue[_Worker] = LifoQueue()  # the last one has its process already
        for worker in self._all:
            self._idle.put(worker)

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Run a function of a module; its arguments and its result can be pickled."""
        return self._threads.submit(self._run, function, arguments)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes, after what they are doing, and what is waiting if not cancelled."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        for worker in self._all if wait else ():
            worker.end()

    def kill(self) -> None:
        """End the processes in the middle of what they are doing, even if it would never end.

        What they are doing raises ``BrokenExecutor``; what is waiting is cancelled.
        """
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._all:
            worker.kill()
        self.shutdown()

    def _run(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        worker = self._idle.get()  # there are as many as threads
        try:
            return worker.run(function, arguments)
        finally:
            self._idle.put(worker)


class _Worker:
    """One process, for one thread at a time."""

    def __init__(self) -> None:
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._is_killed = False
        self._lock = threading.Lock()  # so that no process is started beside ``kill``

    def run(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Return what a function returns, or raise what it raises, or ``BrokenExecutor``."""
        if self._pipe is None:
            self._pipe = self._start()
        try:
            self._pipe.send((function, arguments))
            is_done, result = self._pipe.recv()
        except (EOFError, OSError) as error:
            self.end()
            raise BrokenExecutor("a process has ended before it was done") from error
        except BaseException:  # no memory for the result: the next would get what is left of it
            self.end()
            raise
        if is_done:
            return result
        raise result

    def _start(self) -> Connection:
        import multiprocessing

        context = multiprocessing.get_context("spawn")
        pipe, its_end = context.Pipe()
        process = context.Process(target=_serve, args=(its_end,), daemon=True)
        try:
            with self._lock:
                if self._is_killed:
                    raise BrokenExecutor("the executor was ended before it was done")
                process.start()
                self._process = process
        finally:
            its_end.close()  # only the process has it now: its end is seen by that
        return pipe

    def kill(self) -> None:
        """End the process, from another thread than that of ``run``, which raises then."""
        with self._lock:
            self._is_killed = True
            if (process := self._process) is not None:
                process.kill()  # SIGTERM would wait for a process that is stopped

    def end(self) -> None:
        """End the process; the next call starts another."""
        if self._pipe is not None and self._process is not None:
            self._pipe.close()
            self._process.join()
        self._pipe = self._process = None


def _serve(pipe: Connection) -> None:
    """Be a process of the executor, until the other end of the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        try:
            answer = (True, function(*arguments))
        except Exception as error:  # whatever it is, the parent raises it
            answer = (False, error)
        try:
            pipe.send(answer)
        except OSError:  # nobody waits for it any more
            return


def _end_with_parent() -> None:
    """A parent that was killed waits for nothing: end in the middle of what is being done."""
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
