"""Who has connected to a server, and what they have fetched, for the user who runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

from ... import net

# A client that connects for each image would fill the list.
_MOST_KEPT = 100
_MOST_NAMES = 1000
# What is fetched to be looked at; a list or a status says nothing of what a client has.
_FETCHED = ("IMAGE", "TRAJ", "POINT")


@dataclass(frozen=True)
class ClientSummary:
    """One connection.

    ``address`` is host and port as a user writes them, ``certificate`` whom the client's
    certificate names, or empty. ``fetched`` are the names of images, and "TRAJ" or "POINT" for all
    trajectories or points, in the order in which they were first fetched. ``refusal`` is empty, or
    why the client, or its last query, was refused.
    """

    address: str
    certificate: str
    connected_at: datetime
    is_connected: bool = True
    fetched: tuple[str, ...] = ()
    byte_count: int = 0
    refusal: str = ""


@dataclass
class ServedClients:
    """Observes a server; ``name_of`` returns the name of an image to show for its id."""

    name_of: Callable[[str], str]
    _summaries: dict[tuple[str, int], ClientSummary] = field(default_factory=dict)
    _is_changed: bool = False

    @property
    def summaries(self) -> list[ClientSummary]:
        """Those who are connected, and the last who were, the latest last."""
        return [*self._summaries.values()]

    def take_change(self) -> bool:
        """Return whether anything has changed since the last call."""
        is_changed, self._is_changed = self._is_changed, False
        return is_changed

    def on_event(self, event: net.ServerEvent) -> None:
        """Note what has happened."""
        key = (event.host, event.port)
        known = self._summaries.get(key)
        if event.type is net.ServerEventType.CONNECTED or known is None:
            self._forget_one()
            # A port can come again: the new connection is another.
            self._summaries.pop(key, None)
            known = ClientSummary(
                net.format_address(*key), event.certificate, datetime.now(timezone.utc)
            )
        self._summaries[key] = self._after(known, event)
        self._is_changed = True

    def _after(self, known: ClientSummary, event: net.ServerEvent) -> ClientSummary:
        if event.type is net.ServerEventType.DISCONNECTED:
            return replace(known, is_connected=False)
        if event.type in (net.ServerEventType.REFUSED, net.ServerEventType.UNREADABLE):
            return replace(known, refusal=event.reason)
        if event.type is not net.ServerEventType.ANSWERED:
            return known
        byte_count = known.byte_count + event.byte_count
        if event.data_type not in _FETCHED:
            return replace(known, byte_count=byte_count)
        name = self.name_of(event.device_name) if event.data_type == "IMAGE" else event.data_type
        names = dict.fromkeys((*known.fetched, name))
        return replace(known, byte_count=byte_count, fetched=(*names,)[:_MOST_NAMES])

    def _forget_one(self) -> None:
        """Forget the oldest that is gone, if there are many."""
        if len(self._summaries) < _MOST_KEPT:
            return
        gone = (key for key, summary in self._summaries.items() if not summary.is_connected)
        self._summaries.pop(next(gone, next(iter(self._summaries))))
