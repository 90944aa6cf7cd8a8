"""Who asked what: finds for each message the query that it answers (sans-I/O).

OpenIGTLink gives answers no number (our own server repeats that of its query). A message answers a
query of its type under the name that was asked for. Real servers also answer under names of their
own, stream images beside the answers, and answer late or twice, so that for another name these
rules hold:

- A list (IMGMETA, TRAJ …) answers the query for that list under any name, also if it was pushed at
  that moment: what comes after it may have been the answer (see ``browser/images/list_requests``).
  But one without a number is pushed, if the server has repeated that of a query before.
- An image answers the oldest query for an image only under the conditions of ``other_names``.
  The same holds for the error of one that is empty or cannot be read.
- Everything else is unsolicited: a stream, a pushed trajectory, a keep-alive.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ... import codec
from ..errors import AnswerError, NetworkError, RefusedError
from ..list_metadata.identity import is_own_server
from .image_notes import describe_image
from .listed_images import ListedImages, Lists, can_fit
from .other_names import GRACE_SECONDS, OtherNames
from .part_answers import PartAnswers
from .query import Query
from .query_errors import (
    WRONG_SERVER_HINT,
    another_each_time,
    describe_status,
    is_wrong_server,
    no_data,
    refusal,
    unreadable,
)
from .recent_names import RecentNames

# There is no STT_ for these: whoever pushes one means the same list that a query is answered with.
_NEVER_STREAMED = ("IMGMETA", "LBMETA", "TRAJ", "POINT", "COLORT")
# The library's name of it until 2013.
_OLD_NAMES = {"COLORTABLE": "COLORT"}
# Other than of older types, all servers that know these answer under the name that was asked for.
_UNDER_THEIR_NAMES = ("IMGPART", "IMGTHUMB")
# What PlusServer calls its commands in RTS_COMMAND, by the query that made it run them.
_COMMANDS = {"getimagemetadata": "IMGMETA", "getimagemeta": "IMGMETA", "getimage": "IMAGE"}
# Whoever cancels again and again at a silent server must not fill the memory.
_MOST_ABANDONED = 100
# Images of other names, or copies of parts, during one query.
_MOST_OTHERS = 20
_MOST_NUMBERS = 10


class Queries:
    """The queries that wait for an answer, oldest first. Times are seconds of one clock.

    Abandoned ones stay: their late answers are theirs. ``images`` are those of the server's lists.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.waiting: list[Query] = []
        self._last_number = 0
        self.images = ListedImages()
        self._other_names = OtherNames(self.images)
        self._parts = PartAnswers()
        self._stream_names = RecentNames()  # type and name, of other types than IMAGE
        # Refusals that came as a STATUS, and of which the RTS_ may still follow: type and name, and
        # the number of the query that had been asked last by then.
        self._half_refused: dict[tuple[str, str], int] = {}
        self._last_error = ""
        # Of queries that are done: the first list may be a pushed one, with the answer behind it.
        self._answered_numbers: deque[tuple[str, int]] = deque(maxlen=_MOST_NUMBERS)
        self.repeats_numbers = False
        """Whether the server of this connection has repeated the number of a query."""

    def add(self, query: Query, now: float) -> None:
        """Begin to wait for the answer to ``query``."""
        query.deadline = now + self.timeout
        if query.asked_at is None:
            query.asked_at = now
        self._last_number = query.number = self._last_number + 1
        self.waiting.append(query)

    def bytes_arrived(self, now: float, answered: Query | None = None) -> None:
        """Note that the server is sending: nobody runs out of time while bytes arrive.

        Of those that were asked before the query that is ``answered``, or is being answered, that
        says nothing: servers answer in order, and this one may have passed them over.
        """
        first = 0 if answered is None else answered.number
        for query in self.waiting:
            if not query.is_abandoned and query.number >= first:
                query.deadline = now + self.timeout

    @property
    def next_deadline(self) -> float | None:
        """When the next query runs out of time or its candidate is taken; None for never."""
        return min((_due(q) for q in self.waiting if not q.is_abandoned), default=None)

    def abandon(self, query: Query) -> None:
        """Keep a query only so that its late answer is not taken for another's."""
        query.is_abandoned = True
        _drop_candidate(query)
        self._other_names.on_owed(query)
        abandoned = [query for query in self.waiting if query.is_abandoned]
        for forgotten in abandoned[:-_MOST_ABANDONED]:
            self.waiting.remove(forgotten)

    def pass_over(self, query: Query) -> None:
        """Forget a query whose answer is arriving and not kept."""
        query.is_abandoned = True
        self._finish(query)

    def replace(self, query: Query, other: Query) -> None:
        """Let ``other`` wait in the place of ``query``."""
        self.waiting[self.waiting.index(query)] = other

    def expired(self, now: float) -> list[Query]:
        """Return the queries that have run out of time."""
        in_time = (query for query in self.waiting if query.candidate is None)
        return [query for query in in_time if query.deadline <= now and not query.is_abandoned]

    def accept_candidates(self, now: float) -> list[Query]:
        """Answer queries with images of other names that nothing spoke against; return them.

        Those that are not done then wait no longer, and are to be asked once more.
        """
        due = [query for query in self.waiting if query.candidate_until <= now]
        for query in due:
            candidate = query.candidate
            if isinstance(candidate, codec.ImageMessage):
                self._accept(query, candidate)
            else:
                self._finish(query, error=candidate)
        return due

    def _accept(self, query: Query, image: codec.ImageMessage) -> None:
        voxels = self._other_names.fingerprint(image)
        if query.first_voxels is None and self._other_names.must_confirm(image):
            query.first_voxels = voxels
            query.came_instead = f"{describe_image(image)}, only once, so it may be another one"
            _drop_candidate(query)
            self.waiting.remove(query)
        elif query.first_voxels not in (None, voxels):
            self._finish(query, error=another_each_time(query, image))
        else:
            self._other_names.on_answer(query.device_name, image.device_name, voxels)
            self._finish(query, answer=image)

    def remove_all(self) -> list[Query]:
        """Remove and return all queries, as when the connection is gone."""
        waiting, self.waiting = self.waiting, []
        for query in waiting:
            _drop_candidate(query)
            self._other_names.on_owed(query)
        self._half_refused.clear()
        self._answered_numbers.clear()
        self.repeats_numbers = False
        return waiting

    @property
    def last_server_error(self) -> str:
        """The last error, since its last answer, that the server reported for no query by name."""
        return self._last_error

    def prepare(self, event: codec.Message | codec.Rejected) -> Iterator[None]:
        """Do with pauses what takes ``match`` long: with a list of a million images, 0.4 s.

        Or with a large image of another name that may be an answer, after a while.
        """
        if isinstance(event, (codec.ImageMetaMessage, codec.LabelMetaMessage)):
            yield from self.images.prepare(event)
        elif isinstance(event, codec.ImageMessage) and event.pixels.size:
            name = event.device_name
            is_exact = self._find_exactly("IMAGE", name) is not None
            query = None if is_exact else self._oldest_for_other_name(name)
            if query is not None and self._other_names.fits(query.device_name, event):
                yield from self._other_names.prepare(event)

    def match(self, event: codec.Message | codec.Rejected, now: float = 0.0) -> Query | None:
        """Return the query that ``event`` answers, with its answer or error set, or None."""
        if isinstance(event, codec.Rejected):
            return self._match_rejected(event, now)
        if isinstance(event, codec.StatusMessage):
            return self._match_status(event)
        if isinstance(event, codec.ReturnMessage):
            return self._match_return(event, now)
        if isinstance(event, codec.ImageMessage):
            return self._match_image(event, now)
        if isinstance(event, codec.ImagePartMessage):
            return self._match_part(event)
        query = self._find_asked(event)
        if query is None:
            if isinstance(event, (codec.ImageMetaMessage, codec.LabelMetaMessage)):
                self.images.update(event)  # pushed, as the list has changed
            if _OLD_NAMES.get(event.type_name, event.type_name) not in _NEVER_STREAMED:
                self._stream_names.add((event.type_name, event.device_name))
            return None
        if isinstance(event, (codec.ImageMetaMessage, codec.LabelMetaMessage)):
            self._on_list(query, event)
        return self._finish(query, answer=event)

    def expected(self, header: codec.Header) -> Query | None:
        """Return the query that a message with this header would answer, as far as it tells."""
        if header.type_name != "IMAGE":
            return self._find(header.type_name, header.device_name)
        query = self._find_exactly("IMAGE", header.device_name)
        query = query or self._oldest_for_other_name(header.device_name)
        if query is None or query.device_name in (header.device_name, ""):
            return query
        entry = self.images.find(query.device_name)
        return query if entry is not None and can_fit(header, entry) else None

    def is_awaited(self, header: codec.Header) -> bool:
        """Whether a message that is arriving is worth more time than the time-out.

        Not the twentieth image of yet another name, nor the twentieth copy of a part: a query must
        end.
        """
        query = self.expected(header)
        if query is None or query.others < _MOST_OTHERS:
            return query is not None
        return query.request is None and query.device_name in (header.device_name, "")

    def _find(self, data_type: str, device_name: str) -> Query | None:
        data_type = _OLD_NAMES.get(data_type, data_type)
        exact = self._find_exactly(data_type, device_name)
        is_known = (data_type, device_name) in self._stream_names
        if exact is not None or is_known or data_type in _UNDER_THEIR_NAMES:
            return exact
        same_type = [query for query in self.waiting if query.data_type == data_type]
        if data_type in _NEVER_STREAMED and data_type != "COLORT":
            # A list that comes late is a list all the same.
            return min(same_type, key=lambda query: query.is_abandoned, default=None)
        return same_type[0] if same_type else None

    def _find_asked(self, message: codec.Message) -> Query | None:
        """Return the query that a message answers which is no image."""
        data_type, number = message.type_name, message.message_id
        self.repeats_numbers |= bool(number) and (data_type, number) in self._answered_numbers
        # Of two searches, each has its list.
        for query in self.waiting if number else ():
            if (query.data_type, query.message_id) == (data_type, number):
                self.repeats_numbers = True
                return query
        query = self._find(data_type, message.device_name)
        if query is None or not query.message_id or query.header_version != 2:
            return query
        if number:  # our own server answers each query under its number: this is a copy
            return None if is_own_server(message) else query
        # A server that repeats the numbers of its queries has pushed what has none.
        return None if self.repeats_numbers else query

    def _find_exactly(self, data_type: str, device_name: str) -> Query | None:
        same = [q for q in self.waiting if (q.data_type, q.device_name) == (data_type, device_name)]
        # Who asks again after a cancel gets the first of the two answers.
        return min(same, key=lambda query: query.is_abandoned, default=None)

    def _oldest_for_other_name(self, name: str) -> Query | None:
        """Return the query for an image that one of another name could answer."""
        if self._other_names.is_known(name):
            return None
        images = (query for query in self.waiting if query.data_type == "IMAGE")
        return next((query for query in images if not query.is_abandoned), None)

    def _match_image(self, image: codec.ImageMessage, now: float) -> Query | None:
        name = image.device_name
        query = self._find_exactly("IMAGE", name)
        if query is None:
            query = self._oldest_for_other_name(name)
        if query is None:
            return self._match_unasked(image)
        answer = image if image.pixels.size else no_data(query)
        if query.device_name not in ("", name):
            return self._match_other_name(query, name, answer, now)
        if isinstance(answer, NetworkError):
            return self._finish(query, error=answer)
        return self._finish(query, answer=answer)

    def _match_part(self, part: codec.ImagePartMessage) -> Query | None:
        query, error = self._parts.find(part, self.waiting)
        if query is not None and query.is_copy:
            for waiting in self.waiting:
                waiting.others += waiting.request is not None
            return query
        if query is None:
            return None
        return self._finish(query, None if error else part, error)

    def _match_unasked(self, image: codec.ImageMessage) -> Query | None:
        """Match an image that nobody waits for."""
        self._keep_instead(describe_image(image))
        late = self._match_late(image)
        if late is None and image.device_name not in self.images:
            self._other_names.on_stream(image.device_name)
        return late

    def _match_late(self, image: codec.ImageMessage) -> Query | None:
        """Return the abandoned query that an image answers, perhaps of an earlier connection."""
        image_id = self._other_names.settle(image)
        if image_id is None:
            return None
        abandoned = (query for query in self.waiting if query.is_abandoned)
        same_id = (q for q in abandoned if (q.data_type, q.device_name) == ("IMAGE", image_id))
        query = next(same_id, None)
        if query is None:
            return Query("IMAGE", image_id, is_abandoned=True, is_copy=True)
        self.waiting.remove(query)
        return query

    def _match_other_name(
        self, query: Query, name: str, answer: codec.ImageMessage | NetworkError, now: float
    ) -> Query | None:
        """Match an image of another name; ``answer`` is an error if it is empty or unreadable.

        The frames of a stream can be so, too: that is no better reason to end the query.
        """
        if isinstance(answer, codec.ImageMessage):
            words = describe_image(answer)
        else:
            words = f"the image {codec.printable(name)!r}, which is empty or cannot be read"
        if self._other_names.is_recurring(name) or query.candidate is not None:
            # A stream; or of two images, nobody knows which is the right one.
            self._other_names.on_stream(name, query.candidate_name if query.candidate else name)
            _drop_candidate(query)
            self._keep_instead(words)
            return None
        if isinstance(answer, codec.ImageMessage):
            is_fitting = self._other_names.fits(query.device_name, answer)
            objection = self._objection(query, answer) if is_fitting else ""
            if objection or not is_fitting:
                self._keep_instead(f"{words}, {objection}" if objection else words)
                late = self._match_late(answer)
                if late is None and not is_fitting:
                    self._other_names.on_unfitting(name)
                return late
        query.candidate, query.candidate_name = answer, name
        is_refusal = isinstance(answer, RefusedError)
        seconds = GRACE_SECONDS if is_refusal else self._other_names.seconds_to_wait(name)
        query.candidate_until = now + seconds
        return None

    def _objection(self, query: Query, image: codec.ImageMessage) -> str:
        asked = (q for q in self.waiting if q.data_type == "IMAGE" and not q.is_abandoned)
        others = [other.device_name for other in asked if other is not query]
        return self._other_names.objection(query.device_name, image, others)

    def _keep_instead(self, words: str) -> None:
        for query in self.waiting:
            if query.data_type == "IMAGE":
                query.came_instead = words
                query.others += 1

    def _on_list(self, query: Query, message: Lists) -> None:
        # A query with a name asks for one entry; clients that put their own name there get all.
        if not query.device_name or len(message.items) != 1:
            self.images.update(message)

    def _match_rejected(self, event: codec.Rejected, now: float) -> Query | None:
        header, error = event.header, event.error
        if is_wrong_server(event) and self.waiting:
            # Such a header cannot be trusted to name its type, and the connection ends with it.
            return self._finish(self.waiting[0], error=AnswerError(f"{error}; {WRONG_SERVER_HINT}"))
        if header.type_name == codec.RTSCommandMessage.wire_type:
            query = self._refused_by_command("")
            return query and self._finish(
                query, error=refusal(query, f"its reason cannot be read: {error}")
            )
        query = self.expected(header)
        is_empty = isinstance(error, codec.EmptyContentError)
        if is_empty and query is None and header.type_name == "IMAGE":
            query = self._oldest_for_other_name(header.device_name)
        if query is None:
            return None
        reason = no_data(query) if is_empty else unreadable(query, error)
        if header.type_name == "IMAGE" and query.device_name not in ("", header.device_name):
            return self._match_other_name(query, header.device_name, reason, now)
        return self._finish(query, error=reason)

    def _match_status(self, status: codec.StatusMessage) -> Query | None:
        if not status.is_error:
            return None
        words = describe_status(status)
        is_refusal = status.device_name and status.code != codec.StatusCode.NOT_READY
        for query in self.waiting if is_refusal else ():
            if query.device_name == status.device_name:
                rts = codec.ReturnMessage(query.data_type)
                self._half_refused[rts.type_name, query.device_name] = self._last_number
                return self._finish(query, error=refusal(query, words))
        # It may be of a device, or a keep-alive (openigtlink/OpenIGTLink#216): the answer can still
        # come. If none does, these are the words that explain it.
        self._last_error = words
        return None

    def _match_return(self, message: codec.ReturnMessage, now: float) -> Query | None:
        last_before = self._half_refused.pop((message.type_name, message.device_name), None)
        if isinstance(message, codec.RTSCommandMessage):
            if message.status.upper() == "SUCCESS":
                return None
            query = self._refused_by_command(message.name)
            words = codec.brief(message.error or message.command)
            return query and self._finish(query, error=refusal(query, words))
        query = next((one for one in self.waiting if _is_refused_by(one, message)), None)
        if query is None or last_before is None:
            return query and self._finish(query, error=refusal(query, self._last_error))
        if query.number > last_before and query.candidate is None:
            # It is the rest of that refusal, or that of this query, then alone.
            query.candidate = refusal(query, "")
            query.candidate_until = now + GRACE_SECONDS
        return None

    def _refused_by_command(self, command: str) -> Query | None:
        """Return the query that RTS_COMMAND refuses: the oldest that it can belong to.

        So PlusServer answers a GET_IMAGE or GET_IMGMETA that failed; it names its own command.
        """
        data_type = _COMMANDS.get(command.lower())
        same_type = [query for query in self.waiting if query.data_type == data_type]
        return next(iter(same_type or self.waiting), None)

    def _finish(
        self,
        query: Query,
        answer: codec.Message | None = None,
        error: NetworkError | None = None,
    ) -> Query:
        self.waiting.remove(query)
        self._answered_numbers.append((query.data_type, query.message_id))
        _drop_candidate(query)
        self._other_names.on_finished(query)
        if answer is not None:
            self._last_error = ""
        if not query.is_abandoned:
            query.answer, query.error = answer, error
        return query


def _is_refused_by(query: Query, message: codec.ReturnMessage) -> bool:
    rts = codec.ReturnMessage(query.data_type)
    return (rts.type_name, query.device_name) == (message.type_name, message.device_name)


def _due(query: Query) -> float:
    """Return when a query runs out of time or its candidate is taken."""
    return query.deadline if query.candidate is None else query.candidate_until


def _drop_candidate(query: Query) -> None:
    query.candidate, query.candidate_until = None, float("inf")
