"""The codec on sockets: a client, a server, and what they share.

client, server  for scripts and the browser; for the command ``serve`` and the scene
recording       a conversation written down, and a server that says it again
probe           how a server answers, tried out
a connection    ``connection``, ``connection_attempt``, ``address``, ``host_lookup``, ``settings``,
                ``other_protocols``; ``tls``, ``tls_client``, ``tls_server``, ``tls_socket``,
                ``certificate_dates``
who serves      ``acceptor`` (lets clients in) with ``listener``, ``limits`` and ``farewell``;
                ``turns``, ``limited_log``; ``source`` is what a server offers
what is known   ``errors``; of our own servers ``image_sequences`` (4D), ``patient_issuers``,
                ``whole_texts``

The packages import what is beside them, but not one another.
"""

from .address import DEFAULT_PORT, format_address, is_loopback, parse_address
from .certificate_dates import why_not_valid_today
from .client.client import Client
from .client.events import (
    CapabilityKnown,
    ClientEvent,
    Connected,
    Disconnected,
    Finished,
    Unsolicited,
)
from .client.queries import Queries
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
from .image_sequences import ImageSequence, read_sequences, sequence_of
from .limits import Network, ServerLimits, parse_networks
from .patient_issuers import read_issuers
from .server.events import ServerEvent, ServerEventType
from .server.server import Server
from .settings import ConnectionSettings
from .source import NotReadyError, Source, SourceError
from .tls_client import ClientTLS, is_fingerprint
from .tls_server import ServerTLS
from .whole_texts import (
    NOTICE,
    SEARCH,
    documents_of_items,
    ids_with_whole_texts,
    is_own_server,
    notice_of_list,
    notices_of_documents,
    with_whole_text,
    with_whole_texts,
)

__all__ = [
    "DEFAULT_PORT",
    "NOTICE",
    "SEARCH",
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
    "ImageSequence",
    "Network",
    "NetworkError",
    "NotReadyError",
    "Queries",
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
    "documents_of_items",
    "format_address",
    "ids_with_whole_texts",
    "is_fingerprint",
    "is_loopback",
    "is_own_server",
    "notice_of_list",
    "notices_of_documents",
    "parse_address",
    "parse_networks",
    "read_issuers",
    "read_sequences",
    "sequence_of",
    "why_not_valid_today",
    "with_whole_text",
    "with_whole_texts",
]
