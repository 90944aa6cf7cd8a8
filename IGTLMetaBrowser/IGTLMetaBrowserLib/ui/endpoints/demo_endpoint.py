"""An OpenIGTLink server of a head phantom, for whoever has no server at hand.

It is in this process and listens on loopback only. The phantom is computed when it is asked for,
in small steps, so that the window never waits for it.
"""

from __future__ import annotations

from ...net import Server
from ...sources.demo import DemoSource
from .endpoint import Endpoint

HOST = "127.0.0.1"
_SECONDS_A_TURN = 0.004
_runningDemos = []


class DemoEndpoint(Endpoint):
    """Serves the phantom between ``start`` and ``stop``, on a port that is free."""

    def start(self):
        """Serve, if it does not already. Return host and port. Raises OSError."""
        if self.address is None:
            self._serve(Server(DemoSource(_SECONDS_A_TURN), HOST, port=0))
            _runningDemos.append(self)
        return self.address

    def stop(self):
        """Close all connections and listen no longer."""
        if self.address is not None:
            _runningDemos.remove(self)
        super().stop()


def demoName(host, port):
    """Return the name of a demo endpoint of this process that serves there, or an empty text.

    Its port is another one each time; the nodes of a saved scene are known again by its name.
    """
    return "demo" if isDemo(host, port) else ""


def isDemo(host, port):
    """Return whether a demo endpoint of this process serves there."""
    return (host, port) in [demo.address for demo in _runningDemos]
