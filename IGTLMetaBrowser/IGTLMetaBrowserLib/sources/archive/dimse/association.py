"""An association with an archive (PS3.8): opened, kept within limits, and ended, errors in words.

An archive may say nothing, or never stop. How long each answer is waited for, and how large it may
be, ``watch`` looks after; how many they may be, and how long they may go on, is said here.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ....system_errors import with_advice
from ..archive import CLOSED, ArchiveError, BrokenOffError
from ..certificates import why_no_dimse_by_tls
from .watch import SECONDS_TO_END, Watch, Watches

if TYPE_CHECKING:
    from pydicom import Dataset

# What is in the names of the classes of images, label maps and plans.
_OF_USE = (
    "Image", "US Volume", "Parametric Map", "Segment", "RT Structure", "RT Dose", "SR Storage",
)  # fmt: skip
# An association can have at most 128 presentation contexts (PS3.8 9.3.2.2).
_MOST_CONTEXTS = 127
# An answer to a C-FIND has some KB.
_LARGEST_ANSWER = 16 << 20
# What is waited for in silence, so many times: an archive on tapes needs a while.
_PATIENCE = 10
# A match; the second without all optional keys (PS3.4 C.4.1.1.4).
PENDING = (0xFF00, 0xFF01)
_SUCCESS = 0x0000
_CANCELLED = 0xFE00
_MESSAGE_ID = 1
# So many services are named in words.
_MOST_NAMED = 3
MOST_ANSWERS = 100_000
"""More than an archive has instances of a series; of studies, it is too much at once."""
# Answers that were on their way when an archive was asked to stop (C-CANCEL).
_MOST_AFTER_CANCEL = 100


class RefusalError(ArchiveError):
    """An archive has answered that it does not do what it was asked for."""


@dataclass(frozen=True)
class Peer:
    """Whom an association is with, by whom, and for how long each answer is waited for.

    ``name`` is what it is called in messages, ``tls`` an ``ssl.SSLContext`` or None; ``watches``
    are those of all connections with it.
    """

    name: str
    aet: str
    host: str
    port: int
    own_aet: str
    timeout: float
    tls: Any = None
    watches: Watches = field(default_factory=Watches, compare=False)

    def end(self) -> float:
        """Return until when something may go on that begins now, as ``time.monotonic``."""
        return time.monotonic() + _PATIENCE * self.timeout

    def endless(self, what: str) -> ArchiveError:
        """Return the error of what goes on for too long."""
        return ArchiveError(
            f"{self.name} has not come to the end of a {what} in {_PATIENCE * self.timeout:g} s; "
            "ask for less, or give it longer: --archive-timeout"
        )

    def too_many_answers(self) -> ArchiveError:
        """Return the error of a C-FIND that finds more than anybody can use."""
        return ArchiveError(
            f"{self.name} has sent more than {MOST_ANSWERS} answers to one C-FIND; search for a "
            "patient or a date, or ask who runs the archive"
        )


class Association:
    """One that is established. ``of_pynetdicom`` is it itself."""

    def __init__(self, peer: Peer, of_pynetdicom: Any, watch: Watch) -> None:
        self.peer = peer
        self.of_pynetdicom = of_pynetdicom
        self.is_ended = False
        self.is_cut = False  # of the last C-FIND: there are more than it has found
        self.hear = watch.hear
        self._watch = watch

    def abort(self) -> None:
        """End it without another word: its peer has not stopped to send."""
        self.is_ended = True
        # Its own thread may wait for an end of the connection: nobody else has to.
        self.of_pynetdicom.abort(block=False)

    def answers(
        self,
        identifier: Dataset,
        end: float,
        most: int | None = None,
        is_wanted: Callable[[Dataset], bool] = lambda _: True,
    ) -> Iterator[Dataset]:
        """Yield what a C-FIND finds; ask the archive to stop (C-CANCEL) after so many.

        Archives may pass over what they do not search by: what is not wanted does not count. Raises
        ``ArchiveError``, also if it has not stopped at the time ``end``.
        """
        told, is_done, sent, self.is_cut = 0, False, time.monotonic(), False
        count, last = 0, MOST_ANSWERS
        try:
            for status, record in self.of_pynetdicom.send_c_find(
                identifier, find_model(), msg_id=_MESSAGE_ID
            ):
                is_done = not status or status.Status not in PENDING
                if not status:
                    raise self.no_answer("C-FIND")
                if is_done:
                    if status.Status == _CANCELLED:  # by Orthanc's own limit, perhaps
                        self.is_cut = True
                    else:
                        self.check(status, "refuses a C-FIND")
                    return
                told, sent = told + 1, time.monotonic()
                if sent > end:
                    raise self.peer.endless("C-FIND")
                if told > MOST_ANSWERS and most is None:
                    raise self.peer.too_many_answers()
                if self.is_cut:
                    if told > last:
                        return
                    continue
                if is_wanted(one := self._read(record)):
                    count += 1
                    if most is None or count <= most:
                        yield one
                if most is not None and (count > most or told >= MOST_ANSWERS):
                    self.is_cut, last = True, told + _MOST_AFTER_CANCEL
                    self.of_pynetdicom.send_c_cancel(_MESSAGE_ID, query_model=find_model())
        finally:
            if not is_done:
                self.abort()

    def _read(self, record: Dataset | None) -> Dataset:
        if record is None:  # as a series that is not listed is not missed
            raise ArchiveError(
                f"{self.peer.name} has sent an answer to a C-FIND that cannot be decoded; ask who "
                "runs the archive"
            )
        return record

    def no_answer(self, what: str) -> ArchiveError:
        """Return the error of an answer that was waited for, and has not come."""
        self.is_ended = True
        if self._watch.is_exceeded:
            return ArchiveError(
                f"{self.peer.name} has sent a message of more than {self._watch.largest >> 20} MiB "
                f"in a {what}; ask who runs the archive"
            )
        if self._watch.why == CLOSED:
            return ArchiveError(f"{self.peer.name} was not waited for: {CLOSED}")
        if self._watch.why:
            return ArchiveError(
                f"{self.peer.name} has not answered a {what}: it {self._watch.why}; try again "
                "later, or give it longer: --archive-timeout"
            )
        return BrokenOffError(
            f"{self.peer.name} has broken off a {what}, or sent what is no answer to it; try again "
            f"later, or ask who runs it whether it lets {self.peer.own_aet} do that; see --aet"
        )

    def check(self, status: Dataset, what: str) -> None:
        """Raise ``RefusalError`` unless a status is that of a success."""
        if status.Status != _SUCCESS:
            words = str(status.get("ErrorComment", ""))
            raise RefusalError(
                f"{self.peer.name} {what}: status {status.Status:04X}H {words}".rstrip()
            )


class _Refusal:
    """Notes that there is a connection, and the reason of an A-ASSOCIATE-RJ as it comes.

    pynetdicom cannot be asked for it: when its reactor has read the refusal and closed the
    connection before the thread that waits for that connection goes on, it takes it for one that
    was never there.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self.is_connected = False

    def handlers(self) -> list[Any]:
        """Return handlers of pynetdicom's events."""
        from pynetdicom import evt

        return [(evt.EVT_PDU_RECV, self._on_pdu), (evt.EVT_CONN_OPEN, self._on_connection)]

    def _on_connection(self, event: Any) -> None:
        """Note that there is a connection, whatever becomes of the association.

        A message is two pieces, each of which is sent at once: else the second waits for 40 ms.
        """
        self.is_connected = True
        with suppress(AttributeError, OSError):
            event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _on_pdu(self, event: Any) -> None:
        """Note a refusal among the PDUs."""
        from pynetdicom.pdu import A_ASSOCIATE_RJ

        if isinstance(event.pdu, A_ASSOCIATE_RJ):
            self.reason = "without a reason"
            with suppress(ValueError):  # a code that the standard does not have
                self.reason = event.pdu.reason_str


