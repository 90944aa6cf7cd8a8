"""What a server writes down of its clients: lines in the log, and events for an observer."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable

from ... import codec
from ..acceptor import AcceptedClient
from ..limited_log import LimitedLog
from .events import ServerEvent, ServerEventType
from .served_client import Reply, ServedClient

# In bytes: what peers send can be in it, such as names in certificates.
_LONGEST_LINE = 1000
# What is quoted is the name of an image, or of its file, from the first quote to the last.
_NAMES = re.compile(r"""(?<!\w)(['"]).*\1""")

_logger = logging.getLogger(__name__)

AnyClient = ServedClient | AcceptedClient
Observer = Callable[[ServerEvent], None]


class Journal:
    """Every line names the client; none has the names of images, which can be those of patients.

    ``observer`` is called with each event; what it raises ends the server.
    """

    def __init__(self, observer: Observer | None) -> None:
        self._observer = observer
        self._log = LimitedLog(_logger)

    def connected(self, client: ServedClient) -> None:
        """A client may ask from now on."""
        tls = f" with TLS, as {client.certificate!r}" if client.certificate else ""
        self._write(logging.INFO, client, f"connected{tls}")
        self._notify(ServerEventType.CONNECTED, client)

    def turned_away(self, client: AnyClient, words: str) -> None:
        """A client is not let in, or no longer."""
        self._write(logging.WARNING, client, f"is refused: {words}")
        self._notify(ServerEventType.REFUSED, client, reason=words)

    def unreadable(self, client: ServedClient, words: str) -> None:
        """A client sent something that is no message."""
        self._write(logging.WARNING, client, f"sent what cannot be read: {_without_names(words)}")
        self._notify(ServerEventType.UNREADABLE, client, reason=words)

    def received(self, client: ServedClient, message: codec.Message) -> None:
        """A client sent a message that is no query, and the source has it."""
        self._notify(ServerEventType.RECEIVED, client, message)

    def not_kept(
        self,
        client: ServedClient,
        message: codec.Message,
        reason: str,
        level: int = logging.WARNING,
    ) -> None:
        """A client sent a message that the source does not want."""
        what = codec.printable(message.type_name)
        self._write(level, client, f"sent {what}, which is not kept: {_without_names(reason)}")
        self._notify(ServerEventType.REFUSED, client, message, reason=reason)

    def failed(self, client: ServedClient, message: codec.Message) -> None:
        """The source failed in a way that it does not foresee; called in an ``except`` block."""
        what = codec.printable(message.type_name)
        self._write(logging.ERROR, client, f"sent {what}, which failed here", exc_info=True)

    def refused(self, client: ServedClient, reply: Reply, words: str) -> None:
        """A query is answered with an error."""
        what = codec.printable(reply.query.type_name)
        self._write(
            logging.INFO, client, f"asked {what}, which is refused: {_without_names(words)}"
        )
        self._notify(ServerEventType.REFUSED, client, reply.query, reason=words)

    def answered(self, client: ServedClient, reply: Reply) -> None:
        """The last byte of an answer is sent."""
        seconds = time.monotonic() - reply.begin
        what = codec.printable(reply.query.type_name)
        size = f"{reply.byte_count} bytes in {seconds:.3f} s"
        self._write(logging.DEBUG, client, f"asked {what}, and got {size}")
        self._notify(ServerEventType.ANSWERED, client, reply.query, reply.byte_count, seconds)

    def left(self, client: AnyClient, reason: str) -> None:
        """A connection is closed."""
        self._write(logging.INFO, client, f"left: {_without_names(reason)}")
        seconds = time.monotonic() - client.connected_at
        self._notify(ServerEventType.DISCONNECTED, client, None, client.sent, seconds, reason)

    def _write(self, level: int, client: AnyClient, text: str, exc_info: bool = False) -> None:
        line = codec.cut_text(f"client {client.address} {text}", _LONGEST_LINE)
        self._log.write(level, client.host, line, exc_info=exc_info)

    def _notify(
        self,
        event_type: ServerEventType,
        client: AnyClient,
        message: codec.Message | None = None,
        byte_count: int = 0,
        seconds: float = 0.0,
        reason: str = "",
    ) -> None:
        if self._observer is None:
            return
        data_type = device_name = ""
        if message is not None:
            is_query = isinstance(message, codec.QueryMessage)
            data_type = message.full_data_type if is_query else message.type_name
            device_name = message.device_name
        self._observer(
            ServerEvent(
                event_type,
                client.host,
                client.port,
                client.certificate,
                data_type,
                device_name,
                byte_count,
                seconds,
                reason,
                client.was_let_in,
            )
        )


def _without_names(words: str) -> str:
    return _NAMES.sub("'...'", words)
