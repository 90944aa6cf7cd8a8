"""The codec on sockets: a client, a server, and what they share.

client      ``client`` (for scripts and the browser), ``session`` (one connection), ``queries``
            (which message answers which query), ``other_names``, ``list_check`` and
            ``header_versions`` (servers as they are), ``image_in_parts``, ``parts_transfer`` and
            ``partial_image``
server      ``server``, ``served_client`` (one of its clients), ``replies`` (what a message makes
            it do), ``answers`` (a source's answers), ``packed_images``, ``served_parts``,
            ``thumbnails``, ``limits``, ``turns``, ``listener``, ``farewell``; ``audit`` and
            ``repeated_transfers`` (who was sent what)
both        ``connection``, ``tls`` (certificates), ``tls_socket``, ``errors``, ``address``;
            ``source`` is what a server offers
tools       ``probe`` with files of its name; ``recorder`` with ``relay`` (what goes through it) and
            ``recording`` (the file), ``replay`` with ``script`` (what it says, and when) and
            ``waiting_queries``; ``acceptor`` (whom both let in)
"""

from .address import DEFAULT_PORT, format_address, is_loopback, parse_address
from .client import Client
from .client_events import (
    CapabilityKnown,
    ClientEvent,
    Connected,
    Disconnected,
    Finished,
    Unsolicited,
)
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
from .queries import Queries
from .query import Query
from .server import Server
from .server_events import ServerEvent, ServerEventType
from .settings import ConnectionSettings
from .source import NotReadyError, Source, SourceError
from .tls_client import ClientTLS
from .tls_server import ServerTLS
from .whole_texts import (
    DOCUMENTS,
    NOTICE,
    SEARCH,
    ids_with_whole_texts,
    is_own_server,
    with_whole_text,
    with_whole_texts,
)

__all__ = [
    "DEFAULT_PORT",
    "DOCUMENTS",
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
    "format_address",
    "ids_with_whole_texts",
    "is_loopback",
    "is_own_server",
    "parse_address",
    "parse_networks",
    "read_sequences",
    "sequence_of",
    "with_whole_text",
    "with_whole_texts",
]
