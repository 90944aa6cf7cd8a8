"""Which header version a server speaks, found out without confusing it.

Metadata come to clients of version 2 only, but a server of version 1 may not survive a question in
version 2: old ones do not read a query's body, and the extended header would be one (the reference
ImageDatabaseServer is out of step for good). So:

1. The list of images is asked for in version 1, without a body. Every server can read that.
2. When the list has come in version 1, GET_STATUS is sent under a header of version 2, again
   without a body, so that nobody has anything left to read. PlusServer answers it in version 2
   (``vtkPlusOpenIGTLinkServer::DataReceiverThread``), and so does our own server; a server of
   version 1 takes no notice. The list is kept back meanwhile, for ``_PROBE_SECONDS`` at most.
3. As soon as any message has come in version 2, everything is asked in version 2, first of all the
   list that is kept back; our own server then sends its metadata alone, not a million items again.
   A server that answers in version 1 all the same is asked so from then on. Trajectories that are
   asked for before any list are kept back likewise: only in version 2 is it told of plans that two
   have replaced the same one.
4. Version 2 may be good for some types only. As long as no question of a type was answered in it, a
   question that stays without an answer, loses the connection twice, or is answered by a list
   without items (images, trajectories …) is asked again in version 1; if that is of use, so are all
   others of that type.
5. Networks fail, and servers are ended, without regard to the version: a server whose connection
   is lost as version 2 is tried, is tried again with the next list. If that is lost as well, and no
   question was answered in version 2, it may be why: a list is had in version 1 alone before it is
   tried once more, and twice as many after each further loss. One of our own, which has said so
   before, is tried with the next list five times, as it was busy or away, unless it answers what it
   was asked later in version 1: then another server is in its place.

A question in version 2 has an entry of metadata: the C++ library does not unpack a body that is the
extended header alone, and PlusServer then reads nothing more from that client.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from ... import codec
from ...codec.messages.items import ItemListMessage
from ..connection import Connection
from ..list_metadata.identity import CLIENT, WITHOUT_ITEMS, is_own_server, is_without_items
from .queries import Queries
from .query import Query

_PROBE = codec.Header(2, "GET_STATUS", "", codec.Timestamp(0), body_size=0, crc=0).pack()
# So much later is the list of a server shown that speaks version 1 only.
_PROBE_SECONDS = 0.5
# Since the last byte of the second list. The first one is shown if it does not come.
_LIST_SECONDS = 2.0
# Connections in a row that are lost as version 2 is tried: then that may be why.
_MOST_LOST = 2
# Of one of our own it is not, unless an old server is in its place.
_MOST_LOST_OF_OWN = 5


@dataclass
class ServerVersion:
    """What is known of a server.

    speaks_2
        Whether messages of header version 2 come from it; None if it was not tried yet.
    is_final
        Whether a question in version 2 was answered in version 1; then no message changes this.
    answered_in_2
        The data types of questions that were answered in version 2.
    only_in_1
        The data types that are asked for in version 1, as version 2 was of no use for them.
    has_name
        Whether the metadata of its list have said who it is: only then is it asked for more than
        the protocol has, see ``capabilities``. None if no list has come yet.
    times_lost
        How many connections were lost as version 2 was tried, since a question was answered in it.
    lists_to_skip
        How many lists are had in version 1 alone before version 2 is tried.
    """

    speaks_2: bool | None = None
    is_final: bool = False
    answered_in_2: set[str] = field(default_factory=set)
    only_in_1: set[str] = field(default_factory=set)
    has_name: bool | None = None
    times_lost: int = 0
    lists_to_skip: int = 0


known_servers: dict[tuple[str, int], ServerVersion] = {}
"""What this process knows of the servers that its clients have talked to."""


def server_version(host: str, port: int) -> ServerVersion:
    """Return what this process knows of a server; all clients share it."""
    return known_servers.setdefault((host.lower(), port), ServerVersion())


class VersionFinder:
    """Finds out on one connection which version the server speaks, and asks in it.

    ``fixed`` is the version to ask in, if the user has chosen one. ``held`` is the query for a list
    that is kept back, or None; ``deadline`` is when to call ``release`` at the latest.
    """

    def __init__(
        self, server: ServerVersion, connection: Connection, queries: Queries, fixed: int | None
    ) -> None:
        self._server = server
        self._connection = connection
        self._queries = queries
        self._fixed = fixed
        self.held: Query | None = None
        self._first_answer: codec.Message | None = None
        self.deadline: float | None = None
        self.is_2_seen = False  # on this connection
        self._is_lost = False
        self._is_probe_unanswered = False
        self._last_before_probe = 0  # of the queries that were waiting then

    def ask(self, query: Query, now: float) -> None:
        """Send a question, in the best version, and wait for its answer."""
        is_only_in_1 = query.is_fallback or query.data_type in self._server.only_in_1
        best = 2 if self._server.speaks_2 and not is_only_in_1 else 1
        query.header_version = self._fixed or best
        question = codec.GetMessage(query.data_type, device_name=query.device_name)
        if query.request is not None:
            question = replace(query.request)
        if query.header_version == 2:
            question.header_version, question.metadata = 2, {**query.metadata, **CLIENT}
            is_list = query.data_type == "IMGMETA"
            # With metadata of its own, another list is asked for.
            if query is self.held and is_list and not query.metadata:
                question.metadata |= WITHOUT_ITEMS
            question.message_id = query.message_id
        self._queries.add(query, now)
        self._connection.send(question)

    def on_message(self, event: codec.Message | codec.Rejected, now: float) -> None:
        """Note in which version a message has come."""
        if _header_version(event) == 2 and self._queries.repeats_numbers:
            self._server.is_final = False  # what came in version 1 was no answer
        if self.is_2_seen or _header_version(event) != 2 or self._server.is_final:
            return
        self.is_2_seen = self._server.speaks_2 = True
        held = self.held
        if held is not None and held.answer is None and held not in self._queries.waiting:
            self._ask_again(held, now)

    def is_probe_answer(self, event: codec.Message | codec.Rejected) -> bool:
        """Whether a message that answers no query answers the probe, and means nothing else."""
        if not self._is_probe_unanswered or _header_version(event) != 2:
            return False
        name = event.header.device_name if isinstance(event, codec.Rejected) else event.device_name
        self._is_probe_unanswered = bool(name)
        return not name

    def hold(self, query: Query, now: float) -> bool:
        """Keep the answer to ``query`` back, if of it more could come in version 2."""
        if query is self.held:
            if query.error is not None:  # asked again in vain
                query.error, query.answer = None, self._first_answer
            elif isinstance(query.answer, codec.ImageMetaMessage) and (
                is_without_items(query.answer)
            ):
                self._add_items(query, query.answer)
            elif self._is_doubtful(query):
                self._server.only_in_1.add(query.data_type)
                query.header_version, query.answer = 1, self._first_answer
            self._on_answer_to_2(query)
            self.cancel(query)
            return False
        self._note_order(query)
        can_say_more = _can_say_more(query.answer) and not query.device_name
        if self.held is not None or not can_say_more or _header_version(query.answer) == 2:
            return False
        self._on_answer_to_2(query)
        is_only_in_1 = query.data_type in self._server.only_in_1
        if self._fixed is not None or self._server.speaks_2 is False or is_only_in_1:
            return False
        if self._server.speaks_2 is None and self._server.lists_to_skip:
            self._server.lists_to_skip -= 1
            return False
        if any(not other.is_abandoned for other in self._queries.waiting):
            # Whoever asked for an image behind the list is to have the list first.
            if not self._server.speaks_2:
                self._send_probe()
            return False
        self.held, self._first_answer, query.answer = query, query.answer, None
        if self._server.speaks_2:
            self._ask_again(query, now)
        else:
            self._send_probe()
            self.deadline = now + _PROBE_SECONDS
        return True

    def _note_order(self, query: Query) -> None:
        """Note if a later question than the probe was answered first: then that never will be."""
        was_later = query.number > self._last_before_probe
        if was_later and self._is_probe_unanswered and not self.is_2_seen:
            self._server.has_name = False
            self.ask_in_version_1()

    def _add_items(self, query: Query, answer: codec.ImageMetaMessage) -> None:
        """Put the items of the first list into the second, which has metadata only."""
        first = self._first_answer
        assert isinstance(first, codec.ImageMetaMessage)
        rest = {key: text for key, text in answer.metadata.items() if key not in WITHOUT_ITEMS}
        # Which list is the answer says only the number that came with its items.
        number = first.message_id
        query.answer = replace(answer, items=first.items, metadata=rest, message_id=number)

    def on_loss(self) -> None:
        """Note that the connection is lost, perhaps as version 2 is tried."""
        self._is_lost = True
        if self._is_trying:
            self._server.times_lost += 1
            if self._server.speaks_2 is None:
                self._try_again()

    @property
    def _is_trying(self) -> bool:
        """Whether something waits that tells whether the server speaks version 2."""
        if self.held is not None:
            return True
        is_probed = self._is_probe_unanswered and self._server.speaks_2 is None
        return is_probed or any(map(self._is_first_in_2, self._queries.waiting))

    def _is_first_in_2(self, query: Query) -> bool:
        """Whether a question in version 2 is not answered, nor anything of its kind, so far."""
        if self.is_2_seen or self._fixed is not None or query.header_version != 2:
            return False
        answered = self._server.answered_in_2
        return not answered or query.data_type in answered

    def release(self, now: float) -> Query | None:
        """Return the query whose answer was kept back long enough, answered with the first list."""
        query = self.held
        if query is None or self.deadline is None or now < self.deadline:
            return None
        if query in self._queries.waiting:
            # The second list may still come.
            self._queries.replace(query, Query(query.data_type, is_abandoned=True))
        self.ask_in_version_1()
        if self._is_lost or self._server.has_name:
            self._try_again()
        query.answer = self._first_answer
        self.cancel(query)
        return query

    def on_silence(self, query: Query) -> None:
        """Note that a server which speaks version 2 left a question in it without an answer."""
        if query.header_version == 2 and query.data_type not in self._server.answered_in_2:
            self._note_only_in_1(query)

    def bytes_arrived(self, now: float) -> None:
        """Note that an answer is arriving: a long list that comes again is waited for."""
        if self.held is not None and self.held in self._queries.waiting:
            self.deadline = _deadline(self.held, now)

    def ask_in_version_1(self) -> None:
        """Ask so from now on, unless a message of version 2 comes after all."""
        self._server.speaks_2 = self.is_2_seen = False

    def _try_again(self) -> None:
        """Try version 2 once more with the next list, or later, if that was in vain too often."""
        server = self._server
        server.speaks_2 = None
        most = _MOST_LOST_OF_OWN if server.has_name else _MOST_LOST
        server.lists_to_skip = 2**server.times_lost // 2**most

    def cancel(self, query: Query) -> None:
        """Keep nothing back for this query any more."""
        if query is self.held:
            self.held = self._first_answer = self.deadline = None

    def fall_back(self, query: Query, event: codec.Message | codec.Rejected, now: float) -> bool:
        """Ask again in version 1 if what has come in version 2 is of no use; return whether so."""
        if not (self._is_doubtful(query) or self._is_unreadable(query, event)):
            return False
        query.answer = query.error = None
        query.is_fallback = True
        self.ask(query, now)
        return True

    def is_for_version_1(self, query: Query, is_new: bool = True) -> bool:
        """Whether an unanswered query was perhaps not understood, as it was asked in version 2.

        It is asked in version 1 the next time. ``is_new``: this could have another cause for a
        server that speaks version 2.
        """
        if self._fixed is not None or query.header_version != 2:
            return False
        answered = self._server.answered_in_2
        if self._is_first_in_2(query):
            # It never spoke it, or it is no longer the same server.
            self.ask_in_version_1()
            if self._is_lost or answered or self._server.has_name:
                self._try_again()
            answered.clear()
            return True
        if (self.is_2_seen and not is_new) or query.data_type in answered:
            return False
        query.is_fallback = True
        return True

    def on_answer(self, query: Query) -> None:
        """Note in which version an answer was had."""
        if query.answer is None:
            return
        if query.header_version == 2 and _header_version(query.answer) == 2:
            self._server.answered_in_2.add(query.data_type)
            self._server.times_lost = 0
        elif query.is_fallback and not self._is_empty_list(query):
            self._note_only_in_1(query)

    def _note_only_in_1(self, query: Query) -> None:
        if not self._server.has_name:  # one of our own answers all in version 2, if it answers
            self._server.only_in_1.add(query.data_type)

    def _is_doubtful(self, query: Query) -> bool:
        """Whether an answer is a list without items, and the first one in version 2."""
        is_new = query.header_version == 2 and query.data_type not in self._server.answered_in_2
        return is_new and self._fixed is None and self._is_empty_list(query)

    def _is_empty_list(self, query: Query) -> bool:
        """Whether there are no items, of a server that is not our own, which knows of none then.

        It names itself in its list of images, also if a search has found none.
        """
        answer = query.answer
        if not isinstance(answer, ItemListMessage) or len(answer.items):
            return False
        is_images = isinstance(answer, codec.ImageMetaMessage)
        return not (is_own_server(answer) if is_images else self._server.has_name)

    def _is_unreadable(self, query: Query, event: codec.Message | codec.Rejected) -> bool:
        """Whether the answer to a question in version 2 cannot be read, but could be in version 1.

        Some servers get the extended header or the metadata of some messages wrong. Damage and
        size have nothing to do with the version.
        """
        return (
            query.error is not None
            and isinstance(event, codec.Rejected)
            and type(event.error) is codec.DecodeError
            and (event.header.version, query.header_version) == (2, 2)
            and self._fixed is None
        )

    def _on_answer_to_2(self, query: Query) -> None:
        """Note whether a question in version 2 was answered in version 1."""
        if query.header_version == 2 and _header_version(query.answer) == 1 and not self._fixed:
            self.ask_in_version_1()
            self._server.is_final = True

    def _send_probe(self) -> None:
        self._connection.queue([_PROBE])
        self._connection.write()
        self._is_probe_unanswered = True
        self._last_before_probe = max((one.number for one in self._queries.waiting), default=0)

    def _ask_again(self, query: Query, now: float) -> None:
        self.ask(query, now)
        self.deadline = _deadline(query, now)


def _can_say_more(answer: codec.Message | None) -> bool:
    """Whether our own server may have metadata of this answer: without items, there are none."""
    is_of_items = isinstance(answer, (codec.ImageMetaMessage, codec.TrajectoryMessage))
    return is_of_items and len(answer.items) > 0


def _deadline(query: Query, now: float) -> float:
    """Return until when the first answer to a query that was asked again is kept back.

    A list is to be seen soon. For plans, an archive may have to be asked: as long as any query
    waits (``answer_timeout``).
    """
    return now + _LIST_SECONDS if query.data_type == "IMGMETA" else math.inf


def _header_version(event: codec.Message | codec.Rejected | None) -> int:
    if event is None:
        return 1
    return event.header.version if isinstance(event, codec.Rejected) else event.header_version
