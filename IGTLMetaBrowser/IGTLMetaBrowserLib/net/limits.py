"""Whom a server lets in, and how much of it one client may take."""

from __future__ import annotations

import ipaddress
import math
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol, TypeVar

# Files of the source, databases, processes that decode, and clients that are being sent away.
_DESCRIPTORS_FOR_OTHERS = 192
# Windows has no limit of descriptors, but waits for so many sockets at once (Python's FD_SETSIZE);
# some of them are those that others connect to, and are being sent away by.
_SELECTED_ON_WINDOWS = 512
_SOCKETS_FOR_OTHERS = 80
# Of all connections; a hospital behind one address needs many.
_SHARE_OF_ADDRESS = 0.75
# For how fast one reads: what is counted lately, and the least of it.
_RECENT_SECONDS, _SECONDS_FOR_RATE = 30.0, 5.0
# Who has asked for something, but not for so long, makes room for others.
_EXPENDABLE_SECONDS = 60.0

MAKES_ROOM = "others want to connect, and it asked for nothing; connect again when it does"
"""Why one was sent away who makes room."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ConnectedClient(Protocol):
    """One who is connected, as far as it matters for who may stay.

    ``host`` is its numeric address, ``has_asked`` whether it has ever used its connection,
    ``active_at`` when it did last, and ``is_owed`` whether it waits for something now.
    """

    @property
    def host(self) -> str: ...
    @property
    def has_asked(self) -> bool: ...
    @property
    def is_owed(self) -> bool: ...
    @property
    def active_at(self) -> float: ...


Connected = TypeVar("Connected", bound=ConnectedClient)


def parse_networks(text: str) -> tuple[Network, ...]:
    """Return networks and addresses such as "10.1.0.0/16, 10.2.3.4"; empty for an empty text.

    Raises ``ValueError``, which names the one that is wrong.
    """
    return tuple(map(parse_network, text.replace(",", " ").split()))


def parse_network(text: str) -> Network:
    """Return a network or an address. Raises ``ValueError``, which says what is wrong."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(_why_no_network(text)) from None


def _why_no_network(text: str) -> str:
    """Return what is wrong with a network; an address in it is a likely mistake."""
    with suppress(ValueError):
        network = ipaddress.ip_interface(text).network
        return f"{text!r} is an address with a mask; its network is {network}"
    return f"{text!r} is not a network such as 10.1.0.0/16, or an address"


