"""The connection of a browser to its server."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any

from .. import codec, net
from .errors import BrowserError
from .events import (
    Asked,
    Connected,
    Connecting,
    ConnectionState,
    Deferred,
    Disconnected,
    Observer,
    Reconnecting,
)
from .lists.listing import Listing
from .reconnection import RECONNECT_DELAYS, Reconnector


class ServerConnection:
    """One server at a time, and the state of the connection to it.

    ``reconnector`` drives the connection; it is None without a server.
    """

    def __init__(self, notify: Observer) -> None:
        self._notify = notify
        self._address = ""
        self.reconnector: Reconnector | None = None
        self.last_error: net.NetworkError | None = None
        """Why there is no connection: the last one was lost or could not be made."""
        self.is_leaving = False
        """Whether the server is being left: who hears of that can ask it for nothing more."""
        self.number = 0
        """Of the connection: another one may be to another server at the same address."""

    @property
    def state(self) -> ConnectionState:
        """Whether there is a connection, and whether one is being made."""
        if self.reconnector is None:
            return ConnectionState.NOT_CONNECTED
        return self.reconnector.state

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection now."""
        return self.state is ConnectionState.CONNECTED

    def has_sent(self, listing: Listing) -> bool:
        """Whether a list came over the present connection: it says what the server has now."""
        return listing.connection == self.number

    @property
    def has_server(self) -> bool:
        """Whether the user has chosen a server and not left it; its connection may be lost."""
        return self.reconnector is not None

    def offers(self, data_type: str) -> bool | None:
        """Whether the server answers queries for a type; None if it has not said so.

        ``OffersKnown`` follows when it has.
        """
        return self.client.offers(data_type) if self.has_server else None

    @property
    def address(self) -> str:
        """Host and port of the server, or its name if it has one; an empty text without a server.

        The nodes in a scene keep it, and are known again by it, however somebody has typed it.
        """
        return "" if self.reconnector is None else self._address

    @property
    def host_and_port(self) -> tuple[str, int] | None:
        """Host and port of the server, or None."""
        return None if self.reconnector is None else (self.client.host, self.client.port)

    @property
    def next_attempt(self) -> float | None:
        """When to connect again, in ``time.monotonic`` seconds; None if that is not due."""
        return None if self.reconnector is None else self.reconnector.next_attempt

    @property
    def is_waiting(self) -> bool:
        """Whether the server is being asked for something."""
        return self.reconnector is not None and self.client.is_waiting

    @property
    def next_deadline(self) -> float | None:
        """When to call ``step`` at the latest, in ``time.monotonic`` seconds; None for never."""
        return None if self.reconnector is None else self.reconnector.next_deadline

    @property
    def sockets(self) -> dict[socket.socket, int]:
        """The socket to wait for, with ``EVENT_READ`` and ``EVENT_WRITE``; empty without one.

        Each connection has another socket.
        """
        if self.reconnector is None or self.client.socket is None:
            return {}
        write = EVENT_WRITE if self.client.wants_write else 0
        return {self.client.socket: EVENT_READ | write}

    @property
    def client(self) -> net.Client:
        """The client of the server. Raises ``BrowserError`` without a server."""
        return self._server().client

    def open(
        self,
        host: str,
        port: int,
        settings: net.ConnectionSettings | None = None,
        reconnect_delays: Sequence[float] = RECONNECT_DELAYS,
        name: str = "",
        **changes: Any,
    ) -> None:
        """Choose a server; ``reconnect_now`` then connects. For the others see ``net.Client``."""
        self.close()  # who heard that the one before was left may have chosen another one
        self.last_error = None
        client = net.Client(host, port, settings, **changes)
        # Host names are the same in capitals (RFC 4343); zones of IPv6 addresses are not.
        address = client.address if "%" in client.address else client.address.lower()
        self._address = name or address
        self.reconnector = Reconnector(client, reconnect_delays)

    def close(self) -> None:
        """Leave the server."""
        self.is_leaving = False
        if self.reconnector is not None:
            self.client.close()
            self.reconnector = None

    def reconnect_now(self) -> None:
        """Connect without waiting for the next attempt, if there is no connection."""
        self._server().connect()
        self.notify_attempt()

    def ask(
        self, data_type: str, device_name: str = "", metadata: Mapping[str, str] | None = None
    ) -> net.Query:
        """Ask the server for something, see ``net.Client.ask``; notify the observers of it.

        Raises ``codec.EncodeError`` if the name is too long, ``BrowserError`` without a server.
        """
        self.require_server()
        query = self.client.ask(data_type, device_name, metadata)
        self._notify(Asked())
        self.notify_attempt()
        return query

    def require_server(self) -> None:
        """Raise ``BrowserError`` unless there is a server that can be asked for something."""
        self._server()
        if self.is_leaving:
            raise BrowserError("the server is being left; connect to one first")

    def send(self, message: codec.Message) -> None:
        """Send what the server has not asked for.

        Raises ``codec.EncodeError``, ``net.NetworkError`` or ``BrowserError``.
        """
        self.client.send(message)

    def step(self) -> list[net.ClientEvent]:
        """Do what can be done without waiting; return what happened."""
        reconnector = self.reconnector
        if reconnector is None:
            return []
        reconnector.connect_if_due()
        self.notify_attempt()
        # Not ``self.client``: an observer of the attempt may have left the server.
        return reconnector.client.step()

    def wait(self, until: float | None = None) -> None:
        """Sleep until ``step`` has something to do, or until a moment.

        In ``time.monotonic`` seconds. Raises ``BrowserError`` without a server.
        """
        self._server().wait(until)

    @property
    def is_made_again(self) -> bool:
        """Whether a connection that is lost is made again: a first one that fails is not."""
        return self.reconnector is not None and self.reconnector.was_connected

    @property
    def has_failed(self) -> bool:
        """Whether the first connection could not be made, so that the server is to be left."""
        return self.reconnector is not None and self.reconnector.has_failed

    def forget(self, query: net.Query) -> None:
        """Do not ask again for something that was deferred."""
        if self.reconnector is not None:
            self.reconnector.forget(query)

    # What happens

    def notify_attempt(self) -> None:
        """Notify the observers, once for each attempt, that a connection is being made."""
        reconnector = self.reconnector
        if reconnector is not None and reconnector.is_new_attempt():
            self._notify(Connecting(self.address, reconnector.was_connected))

    def on_connected(self) -> None:
        """There is a connection now."""
        was_connected = self._server().on_connected()
        self.number += 1
        self.last_error = None
        self._notify(Connected(self.address, was_connected))

    def on_disconnected(self, error: net.NetworkError) -> None:
        """The connection was lost, or could not be made."""
        reconnector, address = self._server(), self.address
        delay = reconnector.on_disconnected()
        self.last_error = error
        if reconnector.has_failed:
            return  # the observers are notified when the server has been left
        self._notify(Disconnected(address, error))
        is_still_lost = self.reconnector is reconnector
        if delay is not None and is_still_lost and self.state is ConnectionState.RECONNECTING:
            self._notify(Reconnecting(address, error, delay))

    def on_finished(self, query: net.Query) -> None:
        """The server has answered, or it has not."""
        if query.answer is not None or isinstance(query.error, net.RefusedError):
            self._server().on_answer()

    def defer(self, query: net.Query) -> bool:
        """Return whether this will be asked for after reconnecting; notify of that."""
        if not self._server().defer(query):
            return False
        self._notify(Deferred(query.data_type, query.device_name))
        return True

    def ask_again(self, query: net.Query) -> None:
        """Ask again after reconnecting for what was answered in vain; notify of that."""
        self._server().ask_again(query)
        self._notify(Deferred(query.data_type, query.device_name))

    def take_deferred(self) -> list[tuple[str, str]]:
        """Return data types and names of what is to be asked for now, and forget them."""
        return [] if self.reconnector is None else self.reconnector.take_deferred()

    def _server(self) -> Reconnector:
        if self.reconnector is None:
            reason = "" if self.last_error is None else f": {self.last_error}"
            raise BrowserError(f"not connected{reason}; connect to a server first")
        return self.reconnector
