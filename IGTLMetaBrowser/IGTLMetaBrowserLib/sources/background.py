"""What takes long, in a thread beside the one that serves."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from ..net.source import NotReadyError
from .turn_clock import TurnClock

if TYPE_CHECKING:
    from concurrent.futures import Future

RETRY_SECONDS = 0.02
_INTERRUPT_SECONDS = 0.1
# What tidies up is not to be ended, too.
_SECONDS_TO_TIDY_UP = 1.0
# Who does not come again for a result has left; it is not kept for long.
_MOST_RESULTS = 4
# One is taken while the thread does the next.
_MOST_LARGE_RESULTS = 2
_SECONDS_KEPT = 2.0


class _ClosedError(BaseException):
    """Ends what the thread does, as Ctrl-C would; what expects broken files does not catch it."""


class Background:
    """One thread, which does one thing after the other. ``close`` ends it.

    Not for use inside Slicer, where threads starve.

    Work has a name: who asks again for the same gets what was begun. ``clock`` is of the turns that
    are done meanwhile, if any are.
    """

    def __init__(self, clock: TurnClock | None = None) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._clock = clock or TurnClock()
        self._thread: threading.Thread | None = None
        self._executor = ThreadPoolExecutor(
            1, thread_name_prefix="source", initializer=self._keep_thread
        )
        self._futures: dict[Hashable, Future[Any]] = {}
        self._asked: dict[Hashable, float] = {}  # when somebody has last come for a result
        self._large: set[Hashable] = set()

    def is_begun(self, key: Hashable) -> bool:
        """Whether work is begun, and its result not yet taken."""
        return key in self._futures

    def is_busy(self, key: Hashable) -> bool:
        """Whether work is begun, and not done."""
        return key in self._futures and not self._futures[key].done()

    def begin(self, key: Hashable, work: Callable[[], object], is_large: bool = False) -> None:
        """Do ``work`` when all that was begun before is done.

        What has the memory of an image is large, and has to wait for room before.
        """
        done = [other for other, future in self._futures.items() if future.done()]
        for other in done[: max(0, len(done) - _MOST_RESULTS + 1)]:
            self._forget(other)
        self._futures[key] = self._executor.submit(work)
        self._asked[key] = self._clock.now()
        if is_large:
            self._large.add(key)

    def wait_for_room(self) -> None:
        """Raise ``NotReadyError`` if no large result may be begun before another is taken.

        What nobody comes for any more gives way, one for each that may be begun: after a pause of
        the whole server, those who still wait come again at once.
        """
        if len(self._large) < _MOST_LARGE_RESULTS:
            return
        oldest = min(self._large, key=self._asked.__getitem__)
        future = self._futures[oldest]
        is_left = self._clock.now() - self._asked[oldest] >= _SECONDS_KEPT
        if not is_left or not (future.cancel() or future.done()):
            raise NotReadyError(RETRY_SECONDS)
        self._forget(oldest)

    def take(self, key: Hashable) -> Any:
        """Return what the work returned, or raise what it raised.

        Raises ``NotReadyError`` until it is done.
        """
        future = self._futures[key]
        if not future.done():
            self._asked[key] = self._clock.now()
            raise NotReadyError(RETRY_SECONDS)
        self._forget(key)
        return future.result()

    def close(self, interrupt: Callable[[], None] = lambda: None) -> None:
        """End the thread, in the middle of what it does; what waits is not begun any more.

        A scan of a large folder takes hours on a slow share. Python is interrupted between two
        steps of its own; ``interrupt`` is to end what it waits for, such as a process.
        """
        from concurrent.futures import wait

        self._executor.shutdown(wait=False, cancel_futures=True)
        running = [future for future in self._futures.values() if not future.done()]
        began = 0.0
        while running and (self._thread is None or self._thread.is_alive()):
            # Again and again: it may have been between two things that can be interrupted.
            interrupt()
            if self._thread is not None and time.monotonic() - began > _SECONDS_TO_TIDY_UP:
                began = time.monotonic()
                _raise_in(self._thread)
            running = list(wait(running, _INTERRUPT_SECONDS).not_done)
        self._executor.shutdown()

    def _keep_thread(self) -> None:
        self._thread = threading.current_thread()

    def _forget(self, key: Hashable) -> None:
        del self._futures[key], self._asked[key]
        self._large.discard(key)


def _raise_in(thread: threading.Thread) -> None:
    """Have the next step of a thread's Python raise ``_ClosedError``."""
    number, error = ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_ClosedError)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(number, error)