@contextmanager
def associated(
    peer: Peer,
    services: Sequence[Any],
    storage: Sequence[Any] = (),
    roles: Sequence[Any] = (),
    handlers: Sequence[Any] = (),
    largest: int | None = None,
) -> Iterator[Association]:
    """An association for these services; messages have at most ``largest`` bytes.

    Raises ``ArchiveError`` if there is none, or if it is broken off.
    """
    watch = Watch(peer.timeout, largest or _LARGEST_ANSWER)
    established = _establish(peer, services, storage, roles, handlers, watch)
    association = Association(peer, established, watch)
    try:
        yield association
    except RuntimeError as error:  # pynetdicom's: the association is not established any more
        raise BrokenOffError(
            f"{peer.name} has broken off the association; try again later, or ask who runs it "
            f"whether it lets {peer.own_aet} do that; see --aet"
        ) from error
    finally:
        if established.is_established and not association.is_ended:
            established.acse_timeout = SECONDS_TO_END
            with suppress(AttributeError):  # pynetdicom, of data that come instead of an answer
                established.release()


def _establish(
    peer: Peer,
    services: Sequence[Any],
    storage: Sequence[Any],
    roles: Sequence[Any],
    handlers: Sequence[Any],
    watch: Watch,
) -> Any:
    """Return pynetdicom's association, with one of the services. Raises ``ArchiveError``."""
    if peer.watches.is_closed:
        raise ArchiveError(f"{peer.name} was not asked: {CLOSED}")
    since, refusal = time.monotonic(), _Refusal()
    try:
        with peer.watches.connecting(watch):
            entity = _entity(peer, services, storage)
            watched = [*handlers, *peer.watches.handlers(lambda: watch), *refusal.handlers()]
            for host, seconds in _addresses(peer):
                entity.connection_timeout = seconds
                association = entity.associate(
                    host,
                    peer.port,
                    ae_title=peer.aet,
                    ext_neg=list(roles),
                    evt_handlers=watched,
                    tls_args=(peer.tls, peer.host) if peer.tls is not None else None,
                )
                _leave_answers(association)
                if refusal.is_connected or peer.watches.is_closed:
                    break
    except (OSError, UnicodeError) as error:  # the name of the host is not known, or is none
        reason = with_advice(error, "check host and port")
        raise ArchiveError(f"{peer.name} cannot be reached: {reason}") from error
    if {one.abstract_syntax for one in association.accepted_contexts}.intersection(services):
        return association
    if association.is_established:
        association.abort(block=False)
    raise _why_not_associated(peer, services, refusal, time.monotonic() - since)


