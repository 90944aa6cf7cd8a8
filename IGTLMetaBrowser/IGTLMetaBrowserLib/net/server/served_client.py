"""One client of a server: its connection, what it waits for, and how much it has taken."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field

from ... import codec
from ...codec.wire import Buffer
from ..acceptor import AcceptedClient
from ..connection import Connection, unacknowledged
from ..limits import Allowance, ReadingPace, RecentRate, ServerLimits
from .arriving_images import GrowingAnswer
from .named_items import NamedItems
from .packed_images import PackedImage
from .packed_lists import ListInWork
from .served_parts import PartInWork
from .thumbnails import ThumbnailInWork

_MIB = 1 << 20
# Ten thousand trajectories. Nobody sends a server an image; who claims to send more than this is
# hung up on, as reading it would keep the others waiting.
MAX_BODY_SIZE = 2 * _MIB
"""Of any message."""
# Of a query, or a text. When it is read it may be some times as large, and one of each client can
# wait for its answer. The C++ library's COMMAND has up to 65,535 bytes.
_MAX_PARSED_SIZE = 128 << 10
# Ten seconds' worth of queries may come at once, as a window asks when it opens; of bytes, two.
_SAVED_SECONDS_OF_QUERIES = 10.0
_SAVED_SECONDS_OF_BYTES = 2.0
_SECONDS_WITHOUT_ROOM = 5.0
# In one turn, so that the others have theirs soon.
_LARGEST_BURST = 2 * _MIB
# Below it, sending in many small pieces would cost more than the limit saves.
_SMALLEST_PIECE = 16 << 10


@dataclass(frozen=True, eq=False)
class QueuedQuery:
    """A query that waits; or one that could not be read, with what is to be said of it."""

    query: codec.QueryMessage
    code: codec.StatusCode = codec.StatusCode.OK
    words: str = ""


@dataclass(eq=False)
class Reply:
    """An answer that is being made or sent; ``image`` is the one that it holds in memory."""

    query: codec.QueryMessage
    begin: float
    byte_count: int = 0
    image: PackedImage | None = None
    # The part of it that is asked for.
    part: PartInWork | None = None
    thumbnail: ThumbnailInWork | None = None
    # What of a list is asked for.
    named: NamedItems = field(default_factory=NamedItems)
    # A list that is being packed.
    listing: ListInWork | None = None
    # An image that is sent while it grows.
    growing: GrowingAnswer | None = None
    is_refusal: bool = False

    @property
    def holds_image(self) -> bool:
        """Whether it holds memory of ``PackedImages``: an image, or one that still arrives."""
        return any(one is not None for one in (self.image, self.part, self.growing))


class ServedClient:
    """A client that was let in; ``now`` is in ``time.monotonic`` seconds.

    Questions are answered one by one, each when the answer before it is sent: a client that asks
    for a thousand images and reads none costs the memory of one.
    """

    was_let_in = True

    def __init__(self, accepted: AcceptedClient, limits: ServerLimits) -> None:
        receiver = codec.Receiver(MAX_BODY_SIZE, max_parsed_size=_MAX_PARSED_SIZE)
        self.connection = Connection(accepted.socket, receiver)
        self.host, self.port, self.address = accepted.host, accepted.port, accepted.address
        self.certificate = accepted.certificate
        self.questions: deque[QueuedQuery] = deque()
        self.reply: Reply | None = None
        self.connected_at = self.active_at = now = accepted.connected_at
        # Until when it is left alone: it waits for an image, or has had its bytes for this second.
        self.resume_at: float | None = None
        # Since when a message has been arriving, and how many bytes of memory are held for it.
        self.receiving_since: float | None = None
        self.unfinished = 0
        # Whether it waits for memory that others hold; and since when it has not had its answer for
        # want of that.
        self._is_without_room = False
        self.without_room_since: float | None = None
        # Since when nothing is read from it, because it is owed an answer.
        self._unread_since: float | None = None
        # Images that it wants whenever they change, with their versions as it has them.
        self.streams: dict[str, Hashable] = {}
        self.sent = 0
        self.has_asked = False
        # The number of the server's step in which it had its turn last.
        self.served_in_step = 0
        self._limits = limits
        self._queries = Allowance(limits.queries_per_second, _SAVED_SECONDS_OF_QUERIES, now)
        self._bytes = Allowance(limits.bytes_per_second, _SAVED_SECONDS_OF_BYTES, now)
        self._pace = ReadingPace(limits, now)
        self._rate = RecentRate(now)

    @property
    def is_owed(self) -> bool:
        """Whether an answer is still to be made or sent."""
        return bool(self.questions) or self.reply is not None or self.connection.wants_write

    @property
    def is_waiting_for_answer(self) -> bool:
        """Whether an answer is to be made, and none is being sent."""
        return (bool(self.questions) or self.reply is not None) and not self.connection.wants_write

    @property
    def has_unread(self) -> bool:
        """Whether it has sent something that the socket does not show, and that can be read now."""
        return not self.is_owed and self.connection.has_unread

    @property
    def holds_image(self) -> bool:
        """Whether it holds memory of ``PackedImages``."""
        return self.reply is not None and self.reply.holds_image

    @property
    def is_being_sent_to(self) -> bool:
        """Whether a part of an answer is not with it yet, not even in its system's buffer.

        If a connection is closed before, what is on its way can be lost.
        """
        is_begun = self.reply is not None and not self.is_waiting
        return is_begun or unacknowledged(self.connection.socket) > 0

    @property
    def is_waiting(self) -> bool:
        """Whether its answer waits for somebody else: a scan, an archive, another process."""
        reply = self.reply
        return reply is not None and not reply.byte_count and self.resume_at is not None

    @property
    def is_gone(self) -> bool:
        """Whether nothing is left to do for it: who closes its half only waits for its answers."""
        connection = self.connection
        return connection.is_broken or (connection.lost is not None and not self.is_owed)

    def received(self, is_any_whole: bool, now: float) -> None:
        """Note what has come: whether a message is whole, and how much there is of the next."""
        receiver = self.connection.receiver
        if is_any_whole:
            self.active_at, self.has_asked = now, True
        if receiver.is_between_messages:
            self.receiving_since = None
        elif is_any_whole or self.receiving_since is None:
            self.receiving_since = now
        progress = receiver.progress
        self.unfinished = 0 if progress is None else progress.body_size

    def note_reading(self, now: float) -> None:
        """Note whether it is read now.

        While it is not, the clock of its unfinished message stands still: the rest may be there.
        """
        if self.is_owed:
            self._unread_since = now if self._unread_since is None else self._unread_since
            return
        if self._unread_since is not None and self.receiving_since is not None:
            self.receiving_since += now - self._unread_since
        self._unread_since = None

    def is_sending_slowly(self, now: float) -> bool:
        """Whether a message of it has been arriving for too long."""
        if self.receiving_since is None or self._unread_since is not None:
            return False
        return now - self.receiving_since > self._limits.receive_timeout

    def may_ask(self, now: float) -> bool:
        """Count a query; return whether it is one too many."""
        if self._queries.left(now) < 1:
            return False
        self._queries.use(1)
        return True

    def queue(self, parts: list[Buffer]) -> None:
        """Queue the bytes of a message, which belongs to the reply that is being made."""
        if not self.connection.wants_write:
            now, taken = time.monotonic(), self._taken()
            self._pace.begin(now, taken)
            self._rate.begin(now, taken)
        if self.reply is not None:
            self.reply.byte_count += sum(map(len, parts))
        self.connection.queue(parts)

    def write(self, now: float) -> int:
        """Send what the socket takes and the limit allows; return how many bytes."""
        if not self.connection.wants_write:
            return 0
        most = self._bytes.left(now)
        piece = max(1.0, min(_SMALLEST_PIECE, self._limits.bytes_per_second or 1))
        if most < piece:  # what may be sent meanwhile would be sent byte by byte
            self.resume_at = now + self._bytes.seconds_until(piece, now)
            return 0
        count = self.connection.write(int(min(most, _LARGEST_BURST)))
        self._bytes.use(count)
        self.sent += count
        if count:
            self.active_at = now
        return count

    def is_stalled(self, now: float) -> bool:
        """Whether it has read too little of its answer for too long."""
        if not self.connection.wants_write:
            return False
        taken = self._taken()
        self._rate.note(now, taken)
        return self._pace.is_too_slow(now, taken)

    def note_waiting(self, is_for_memory: bool, now: float) -> None:
        """Note for what it waits. Who waits for another thing between keeps its place in the queue:
        what was read for it may be forgotten until there is memory, and be read again.
        """
        self._is_without_room = is_for_memory
        if is_for_memory and self.without_room_since is None:
            self.without_room_since = now

    def note_served(self) -> None:
        """Note that it waits for nothing."""
        self._is_without_room, self.without_room_since = False, None

    def is_without_room(self, now: float) -> bool:
        """Whether it has waited for memory for long enough that somebody has to give some up."""
        since = self.without_room_since
        return self._is_without_room and since is not None and now - since >= _SECONDS_WITHOUT_ROOM

    def seconds_left(self, now: float) -> float:
        """Return for how long it will still hold the image that it is being sent, as it reads now.

        0 if it holds none, reads as fast as it is allowed to, or as an image comes that grows, or
        nothing can be said of it yet.
        """
        reply = self.reply
        if reply is None or not reply.holds_image or not self.connection.wants_write:
            return 0.0
        rate = self._rate.of(now, self._taken())
        if rate is None or rate >= (self._limits.bytes_per_second or math.inf) / 2:
            return 0.0
        left = self.connection.unsent + unacknowledged(self.connection.socket)
        return (left if reply.growing is None else left + reply.growing.left) / max(rate, 0.1)

    def expect_nothing(self) -> None:
        """Let go of what it has asked for."""
        self.questions.clear()
        self.reply = None

    def _taken(self) -> int:
        """Return how many bytes have arrived at the client, as far as this can be told.

        What the system has taken may lie here still: some MB, which a slow reader needs a minute
        for, and of which the system takes the next only when a third is gone.
        """
        return self.sent - unacknowledged(self.connection.socket)
