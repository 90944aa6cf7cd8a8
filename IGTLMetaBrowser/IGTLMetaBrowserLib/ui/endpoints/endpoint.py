"""OpenIGTLink servers in this process, which Qt's event loop drives in small steps."""

from __future__ import annotations

import selectors
import time

from ...browser.browser import Browser
from ...net.settings import LONGEST_WAIT_SECONDS
from ..pump import Pump

_runningPumps = []


class Endpoint:
    """Serves between ``start`` and ``stop``."""

    def __init__(self):
        self._pump = None

    @property
    def address(self):
        """Host and port, or None if it does not serve."""
        return None if self._pump is None else (self._pump.worker.host, self._pump.worker.port)

    def stop(self):
        """Close all connections and listen no longer."""
        if self._pump is not None:
            _runningPumps.remove(self._pump)
            self._pump.close()
            self._pump.worker.close()
            self._pump = None

    def _serve(self, server):
        """Let Qt's event loop drive a ``net.Server`` that has just been made."""
        self._pump = Pump(server)
        self._pump.update()
        _runningPumps.append(self._pump)


class BrowserBesideEndpoints(Browser):
    """A browser whose blocking calls let the endpoints of this process go on.

    Otherwise nobody would: Qt's event loop stands still while a script waits.
    """

    def wait_and_step(self):
        """Sleep until there is something to do, and do it."""
        if not _runningPumps or not self.connection.has_server:
            super().wait_and_step()
            return
        self._waitForSockets()
        for pump in [*_runningPumps]:
            pump.step()
        self.step()

    def _waitForSockets(self):
        deadlines = [worker.next_deadline for worker in (self, *_servers())]
        ends = [deadline for deadline in deadlines if deadline is not None]
        with selectors.DefaultSelector() as selector:
            for worker in (self, *_servers()):
                for socket, events in worker.sockets.items():
                    selector.register(socket, events)
            ends.append(time.monotonic() + LONGEST_WAIT_SECONDS)
            selector.select(max(0.0, min(ends) - time.monotonic()))


def _servers():
    return [pump.worker for pump in _runningPumps]
