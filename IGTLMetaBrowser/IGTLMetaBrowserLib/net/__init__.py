"""The codec on sockets: a client, a server, and what they share.

client, server  for scripts and the browser; for the command ``serve`` and the scene
recording       a conversation written down, and a server that says it again
probe           how a server answers, tried out
tls             a connection that nobody else can read
a connection    ``connection``, ``connection_attempt``, ``address``, ``host_lookup``, ``settings``,
                ``other_protocols``
who serves      ``acceptor`` (lets clients in) with ``listener``, ``limits`` and ``farewell``;
                ``fair_turns``, ``limited_log``; ``source`` is what a server offers
list_metadata   what our own servers say of their lists
errors          why a query has no answer

The packages import what is beside them, but not one another. What is offered here is what it takes
to ask a server, or to be one.
"""

from .address import DEFAULT_PORT, format_address, parse_address
from .client.client import Client
from .client.events import (
    CapabilityKnown,
    ClientEvent,
    Connected,
    Disconnected,
    Finished,
    Unsolicited,
)
from .client.query import Query
from .errors import (
    AnswerError,
    CancelledError,
    ConnectionFailedError,
    ConnectionLostError,
    DamagedAnswerError,
    NetworkError,
    RefusedError,
    TimeOutError,
    TLSError,
    UntrustedCertificateError,
)
from .limits import Network, ServerLimits, parse_networks
from .server.events import ServerEvent, ServerEventType
from .server.server import Server
from .settings import ConnectionSettings
from .source import NotReadyError, Source, SourceError
from .tls.tls_client import ClientTLS
from .tls.tls_server import ServerTLS

__all__ = [
    "DEFAULT_PORT",
    "AnswerError",
    "CancelledError",
    "CapabilityKnown",
    "Client",
    "ClientEvent",
    "ClientTLS",
    "Connected",
    "ConnectionFailedError",
    "ConnectionLostError",
    "ConnectionSettings",
    "DamagedAnswerError",
    "Disconnected",
    "Finished",
    "Network",
    "NetworkError",
    "NotReadyError",
    "Query",
    "RefusedError",
    "Server",
    "ServerEvent",
    "ServerEventType",
    "ServerLimits",
    "ServerTLS",
    "Source",
    "SourceError",
    "TLSError",
    "TimeOutError",
    "Unsolicited",
    "UntrustedCertificateError",
    "format_address",
    "parse_address",
    "parse_networks",
]
