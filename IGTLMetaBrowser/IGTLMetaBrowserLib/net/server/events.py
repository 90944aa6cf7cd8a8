"""What happens at a server, for its log, its audit trail and its figures."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ServerEventType(Enum):
    """What has happened."""

    CONNECTED = "connected"
    REFUSED = "refused"
    """A client was not let in, or a query was answered with an error."""
    ANSWERED = "answered"
    """An answer was sent whole: so far as this end knows, the last byte is with the system."""
    RECEIVED = "received"
    """A client sent something that is no query."""
    UNREADABLE = "unreadable"
    """A client sent what cannot be read."""
    DISCONNECTED = "disconnected"


@dataclass(frozen=True)
class ServerEvent:
    """One of them.

    ``host`` and ``port`` are the client's, ``certificate`` is whom its certificate names. A query
    has its ``data_type`` (``IMGMETA``) and ``device_name``; ``byte_count`` and ``seconds`` are
    those of the answer, or of the whole connection. ``reason`` is in words. ``was_let_in`` is
    False for one that leaves and was never ``CONNECTED``.
    """

    type: ServerEventType
    host: str
    port: int
    certificate: str = ""
    data_type: str = ""
    device_name: str = ""
    byte_count: int = 0
    seconds: float = 0.0
    reason: str = ""
    was_let_in: bool = True
