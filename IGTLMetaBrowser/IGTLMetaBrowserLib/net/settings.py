"""How a user wants one server to be treated: times, limits, and what its messages mean."""

from __future__ import annotations

from dataclasses import dataclass

from .. import codec
from .tls.tls_client import ClientTLS

LONGEST_WAIT_SECONDS = 3600.0
"""For a socket at once: what waits counts milliseconds in an int, and a deadline may be later."""
SLOWEST_BYTES_PER_SECOND = 100.0
"""Of an answer: one that comes more slowly than by the slowest modem does not come. So even one
that is sent byte by byte ends."""


@dataclass(frozen=True)
class ConnectionSettings:
    """The settings of one server; they are kept per server.

    connect_timeout
        Seconds for the name look-up and the connection together.
    answer_timeout
        Seconds without a byte of the answer after which a query fails. Navigation systems need 18 s
        and more to export an exam before they send its first byte (PlusToolkit/PlusLib#1106).
    max_body_size
        Bytes of the largest message that is received; a larger one is passed over.
    accept_missing_checksum
        Whether a message whose checksum is 0 is read. Some senders save the time of computing one
        (openigtlink/OpenIGTLink#230); damage on the way then goes unnoticed.
    coordinates
        The coordinate system of images and trajectories, whatever the messages say; None believes
        the messages (trajectories have no such field: RAS).
    diameter_is_radius
        Whether the last field of TRAJ and POINT is the radius. The protocol's document calls it the
        diameter, the C++ library the radius. Messages of the client have diameters in any case.
    header_version
        The header version in which to ask, 1 or 2; None finds out what the server speaks.
    tls
        How to connect with TLS; None connects without.
    """

    connect_timeout: float = 5.0
    answer_timeout: float = 15.0
    max_body_size: int = codec.DEFAULT_MAX_BODY_SIZE
    accept_missing_checksum: bool = False
    coordinates: codec.Coordinates | None = None
    diameter_is_radius: bool = False
    header_version: int | None = None
    tls: ClientTLS | None = None
