"""Serves Slicer's scene: which of its nodes, to whom, and what they have fetched."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from ... import codec, net
from ...scene.errors import SceneError
from ...scene.markups.received_plans import OnShown, ReceivedPlans
from ...signal import Signal
from ...sources.scene import SceneSource
from ..open_browsers import cover
from ..scene_events import SceneEvents
from .served_clients import ClientSummary, ServedClients

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 18945
# Of a list: then the window answers, and the server its other clients.
_SECONDS_A_TURN = 0.005


@dataclass(frozen=True)
class SceneServerSettings:
    """Where a scene is served, and to whom.

    Only this computer reaches the default ``host``; "0.0.0.0" is all of IPv4, "::" is all. ``port``
    0 picks a free one. With ``tls``, clients without TLS are refused; ``allowed_networks`` (see
    ``net.parse_networks``) are those whose addresses may connect, empty for all.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    tls: net.ServerTLS | None = None
    allowed_networks: Collection[net.Network] = ()


class SceneServer(net.Server):
    """A server of ``scene``; what clients push is brought into it in short turns, by ``step``.

    ``clients_changed`` is emitted, at most once a step, if somebody connected, left, was refused or
    fetched something; ``summaries`` says what. ``scene_closing`` is emitted before the scene is
    closed: whoever made the server closes it then.

    Raises ``OSError`` if it cannot listen, ``TLSError`` if a file of the certificate is wrong.
    """

    def __init__(
        self,
        scene: Any,
        settings: SceneServerSettings,
        on_trajectories: OnShown,
        on_points: OnShown,
    ) -> None:
        context = None if settings.tls is None else settings.tls.make_context()
        self._source = SceneSource(scene, self._receive, _SECONDS_A_TURN)
        self._clients_so_far = ServedClients(self._name_of)
        self.clients_changed: Signal[[]] = Signal()
        super().__init__(
            self._source,
            settings.host,
            settings.port,
            net.ServerLimits(allowed_networks=tuple(settings.allowed_networks)),
            context,
            self._clients_so_far.on_event,
        )
        self._plans = ReceivedPlans(scene, on_trajectories, on_points, partial(cover, scene))
        self._events = SceneEvents(scene)
        self.scene_closing: Signal[[]] = self._events.closing

    @property
    def next_deadline(self) -> float | None:
        """When to call ``step`` at the latest, in ``time.monotonic`` seconds; None for never."""
        moments = (super().next_deadline, self._plans.next_turn)
        return min((moment for moment in moments if moment is not None), default=None)

    @property
    def summaries(self) -> list[ClientSummary]:
        """Who is connected, and who was, the latest last."""
        return self._clients_so_far.summaries

    def nodes(self) -> Iterator[Any]:
        """Yield the nodes that can be served, whether they are now or not."""
        return self._source.all_nodes()

    def share(self, node_ids: Collection[str] | None) -> None:
        """Serve only the nodes of these MRML ids from now on; None for all."""
        self._source.shared_ids = None if node_ids is None else frozenset(node_ids)

    def step(self, seconds: float | None = 0.0) -> None:
        """Serve what is to be served, and bring into the scene what has come."""
        super().step(seconds)
        self._plans.work()
        if self._clients_so_far.take_change():
            self.clients_changed.emit()

    def close(self) -> None:
        """Close all connections and listen no longer; what came stays in the scene."""
        super().close()
        self._plans.stop()
        self._events.close()
        self.clients_changed.disconnect_all()

    def _receive(self, message: codec.Message) -> None:
        try:
            self._plans.handle(message)
        except SceneError as error:
            raise net.SourceError(str(error)) from None

    def _name_of(self, image_id: str) -> str:
        return self._source.name_of(image_id)
