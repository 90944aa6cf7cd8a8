"""An OpenIGTLink server of a head phantom, for whoever has no server at hand.

It is in this process and listens on loopback only. Qt's event loop drives it in small steps, and
the phantom is computed when it is asked for, so that the window never waits for it.
"""

from __future__ import annotations

import selectors
import time

from ..browser import Browser
from ..net import Server
from ..sources.demo import DemoSource
from .pump import ServerPump

HOST = "127.0.0.1"
_SECONDS_A_TURN = 0.004
_runningPumps = []


class DemoEndpoint:
    """Serves the phantom between ``start`` and ``stop``, on a port that is free."""

    def __init__(self):
        self._pump = None

    def start(self):
        """Serve, where it does not already. Return host and port. Raises OSError."""
        if self._pump is None:
            self._pump = ServerPump(Server(DemoSource(_SECONDS_A_TURN), HOST, port=0))
            self._pump.update()
            _runningPumps.append(self._pump)
        return self._pump.worker.host, self._pump.worker.port

    def stop(self):
        """Close all connections and listen no longer."""
        if self._pump is not None:
            _runningPumps.remove(self._pump)
            self._pump.close()
            self._pump.worker.close()
            self._pump = None


def isDemo(host, port):
    """Return whether a demo endpoint of this process serves there."""
    return any((pump.worker.host, pump.worker.port) == (host, port) for pump in _runningPumps)


class BrowserBesideDemo(Browser):
    """A browser whose calls that wait let the demo endpoints of this process go on.

    Otherwise nobody would: Qt's event loop stands still while a script waits.
    """

    def wait_and_step(self):
        """Sleep until there is something to do, and do it."""
        if not _runningPumps or not self.has_server:
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
            for server in _servers():
                for socket, events in server.sockets.items():
                    selector.register(socket, events)
            if self.socket is not None:
                write = selectors.EVENT_WRITE if self.wants_write else 0
                selector.register(self.socket, selectors.EVENT_READ | write)
            selector.select(max(0.0, min(ends) - time.monotonic()) if ends else None)


def _servers():
    return [pump.worker for pump in _runningPumps]