@dataclass(frozen=True)
class ServerLimits:
    """The limits of one server; None is "no limit".

    allowed_networks
        Whose addresses may connect; empty for all.
    max_clients
        Connections at a time; fewer if the system does not allow so many. Who comes then takes the
        place of who has asked nothing for long, if there is somebody.
    max_clients_per_address
        Of them, those from one address; with IPv6, from one network of 64 bits, all addresses of
        which a subscriber has. None is three quarters, so that no stranger alone shuts the others
        out, and all for this computer itself: a proxy in front of the server connects from there.
    queries_per_second
        For each client; what is more is refused. Ten seconds' worth may come at once.
    bytes_per_second
        For each client; it is not refused more, but sent no faster.
    receive_timeout
        Seconds in which a message of a client must have come whole, once it has begun.
    unfinished_size
        Bytes of all large messages that have come in part, each with those that it claims, as there
        is memory for all of it from the first on; beyond it, the largest is given up.
    idle_timeout
        Seconds without a whole message from a client, and without anything to send it, after which
        its connection is closed.
    stall_timeout
        Seconds in which a client must read at least ``slowest_reader`` bytes a second of what it
        has asked for; one that does not is dropped, with the image that it holds.
    image_cache_size
        Bytes of packed images that are held for the clients who read them, and for those who will.
        Beyond it a client waits for its image until others have theirs. One image may be larger.
        Who would hold one for longer than ``longest_reading``, while others wait, is dropped.
    """

    allowed_networks: Sequence[Network] = ()
    max_clients: int = 256
    max_clients_per_address: int | None = None
    queries_per_second: float | None = None
    bytes_per_second: float | None = None
    receive_timeout: float = 60.0
    unfinished_size: int = 64 << 20
    idle_timeout: float | None = None
    stall_timeout: float = 30.0
    slowest_reader: float = 10_000.0
    image_cache_size: int = 512 << 20
    longest_reading: float = 600.0

    def why_not(self, host: str, connected: Sequence[str]) -> str | None:
        """Return in words why a client may not come in, or None.

        ``host`` is its numeric address, ``connected`` are those of all who are connected.
        """
        if not self.allows(host):
            return f"the address {host} is not allowed to connect"
        if self.is_full(len(connected)):
            return f"{self.max_clients} clients are connected, and no more are served; try later"
        if self.is_full_for(host, connected):
            most = self._most_of_address(host)
            return f"{most} connections from {host} are open, and no more are served; close one"
        return None

    def who_makes_room(
        self, host: str, clients: Sequence[Connected], now: float
    ) -> Connected | None:
        """Return who has to leave so that one from ``host`` may come in.

        None if nobody has to, or if nobody can be missed: ``why_not`` says why then.
        """
        hosts = [client.host for client in clients]
        if not self.allows(host):
            return None
        if self.is_full_for(host, hosts):
            return most_expendable(clients, now, _EXPENDABLE_SECONDS, origin=origin_of(host))
        if self.is_full(len(hosts)):
            return most_expendable(clients, now, _EXPENDABLE_SECONDS)
        return None

    def is_idle(self, client: ConnectedClient, now: float) -> bool:
        """Whether one has not asked for anything for too long."""
        if self.idle_timeout is None or client.is_owed:
            return False
        return now - client.active_at >= self.idle_timeout

    @property
    def words_for_slow(self) -> str:
        """Why one is dropped that does not read."""
        return f"it reads too slowly: under {self.slowest_reader:g} bytes a second"

    @property
    def words_for_long(self) -> str:
        """Why one is dropped that keeps others waiting for memory."""
        return f"it would need {self.longest_reading:g} s more, and others wait for memory"

    @property
    def words_for_idle(self) -> str:
        """Why one is sent away that ``is_idle``."""
        return f"idle for {self.idle_timeout:g} s; connect again when needed"

    def is_full_for(self, host: str, connected: Sequence[str]) -> bool:
        """Whether as many of those who are connected are from the address as may be."""
        origin = origin_of(host)
        count = sum(origin_of(other) == origin for other in connected)
        return count >= self._most_of_address(host)

    def _most_of_address(self, host: str) -> int:
        if self.max_clients_per_address is not None:
            return self.max_clients_per_address
        if _address(host).is_loopback:
            return self.max_clients
        return math.ceil(_SHARE_OF_ADDRESS * self.max_clients)

    def is_full(self, count: int) -> bool:
        """Whether there is no room for more than ``count`` connections."""
        return count >= self.max_clients

    def within_descriptors(
        self, for_others: int = _DESCRIPTORS_FOR_OTHERS, of_each: int = 1
    ) -> ServerLimits:
        """Return these limits, with no more connections than this process can have.

        Each takes ``of_each`` descriptors, and all else ``for_others``.
        """
        try:
            import resource
        except ImportError:  # Windows
            most = (_SELECTED_ON_WINDOWS - _SOCKETS_FOR_OTHERS) // of_each
            return replace(self, max_clients=min(self.max_clients, most))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft == resource.RLIM_INFINITY:
            return self
        most = max(1, (soft - for_others) // of_each)
        return replace(self, max_clients=min(self.max_clients, most))

    def allows(self, host: str) -> bool:
        """Whether a client at this numeric address may connect."""
        address = _address(host)
        networks = self.allowed_networks
        return not networks or any(address in network for network in networks)


def most_expendable(
    clients: Sequence[Connected],
    now: float,
    seconds: float,
    seconds_at_first: float = 0.0,
    origin: Network | None = None,
) -> Connected | None:
    """Return who can be missed most of those who have asked nothing for so many seconds, or None.

    It is one that has never asked, if there is one, of the address with the most connections;
    for such a one ``seconds_at_first`` count. With ``origin``, it is one from there.
    """
    idle = [
        client
        for client in clients
        if not client.is_owed
        and now - client.active_at >= (seconds if client.has_asked else seconds_at_first)
        and origin in (None, origin_of(client.host))
    ]
    counts = Counter(origin_of(client.host) for client in clients)

    def importance(client: ConnectedClient) -> tuple[bool, int, float]:
        return client.has_asked, -counts[origin_of(client.host)], client.active_at

    return min(idle, key=importance, default=None)


@lru_cache(maxsize=1024)  # a flood of connections is compared with all that are open
def origin_of(host: str) -> Network:
    """Return from where a client comes: its address, or the network of 64 bits that it is in.

    A subscriber has at least such a network of IPv6 (RFC 6177).
    """
    address = _address(host)
    if isinstance(address, ipaddress.IPv4Address):
        return ipaddress.IPv4Network(address)
    return ipaddress.IPv6Network((int(address), 64), strict=False)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the address that a socket shows."""
    address = ipaddress.ip_address(host)
    # A socket for IPv4 and IPv6 at once shows 10.1.2.3 as ::ffff:10.1.2.3.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


class Allowance:
    """So much a second; what was not used in the last seconds may be used at once.

    (A token bucket, as routers have.) ``now`` is in ``time.monotonic`` seconds.
    """

    def __init__(self, per_second: float | None, saved_seconds: float, now: float) -> None:
        self._per_second = per_second
        self._most = 0.0 if per_second is None else max(1.0, per_second * saved_seconds)
        self._left = self._most
        self._updated = now

    def left(self, now: float) -> float:
        """Return how much may be used now; infinity if there is no limit."""
        if self._per_second is None:
            return float("inf")
        earned = (now - self._updated) * self._per_second
        self._left = min(self._most, self._left + earned)
        self._updated = now
        return self._left

    def use(self, amount: float) -> None:
        """Use some of it; more than is left is taken from what is to come."""
        self._left -= amount

    def seconds_until(self, amount: float, now: float) -> float:
        """Return the seconds from ``now`` until so much is left."""
        missing = min(amount, self._most) - self.left(now)
        return 0.0 if self._per_second is None else max(0.0, missing / self._per_second)


class ReadingPace:
    """Whether one reads what is sent to it as fast as ``limits`` want; ``now`` as above.

    ``taken`` are the bytes that have arrived there, of all that was ever sent.
    """

    def __init__(self, limits: ServerLimits, now: float) -> None:
        self._limits = limits
        self._begin, self._taken = now, 0

    def begin(self, now: float, taken: int) -> None:
        """Look at it from now on: there is something to send again."""
        self._begin, self._taken = now, taken

    def is_too_slow(self, now: float, taken: int) -> bool:
        """Whether too little was read in the last seconds, as long as there is more to send."""
        seconds = now - self._begin
        if seconds < self._limits.stall_timeout:
            return False
        slowest = self._limits.slowest_reader
        if self._limits.bytes_per_second is not None:  # it is not to blame for our own limit
            slowest = min(slowest, self._limits.bytes_per_second / 2)
        is_too_slow = taken - self._taken < slowest * seconds
        self.begin(now, taken)
        return is_too_slow


class RecentRate:
    """How many bytes a second have arrived at one in the last half minute, or a little more.

    Who was fast before says nothing by that of how long the rest will take. ``now`` and ``taken``
    as above.
    """

    def __init__(self, now: float) -> None:
        self.begin(now, 0)

    def begin(self, now: float, taken: int) -> None:
        """Look at it from now on: there is something to send again."""
        self._before = self._newest = now, taken

    def note(self, now: float, taken: int) -> None:
        """To be called now and then."""
        if now - self._newest[0] >= _RECENT_SECONDS:
            self._before, self._newest = self._newest, (now, taken)

    def of(self, now: float, taken: int) -> float | None:
        """Return the rate; None as long as nothing can be said of it."""
        begin, before = self._before
        seconds = now - begin
        return None if seconds < _SECONDS_FOR_RATE else (taken - before) / seconds
