"""The module's own server: others get what is in the scene, and send plans into it."""

from __future__ import annotations

import errno

import slicer
from slicer.i18n import tr as _

from ...browser.endpoints.scene_server import SceneServer, SceneServerSettings
from ...net import format_address
from ...signal import Signal
from ...sources.scene import SceneSource
from ...system_errors import reason_of
from .endpoint import Endpoint


class SceneEndpoint(Endpoint):
    """Serves Slicer's scene between ``start`` and ``stop``.

    ``changed`` is emitted when it has started or stopped; ``trajectoriesShown`` and
    ``pointsShown``, when something that a client sent is in the scene: with the client's device
    name, the nodes, and what is not shown; ``clientsChanged``, when somebody connected, left or
    fetched something. It stops when the scene is closed.
    """

    def __init__(self):
        super().__init__()
        self.changed = Signal()
        self.trajectoriesShown = Signal()
        self.pointsShown = Signal()
        self.clientsChanged = Signal()
        self._server = None
        self.sharedIds = None
        """The MRML ids of the nodes that are shared; None for all."""

    def start(self, settings=None):
        """Serve there, instead of where it did. Return host and port. Raises OSError, TLSError."""
        self.stop()
        settings = settings or SceneServerSettings()
        try:
            server = SceneServer(
                slicer.mrmlScene, settings, self.trajectoriesShown.emit, self.pointsShown.emit
            )
        except OSError as error:
            raise OSError(error.errno, _problem(error, settings)) from None
        server.share(self.sharedIds)
        server.clients_changed.connect(self.clientsChanged.emit)
        server.scene_closing.connect(self.stop)
        self._server = server
        self._serve(server)
        self.changed.emit()
        return self.address

    def stop(self):
        """Close all connections and listen no longer; what came stays in the scene."""
        if self.address is None:
            return
        super().stop()
        self._server = None
        self.changed.emit()

    def nodes(self):
        """Return the nodes that can be shared, whether they are or not."""
        return [*SceneSource(slicer.mrmlScene).all_nodes()]

    def share(self, nodeIds):
        """Share only the nodes of these MRML ids from now on; None for all."""
        self.sharedIds = nodeIds
        if self._server is not None:
            self._server.share(nodeIds)

    @property
    def clients(self):
        """Who is connected, who was, and what they fetched: ClientSummary, the latest last."""
        return [] if self._server is None else self._server.summaries


def _problem(error, settings):
    if error.errno == errno.EADDRINUSE:
        text = _(
            "Port {port} is in use already. Choose another port, or stop the program that uses it."
        )
    else:
        text = _("Cannot serve on {address}: {reason}. Choose another host or port.")
    address = format_address(settings.host, settings.port)
    return text.format(address=address, port=settings.port, reason=reason_of(error))
