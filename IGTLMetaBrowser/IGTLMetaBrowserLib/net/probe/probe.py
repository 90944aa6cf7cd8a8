"""What an endpoint supports and how it differs from others, found out by asking it.

Nothing that could confuse old servers is sent before they have shown that they can read it: header
version 1 and no body first. Texts of images and patients are counted, and not kept.

Many servers answer some queries with silence. As soon as it is known how fast a server answers,
others are asked after a multiple of that, and what comes late is known by its type; at the end all
that is missing is waited for at once. So each query still has its whole time.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ... import codec
from ..address import format_address
from ..settings import ConnectionSettings
from ..tls.certificates import in_words
from .connection import WRONG, ProbeConnection, Received

# Tracking streams at 60 Hz (navigation systems through Plus): all its types are seen in a second.
LISTEN_SECONDS = 1.0
# Most servers answer within milliseconds: then there is nothing to be said of waiting.
_SECONDS_WITHOUT_WORDS = 1.0
# So many times as long as its slowest answer took, and at least so long, a query is alone.
_ALONE_FACTOR, _ALONE_SECONDS = 20, 0.3
# A server can invent some 100,000 in that time.
_MOST_TYPES = 20
_NAME = "igtlmeta probe"
_NO_ID = "no such image"
# Parts of images, and thumbnails.
_EXTENSIONS = ("IMGPART", "IMGTHUMB")
_NAMED = codec.GetMessage("IMGMETA", device_name=_NAME)
_LISTS = tuple(map(codec.GetMessage, ("TRAJ", "LBMETA", "POINT", "STATUS", "CAPABILITY")))
_OF_NO_IMAGE = codec.GetMessage("IMAGE", device_name=_NO_ID)
_NOTHING_ANSWERED = "it has answered nothing: it may be no OpenIGTLink server, or need longer"


@dataclass
class Answer:
    """How one query was answered.

    ``outcome`` is "answered", "refused", "silence", "closed" or "unreadable"; ``how`` names the
    message that came, ``words`` are those of a refusal.
    """

    query: str
    outcome: str
    how: str = ""
    words: str = ""
    milliseconds: float | None = None
    header_version: int | None = None
    checksum: str = ""
    is_under_the_name_asked: bool | None = None
    item_count: int | None = None
    metadata_count: int | None = None


@dataclass
class Report:
    """All that was found out; ``quirks`` are in words. Nothing in it names a patient.

    ``extensions`` are the types of ``docs/PROTOCOL.md`` that the server sends.
    """

    address: str
    connect_milliseconds: float
    tls: dict[str, Any] | None = None
    unasked: dict[str, int] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    images: dict[str, Any] = field(default_factory=dict)
    fetched: dict[str, Any] = field(default_factory=dict)
    extensions: list[str] = field(default_factory=list)
    quirks: list[str] = field(default_factory=list)


class Probe:
    """Asks the server at ``host`` and ``port``; ``answer_timeout`` of the settings is for each
    query. ``say`` is called with what is waited for. Raises ``ConnectionFailedError`` if there is
    no connection, and ``AnswerError`` if it is known that it is another kind of server.
    """

    def __init__(
        self,
        host: str,
        port: int,
        settings: ConnectionSettings,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._place = (host, port, settings)
        self._settings = settings
        self._say = say
        self._connection = ProbeConnection(*self._place)
        self._last: Received | None = None
        self._late: list[_LateQuery] = []
        # Whether an error has come that names no query, while several were waited for.
        self._is_in_doubt = False
        milliseconds = round(self._connection.connect_seconds * 1e3, 1)
        self.report = Report(format_address(host, port), milliseconds, self._connection.tls())

    def run(self) -> Report:
        """Ask everything, and return what was found out."""
        self._listen()
        listing = self._ask_for_list()
        if self._answers_nothing():
            return self.report
        named = self._ask(_NAMED)
        for query in (*_LISTS, _OF_NO_IMAGE):
            self._ask(query)
            self._report_extensions(self._last)
        self._wait_for_late()
        if named.outcome != "answered" and self.report.answers[0].outcome == "answered":
            self._quirk("the list is sent only to clients that request it without a name")
        if listing:
            self._fetch(listing)
            self._ask_in_version_2()
        self._report_checksums()
        if unread := [one.query for one in self.report.answers if one.outcome == "unreadable"]:
            self._quirk(f"what answers {', '.join(dict.fromkeys(unread))} cannot be read")
        if not any(answer.outcome in ("answered", "refused") for answer in self.report.answers):
            self._quirk(_NOTHING_ANSWERED)
        self._connection.close()
        return self.report

    def _answers_nothing(self) -> bool:
        """Whether a server that has said nothing yet is silent when all else is asked at once, too.

        Then each query need not be waited for alone. If anything comes, it is not known to what:
        they are asked one by one, on another connection.
        """
        if self.report.unasked or self.report.answers[0].outcome != "silence":
            return False
        rest = (_NAMED, *_LISTS, _OF_NO_IMAGE)
        try:
            for query in rest:
                self._connection.send(query)
            until = time.monotonic() + self._settings.answer_timeout
            received = self._receive(until, f"{len(rest)} other queries")
        except (EOFError, OSError, codec.DecodeError) as error:
            received = error
        self._connection.close()
        if received is not None:
            self._connection = ProbeConnection(*self._place)
            return False
        silence = f"none in {self._settings.answer_timeout:g} s"
        self.report.answers += [Answer(_asked(query), "silence", words=silence) for query in rest]
        self._quirk(_NOTHING_ANSWERED)
        return True

    def _listen(self) -> None:
        """Count what comes unasked."""
        until, counts = time.monotonic() + LISTEN_SECONDS, Counter[str]()
        try:
            while (received := self._connection.receive(until)) is not None:
                counts[received.header.type_name] += 1
        except (EOFError, OSError, codec.DecodeError) as error:
            self._quirk(f"it closes idle connections: {in_words(error)}")
            self._connect_again()
        self.report.unasked = dict(counts.most_common(_MOST_TYPES))
        if counts:
            total = sum(counts.values())
            what = ", ".join(sorted(self.report.unasked))
            self._quirk(
                f"it sends without being asked: {what}, {total} messages in {LISTEN_SECONDS:g} s"
            )

    def _ask_for_list(self) -> list[codec.ImageMetaItem]:
        answer = self._ask(codec.GetMessage("IMGMETA"))
        message = self._last.message if self._last is not None else None
        if answer.outcome != "answered" or not isinstance(message, codec.ImageMetaMessage):
            return []
        items = list(message.items)
        ids = [item.id for item in items]
        self.report.images = {
            "count": len(items),
            "modalities": dict(Counter(item.modality for item in items)),
            "largest": max((list(item.size) for item in items), default=None, key=_voxels),
        }
        if len({*ids}) < len(ids):
            doubled = len(ids) - len({*ids})
            self._quirk(f"{doubled} IDs occur more than once: these images cannot be told apart")
        if any(len(image_id.encode("utf-8", "surrogateescape")) == 20 for image_id in ids):
            self._quirk("some IDs fill all 20 characters: they may have been cut")
        if any(image_id != image_id.strip() for image_id in ids):
            self._quirk("some IDs have spaces around them")
        texts = [text for item in items for text in (item.name, item.patient_name)]
        if any("\udc80" <= letter <= "\udcff" for text in texts for letter in text):
            self._quirk("some texts are not UTF-8")
        return items

    def _report_extensions(self, received: Received | None) -> None:
        """Note what the server says that it has beyond the protocol (``docs/PROTOCOL.md``)."""
        message = None if received is None else received.message
        if isinstance(message, codec.CapabilityMessage):
            self.report.extensions = [
                name
                for name in _EXTENSIONS
                if {name, codec.GetMessage(name).type_name} <= {*message.types}
            ]

    def _fetch(self, items: list[codec.ImageMetaItem]) -> None:
        """Fetch the largest image that is allowed, for the rate, and compare it with the list."""
        limit = self._settings.max_body_size
        small_enough = [item for item in items if 0 < _size(item) <= limit]
        if not small_enough:
            self._quirk("no image is small enough to be fetched; allow more with --max-size")
            return
        item = max(small_enough, key=_size)
        answer = self._ask(codec.GetMessage("IMAGE", device_name=item.id))
        answer.query = "GET_IMAGE of the largest image allowed"
        for text in (item.id, item.name, item.patient_name, item.patient_id):
            answer.words = answer.words.replace(text, "…") if text else answer.words
        received = self._last
        if received is None or not isinstance(received.message, codec.ImageMessage):
            return
        image, seconds = received.message, max(received.ended - received.began, 1e-6)
        self.report.fetched = {
            "bytes": received.header.body_size,
            "megabytes_per_second": round(received.header.body_size / seconds / 1e6, 1),
            "coordinates": image.coordinates.name,
            "byte_order": "big-endian" if image.big_endian else "little-endian",
            "metadata_count": len(image.metadata),
        }
        if tuple(image.whole_size) != tuple(item.size):
            self._quirk(f"an image listed as {item.size} came as {image.whole_size}")
        if codec.ScalarType.of(image.pixels.dtype) != item.scalar_type:
            self._quirk(f"an image listed as {item.scalar_type!r} came as {image.pixels.dtype}")
        try:
            image.usable_ijk_to_ras()
        except codec.GeometryError as error:
            self._quirk(str(error))

    def _ask_in_version_2(self) -> None:
        """Ask in version 2, now that the server has shown that it lives; on a new connection."""
        self._connect_again()
        query = codec.GetMessage(
            "IMGMETA", header_version=2, message_id=1, metadata={"Client": _NAME}
        )
        answer = self._ask(query)
        answer.query = "GET_IMGMETA in header version 2"
        if answer.outcome == "answered" and answer.header_version == 1:
            self._quirk("it answers queries in header version 2 with version 1, without metadata")
        elif answer.outcome != "answered":
            self._quirk("it does not read header version 2, and cannot send metadata")
            self._connect_again()

    def _ask(self, query: codec.QueryMessage) -> Answer:
        """Ask, note how it was answered, and connect again if that ended the connection.

        Unless an image is asked for that is listed, the answer may also come later.
        """
        answer = Answer(_asked(query), "silence")
        self.report.answers.append(answer)
        self._ask_alone(query, answer, self._seconds_alone(query))
        return answer

    def _ask_alone(self, query: codec.QueryMessage, answer: Answer, alone: float) -> None:
        """Ask, and wait ``alone`` seconds for the answer before anything else is asked."""
        self._last = None
        begin = time.monotonic()
        try:
            self._connection.send(query)
            self._last = received = self._wait_for_answer(query, begin + alone)
        except (EOFError, OSError) as error:
            answer.outcome, answer.words = "closed", in_words(error)
            self._quirk(f"{answer.query} ends the connection")
            self._connect_again()
            return
        except codec.DecodeError as error:
            answer.outcome, answer.words = "unreadable", str(error)
            self._connect_again()
            return
        if received is not None:
            _describe(answer, received, query, begin)
            return
        if alone < self._settings.answer_timeout or self._late:
            self._late.append(_LateQuery(query, answer, begin, alone))
        answer.words = f"none in {alone:g} s"

    def _seconds_alone(self, query: codec.QueryMessage) -> float:
        """Return for how long nothing else is asked, as its answer is to come."""
        most = self._settings.answer_timeout
        times = (answer.milliseconds for answer in self.report.answers)
        came = [milliseconds for milliseconds in times if milliseconds is not None]
        is_light = query in (_NAMED, *_LISTS, _OF_NO_IMAGE)
        if not came or not is_light:
            return most
        return min(most, round(max(_ALONE_SECONDS, _ALONE_FACTOR * max(came) / 1e3), 1))

    def _wait_for_late(self) -> None:
        """Wait for all that was not answered in time, until the last one has had its whole time.

        Where it is not known to which of them an error belongs, they are asked again, one by one.
        """
        if not self._late:
            return
        most = self._settings.answer_timeout
        until = max(late.begin for late in self._late) + most
        asked = ", ".join(late.query.type_name for late in self._late)
        try:
            while self._late and (received := self._receive(until, asked)) is not None:
                self._is_in_doubt |= not self._take_late(received) and _is_error(received)
        except (EOFError, OSError, codec.DecodeError):
            self._connect_again()
            return
        silent, self._late = self._late, []
        for late in silent:
            late.answer.words = f"none in {most:g} s; others were asked after {late.alone:g} s"
        for late in silent if self._is_in_doubt else ():
            self._ask_alone(late.query, late.answer, most)
            self._report_extensions(self._last)

    def _take_late(self, received: Received) -> bool:
        """Note an answer, or a refusal that names its type, to a query before; return if so."""
        name = received.header.type_name
        for late in self._late:
            query = late.query
            refusal = codec.ReturnMessage(query.data_type).type_name
            if name in (query.data_type, query.full_data_type, refusal):
                self._late.remove(late)
                late.answer.words = ""
                _describe(late.answer, received, query, late.begin)
                self._report_extensions(received)
                return True
        return False

    def _wait_for_answer(self, query: codec.QueryMessage, until: float) -> Received | None:
        """Return the answer, or the error or RTS that came instead.

        An error that does not say what it is of may be that of a query before, which is late.
        """
        instead = None
        wanted = {query.full_data_type, query.data_type}
        own_refusal = codec.ReturnMessage(query.data_type).type_name
        while (received := self._receive(until, query.type_name)) is not None:
            name = received.header.type_name
            if name in wanted:
                self._is_in_doubt |= instead is not None and bool(self._late)
                return received
            if self._take_late(received) or not _is_error(received):
                continue
            instead = instead or received
            # What the protocol has at the end.
            if name == own_refusal or (name.startswith("RTS_") and not self._late):
                return instead
        if instead is not None and self._late:
            self._is_in_doubt = True
            return None
        return instead

    def _receive(self, until: float, asked: str) -> Received | None:
        """Return the next message, or None at ``until``; say what is waited for if it takes long.

        Raises what ``ProbeConnection.receive`` raises.
        """
        begin = time.monotonic()
        received = self._connection.receive(min(until, begin + _SECONDS_WITHOUT_WORDS))
        if received is not None or time.monotonic() >= until:
            return received
        seconds = self._settings.answer_timeout
        self._say(f"no answer yet to {asked}; waits {seconds:g} s at most (--timeout)")
        return self._connection.receive(until)

    def _report_checksums(self) -> None:
        found = Counter(answer.checksum for answer in self.report.answers if answer.checksum)
        for checksum in ("missing", WRONG):
            if found[checksum]:
                self._quirk(f"{found[checksum]} answers have a {checksum} checksum")

    def _connect_again(self) -> None:
        self._late.clear()  # nothing of it comes any more
        self._connection.close()
        self._connection = ProbeConnection(*self._place)

    def _quirk(self, text: str) -> None:
        if text not in self.report.quirks:
            self.report.quirks.append(text)


@dataclass
class _LateQuery:
    """A query that was not answered in time, and may still be."""

    query: codec.QueryMessage
    answer: Answer
    begin: float
    alone: float


def _asked(query: codec.QueryMessage) -> str:
    """Return what the report calls a query: two ask for the list."""
    return query.type_name + (" with a name" if query is _NAMED else "")


def _describe(answer: Answer, received: Received, query: codec.QueryMessage, begin: float) -> None:
    header, message = received.header, received.message
    is_asked_for = header.type_name in (query.data_type, query.full_data_type)
    answer.milliseconds = round((received.began - begin) * 1e3, 1)
    answer.outcome = "answered" if is_asked_for else "refused"
    answer.how = header.type_name
    answer.header_version = header.version
    answer.checksum = received.checksum
    answer.is_under_the_name_asked = header.device_name == query.device_name
    if message is None:
        answer.outcome, answer.words = "unreadable", received.error
        return
    answer.metadata_count = len(message.metadata)
    items = getattr(message, "items", None)
    answer.item_count = None if items is None else len(items)
    if isinstance(message, codec.StatusMessage) and not is_asked_for:
        answer.words = codec.brief(message.message or message.error_name)


def _is_error(received: Received) -> bool:
    """Whether a message says that a query is not answered: no keep-alive, and no stream."""
    if received.header.type_name.startswith("RTS_"):
        return True
    message = received.message
    is_well = isinstance(message, codec.StatusMessage) and not message.is_error
    return received.header.type_name == "STATUS" and not is_well


def _voxels(size: list[int]) -> int:
    return size[0] * size[1] * size[2]


def _size(item: codec.ImageMetaItem) -> int:
    """Return how many bytes an image has as it is listed; 1 a voxel if its type is not known."""
    is_known = isinstance(item.scalar_type, codec.ScalarType)
    return _voxels(list(item.size)) * (item.scalar_type.dtype.itemsize if is_known else 1)