def _addresses(peer: Peer) -> list[tuple[str, float]]:
    """Return the addresses of a host, of which pynetdicom takes the first alone, and the seconds
    for each. Raises ``OSError`` or ``UnicodeError``."""
    found = socket.getaddrinfo(peer.host, peer.port, type=socket.SOCK_STREAM)
    hosts = dict.fromkeys(str(address[0]) for *_, address in found)
    return [(host, peer.timeout / len(hosts)) for host in hosts]


def _entity(peer: Peer, services: Sequence[Any], storage: Sequence[Any]) -> Any:
    """Return pynetdicom's application entity that asks for these services, and to store."""
    from pynetdicom import AE

    entity = AE(peer.own_aet)
    entity.acse_timeout = peer.timeout
    # The watch looks after these; pynetdicom's are over when somebody sets the computer's clock.
    entity.network_timeout = entity.dimse_timeout = None
    for uid in services:
        entity.add_requested_context(uid)
    for context in storage:
        entity.add_requested_context(context.abstract_syntax, context.transfer_syntax)
    return entity


def _leave_answers(association: Any) -> None:
    """Have pynetdicom's reactor leave the answer to a request to who waits for it.

    A request pauses it. Where it has found just before that it is not paused, and is let run again
    when the answer is there, it took that: of eight associations at a time, one of 400 answers.
    """
    if not hasattr(association, "_reactor_checkpoint"):
        return  # pynetdicom has changed how it does that, and would fail in its thread
    dimse, lock = association.dimse, threading.Lock()
    take, send = dimse.get_msg, dimse.send_msg

    def take_unless_paused(block: bool = False) -> Any:
        if block:  # who waits
            return take(block)
        with lock:
            return take() if association._reactor_checkpoint.is_set() else (None, None)

    def send_when_paused(*message: Any) -> None:
        with lock:  # if it was not paused when it looked, it has looked for messages by now
            pass
        send(*message)

    dimse.get_msg, dimse.send_msg = take_unless_paused, send_when_paused


