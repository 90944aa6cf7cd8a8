"""The module's own server: others get what is in the scene, and send plans into it."""

from __future__ import annotations

import errno

import slicer
from slicer.i18n import tr as _

from ..net import Server, SourceError
from ..scene.errors import SceneError
from ..scene.received_plans import ReceivedPlans
from ..signal import Signal
from ..sources.scene import SceneSource
from .endpoint import Endpoint

DEFAULT_PORT = 18945
HOST = "127.0.0.1"


class SceneEndpoint(Endpoint):
    """Serves Slicer's scene between ``start`` and ``stop``.

    ``changed`` is emitted when it has started or stopped; ``trajectoriesShown`` and
    ``pointsShown``, when something that a client sent is in the scene: with the client's device
    name, the nodes, and what is not shown.
    """

    def __init__(self):
        super().__init__()
        self.changed = Signal()
        self.trajectoriesShown = Signal()
        self.pointsShown = Signal()
        self._plans = None

    def start(self, port=DEFAULT_PORT, host=HOST):
        """Serve there, instead of where it did. Return host and port. Raises OSError."""
        self.stop()
        plans = ReceivedPlans(
            slicer.mrmlScene,
            self.trajectoriesShown.emit,
            self.pointsShown.emit,
        )
        try:
            self._serve(_SceneServer(plans, host, port))
        except OSError as error:
            raise OSError(error.errno, _problem(error, host, port)) from None
        self._plans = plans
        self.changed.emit()
        return self.address

    def stop(self):
        """Close all connections and listen no longer; what came stays in the scene."""
        if self.address is None:
            return
        super().stop()
        self._plans.stop()
        self._plans = None
        self.changed.emit()


class _SceneServer(Server):
    """A server of the scene, which brings what comes into it in short turns."""

    def __init__(self, plans, host, port):
        self._plans = plans
        super().__init__(SceneSource(slicer.mrmlScene, self._onReceived), host, port)

    @property
    def next_deadline(self):
        """When to call ``step`` at the latest, in ``time.monotonic`` seconds; None for never."""
        moments = (super().next_deadline, self._plans.next_turn)
        return min((moment for moment in moments if moment is not None), default=None)

    def step(self, seconds=0.0):
        """Serve what is to be served, and bring into the scene what has come."""
        super().step(seconds)
        self._plans.work()

    def _onReceived(self, message):
        try:
            self._plans.handle(message)
        except SceneError as error:
            raise SourceError(str(error)) from None


def _problem(error, host, port):
    if error.errno == errno.EADDRINUSE:
        text = _("Port {port} is in use already. Choose another one, or end what listens there.")
    else:
        text = _("Cannot serve on {host}:{port}: {reason}. Choose another host or port.")
    return text.format(host=host, port=port, reason=error.strerror)
