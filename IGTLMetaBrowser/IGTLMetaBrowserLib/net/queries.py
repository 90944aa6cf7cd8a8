"""Who asked what: finds for each message the query that it answers (sans-I/O).

OpenIGTLink gives answers no number. A message answers a query of its type; under the name that
was asked for, as the specification wants it, or under another, as real servers do. What answers
no query is unsolicited: a stream, a pushed trajectory, a keep-alive.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .. import codec
from .errors import AnswerError, NetworkError, RefusedError

# There is no STT_ for these: whoever pushes one means the same list that a query is answered with.
_NEVER_STREAMED = ("IMGMETA", "LBMETA", "TRAJ", "POINT", "COLORT")
# The library's name of it until 2013.
_OLD_NAMES = {"COLORTABLE": "COLORT"}
_IN_WORDS = {
    "IMGMETA": "the list of images",
    "LBMETA": "the list of label maps",
    "TRAJ": "the trajectories",
    "POINT": "the points",
    "COLORT": "the colour table",
    "IMAGE": "the image",
}

WRONG_SERVER_HINT = "is it an OpenIGTLink server?"


@dataclass(eq=False)
class Query:
    """One question. It is answered once: then ``answer`` or ``error`` is set."""

    data_type: str
    device_name: str = ""
    answer: codec.Message | None = None
    error: NetworkError | None = None
    is_abandoned: bool = False
    deadline: float = field(default=float("inf"), repr=False)
    attempts: int = field(default=0, repr=False)

    @property
    def is_done(self) -> bool:
        """Whether an answer or an error is there."""
        return self.answer is not None or self.error is not None

    @property
    def answer_size(self) -> int:
        """About how many bytes the answer has: those of an image's pixels, otherwise 0."""
        return self.answer.pixels.nbytes if isinstance(self.answer, codec.ImageMessage) else 0

    def __str__(self) -> str:
        what = _IN_WORDS.get(self.data_type, self.data_type)
        name = codec.printable(self.device_name)
        return f"{what} {name!r}" if name else what


class Queries:
    """The queries that wait for an answer, oldest first. Times are seconds of one clock."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.waiting: list[Query] = []
        self._stream_names: set[tuple[str, str]] = set()
        # Refusals that came as a STATUS, and of which the RTS_ may still follow: type and name.
        self._half_refused: set[tuple[str, str]] = set()
        self._last_words = ""

    def add(self, query: Query, now: float) -> None:
        """Begin to wait for the answer to ``query``."""
        query.deadline = now + self.timeout
        self.waiting.append(query)

    def bytes_arrived(self, now: float) -> None:
        """Note that the server is sending: nobody runs out of time while bytes arrive."""
        for query in self.waiting:
            query.deadline = now + self.timeout

    @property
    def next_deadline(self) -> float | None:
        """When the next query runs out of time, or None where none waits."""
        return min((query.deadline for query in self.waiting), default=None)

    def take_expired(self, now: float) -> list[Query]:
        """Remove and return the queries that have run out of time."""
        expired = [query for query in self.waiting if query.deadline <= now]
        for query in expired:
            self.waiting.remove(query)
        return expired

    def take_all(self) -> list[Query]:
        """Remove and return all queries, as when the connection is gone."""
        waiting, self.waiting = self.waiting, []
        self._half_refused.clear()
        return waiting

    @property
    def servers_last_words(self) -> str:
        """The last error, since its last answer, that the server reported for no query by name."""
        return self._last_words

    def match(self, event: codec.Message | codec.Rejected) -> Query | None:
        """Return the query that ``event`` answers, with its answer or error set, or None."""
        if isinstance(event, codec.Rejected):
            return self._match_rejected(event)
        if isinstance(event, codec.StatusMessage):
            return self._match_status(event)
        if isinstance(event, codec.ReturnMessage):
            return self._match_return(event)
        query = self._find(event.type_name, event.device_name)
        if query is None:
            if _OLD_NAMES.get(event.type_name, event.type_name) not in _NEVER_STREAMED:
                self._stream_names.add((event.type_name, event.device_name))
            return None
        self._last_words = ""
        return self._finish(query, answer=event)

    def expected(self, header: codec.Header) -> Query | None:
        """Return the query that a message with this header would answer."""
        return self._find(header.type_name, header.device_name)

    def _find(self, data_type: str, device_name: str) -> Query | None:
        data_type = _OLD_NAMES.get(data_type, data_type)
        same_type = [query for query in self.waiting if query.data_type == data_type]
        same_name = [query for query in same_type if query.device_name == device_name]
        if same_name:
            # Who asks again after a cancel gets the first of the two answers.
            return min(same_name, key=lambda query: query.is_abandoned)
        if (data_type, device_name) in self._stream_names:
            return None
        return same_type[0] if same_type else None

    def _match_rejected(self, event: codec.Rejected) -> Query | None:
        header, error = event.header, event.error
        if isinstance(error, codec.BodySizeError) and self.waiting:
            # Such a header cannot be trusted to name its type, and the connection ends with it.
            return self._finish(self.waiting[0], error=AnswerError(f"{error}; {WRONG_SERVER_HINT}"))
        if header.type_name == codec.RTSCommandMessage.wire_type:
            query = self._refused_by_command()
            return query and self._finish(
                query, error=_refusal(query, f"its reason cannot be read: {error}")
            )
        query = self._find(header.type_name, header.device_name)
        if query is None:
            return None
        if header.body_size == 0:
            refusal = f"the server has no data for {query}: its answer is empty"
            return self._finish(query, error=RefusedError(refusal))
        return self._finish(query, error=AnswerError(f"{query} cannot be read: {error}"))

    def _match_status(self, status: codec.StatusMessage) -> Query | None:
        if status.code in (codec.StatusCode.OK, codec.StatusCode.INVALID):
            return None
        words = _words(status)
        for query in self.waiting:
            if query.device_name == status.device_name:
                rts = codec.ReturnMessage(query.data_type)
                self._half_refused.add((rts.type_name, query.device_name))
                return self._finish(query, error=_refusal(query, words))
        self._last_words = words
        return None

    def _match_return(self, message: codec.ReturnMessage) -> Query | None:
        if (message.type_name, message.device_name) in self._half_refused:
            self._half_refused.remove((message.type_name, message.device_name))
            return None
        if isinstance(message, codec.RTSCommandMessage):
            query = self._refused_by_command()
            words = codec.printable(message.error or message.command)
            return query and self._finish(query, error=_refusal(query, words))
        for query in self.waiting:
            if (
                message.type_name == codec.ReturnMessage(query.data_type).type_name
                and message.device_name == query.device_name
            ):
                return self._finish(query, error=_refusal(query, self._last_words))
        return None

    def _refused_by_command(self) -> Query | None:
        """Return the query that RTS_COMMAND refuses: so PlusServer answers a failed GET_IMAGE."""
        return next((query for query in self.waiting if query.data_type == "IMAGE"), None)

    def _finish(
        self,
        query: Query,
        answer: codec.Message | None = None,
        error: NetworkError | None = None,
    ) -> Query:
        self.waiting.remove(query)
        if not query.is_abandoned:
            query.answer, query.error = answer, error
        return query


def _words(status: codec.StatusMessage) -> str:
    code = status.code
    name = code.name.replace("_", " ").lower() if isinstance(code, codec.StatusCode) else code
    words = codec.printable(status.message or status.error_name)
    return f"{words} (status {name})" if words else f"status {name}"


def _refusal(query: Query, words: str) -> RefusedError:
    return RefusedError(f"the server does not send {query}" + (f": {words}" if words else ""))