def _why_not_associated(
    peer: Peer, services: Sequence[Any], refusal: _Refusal, seconds: float
) -> ArchiveError:
    if peer.watches.is_closed:
        return ArchiveError(f"{peer.name} was not waited for: {CLOSED}")
    if refusal.reason is not None:
        return ArchiveError(
            f"{peer.name} refuses the association: {refusal.reason}. Check both AE titles: it is "
            f"called {peer.aet}, and calls this one {peer.own_aet}"
        )
    if refusal.is_connected and seconds < peer.timeout and answers_echo(peer, services):
        names = ", ".join(service.name for service in services[:_MOST_NAMED])
        return RefusalError(
            f"{peer.name} answers (C-ECHO), but does not do what it is asked for ({names}); ask "
            f"who runs it whether it lets {peer.own_aet} do that; see --aet"
        )
    # Who has not answered at all is not worth a second attempt.
    kind = BrokenOffError if seconds < peer.timeout else ArchiveError
    if peer.tls is None:
        return kind(
            f"{peer.name} cannot be reached, or does not speak DICOM without TLS; check host and "
            "port, or see --archive-ca"
        )
    address = peer.host, peer.port
    if seconds < peer.timeout and (
        words := why_no_dimse_by_tls(peer.name, address, peer.tls, SECONDS_TO_END)
    ):
        return ArchiveError(words)
    return kind(
        f"{peer.name} cannot be reached, or does not speak DICOM with TLS; check host and port, or "
        "call it without --archive-ca"
    )


def answers_echo(peer: Peer, refused: Sequence[Any] = ()) -> bool:
    """Whether an archive is there, and speaks DICOM (C-ECHO, PS3.7 9.1.5).

    Not if that is among the services that it has ``refused``.
    """
    from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

    if Verification in refused:
        return False
    try:
        with associated(peer, [Verification]) as association:
            status = association.of_pynetdicom.send_c_echo()
            return bool(status) and status.Status == _SUCCESS
    except ArchiveError:
        return False


def find_model() -> Any:
    """Return the service that lists are asked by."""
    from pynetdicom.sop_class import (  # type: ignore[attr-defined]
        StudyRootQueryRetrieveInformationModelFind,
    )

    return StudyRootQueryRetrieveInformationModelFind


def storage_classes() -> list[Any]:
    """Return what files can be: all that pynetdicom knows, first those that are of use here."""
    from pynetdicom import AllStoragePresentationContexts

    classes = [context.abstract_syntax for context in AllStoragePresentationContexts]
    # pydicom has no name yet of the latest ones, which may be of use: 3.0 has none of label maps.
    return sorted(
        classes, key=lambda uid: uid.name != uid and not any(word in uid.name for word in _OF_USE)
    )


def requested_classes() -> list[Any]:
    """Return as many of these as an association can ask for; who is asked may accept all."""
    return storage_classes()[:_MOST_CONTEXTS]


def storage_contexts(classes: Sequence[Any]) -> list[Any]:
    """Return presentation contexts for files of these classes; for all, if these are not known.

    The archive chooses one transfer syntax for each context. So that it can send files as they are,
    each class has a context for each, as long as there is room.
    """
    from pynetdicom import build_context

    syntaxes = transfer_syntaxes()
    if classes and len(classes) * len(syntaxes) <= _MOST_CONTEXTS:
        return [build_context(uid, syntax) for uid in classes for syntax in syntaxes]
    return [build_context(uid, syntaxes) for uid in classes or requested_classes()]


def transfer_syntaxes() -> list[Any]:
    """Return those that can be decoded here; the archive chooses one for each class."""
    from pydicom.uid import AllTransferSyntaxes

    from ...dicom.pixels.decoding import why_not_decodable

    return [uid for uid in AllTransferSyntaxes if not why_not_decodable(uid)]
