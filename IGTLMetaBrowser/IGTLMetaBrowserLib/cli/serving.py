"""A server that runs until a signal ends it, and says how it goes."""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TypeVar

from .. import net
from ..net.server.audit import AuditTrail
from .hangup import HangUp
from .metrics import Metrics
from .output import complain, note
from .tls_options import make_server_context
from .wake_up import WakeUp

Answer = TypeVar("Answer")

_STEP_SECONDS = 0.5
_MINUTE = 60.0
# Together with a step, less than the 5 s after which those who stop services lose patience.
_SECONDS_TO_FINISH = 4.0
# Together with these, less than the 10 s after which containers are killed.
_SECONDS_TO_CLOSE = 5.0
_SECONDS_TO_END = 10.0


def end_at_once_next_time() -> None:
    """Let the next signal end the process: who asks twice does not want to wait."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Handle the first signal of a command that has not begun to serve."""
    end_at_once_next_time()
    signal.default_int_handler(number, frame)


def end_without_threads(code: int) -> None:
    """End the process, if there still is a thread that Python would wait for.

    Nothing interrupts one that looks up the name of an archive, or connects to it.
    """
    others = {*threading.enumerate()} - {threading.main_thread()}
    if not all(thread.daemon for thread in others):
        sys.stdout.flush()
        os._exit(code)


@contextlib.contextmanager
def ending_in_time(code: int) -> Iterator[None]:
    """End the process with ``code`` if the block, which closes all, takes too long.

    Nothing interrupts a thread that waits for a disk that does not answer, such as a network share
    that is away.
    """
    is_done = threading.Event()

    def end() -> None:
        if not is_done.wait(_SECONDS_TO_CLOSE):
            os._exit(code)

    # ``threading.Thread`` waits for ever for one that there is no memory for.
    with contextlib.suppress(RuntimeError):  # the system has none to spare
        _thread.start_new_thread(end, ())
    try:
        yield
    finally:
        is_done.set()


def when_ready(ask: Callable[[], Answer]) -> Answer:
    """Return what a source answers, after the time that it asks for. Raises ``SourceError``."""
    while True:
        try:
            return ask()
        except net.NotReadyError as error:
            time.sleep(error.retry_after)


def end_with_stdin() -> None:
    """Have SIGTERM end this process when its standard input closes.

    That of a child process closes when its parent ends, however that ends.
    """
    threading.Thread(target=_wait_for_end_of_stdin, daemon=True).start()


def _wait_for_end_of_stdin() -> None:
    with contextlib.suppress(OSError, ValueError):  # it may be closed already
        while os.read(0, 1024):
            pass
    if os.name == "nt":
        signal.raise_signal(signal.SIGTERM)  # ``os.kill`` would end it at once, without its handler
    else:
        os.kill(os.getpid(), signal.SIGTERM)  # the main thread, which may be waiting for something
    time.sleep(_SECONDS_TO_END)
    os._exit(0)  # an archive that does not answer must not keep it


class Figures:
    """Counts what a server does, for a line a minute; an observer of it."""

    def __init__(self) -> None:
        self.answers = self.refusals = self.sent = 0

    def __call__(self, event: net.ServerEvent) -> None:
        if event.type is net.ServerEventType.ANSWERED:
            self.answers += 1
            self.sent += event.byte_count
        elif event.type in (net.ServerEventType.REFUSED, net.ServerEventType.UNREADABLE):
            self.refusals += 1

    def take_line(self, client_count: int) -> str | None:
        """Return what happened since the last call; None if nothing did."""
        answers, refusals, sent = self.answers, self.refusals, self.sent
        self.__init__()
        if not (answers or refusals or client_count):
            return None
        line = f"{client_count} clients; in the last minute {answers} answers, {sent / 1e6:,.1f} MB"
        return f"{line}, {refusals} refused" if refusals else line


class Records:
    """Hands each event to those who keep records: figures, audit trail, metrics."""

    def __init__(self, audit: AuditTrail | None, metrics: Metrics | None) -> None:
        self.figures = Figures()
        self.audit = audit
        self.metrics = metrics

    def __call__(self, event: net.ServerEvent) -> None:
        """Note an event. Raises ``AuditError``."""
        for observer in (self.audit, self.metrics, self.figures):
            if observer is not None:
                observer(event)


class Serving:
    """Runs a server until Ctrl-C or SIGTERM, or until its terminal is closed.

    SIGHUP has its certificates read again, and its audit file reopened.

    From when it is made, these signals no longer end the process at once. Raises ``OSError`` as
    ``WakeUp`` does.
    """

    def __init__(
        self, server: net.Server, tls: net.ServerTLS | None, records: Records, hangup: HangUp
    ) -> None:
        self._server = server
        self._tls = tls
        self._records = records
        self._hangup = hangup
        self._is_ending = False
        self._wake_up = WakeUp(server)
        # A handler that raises could leave a client half served.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def run(self) -> None:
        """Serve; when a signal ends it, finish what is being sent for some seconds, and close."""
        if self._records.audit is not None:
            self._records.audit.started()
        with self._wake_up:
            self._serve()
            self._wake_up.clear()
            self._server.shut_down(_SECONDS_TO_FINISH)
        if self._records.audit is not None:
            self._records.audit.stopped()

    def _serve(self) -> None:
        minute_ends = time.monotonic() + _MINUTE
        while not (self._is_ending or self._hangup.look_for_closed()):
            self._server.step(_STEP_SECONDS)
            self._wake_up.clear()
            if self._records.metrics is not None:
                self._records.metrics.update(self._server)
            if self._hangup.take() and not self._hangup.look_for_closed():
                self._reload()
            if time.monotonic() >= minute_ends:
                minute_ends += _MINUTE
                if line := self._records.figures.take_line(len(self._server.clients)):
                    note(line)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._is_ending = True
        end_at_once_next_time()

    def _reload(self) -> None:
        if self._records.audit is not None:
            self._records.audit.reopen()
            note("SIGHUP: the audit trail is reopened")
        self._read_certificates()

    def _read_certificates(self) -> None:
        if self._tls is None:
            note("SIGHUP: there are no certificates to reload")
            return
        try:
            self._server.tls = make_server_context(self._tls)
        except net.TLSError as error:
            complain(f"SIGHUP: {error}; the previous certificates stay in use")
        else:
            note("SIGHUP: the certificates are reloaded, for new connections")
