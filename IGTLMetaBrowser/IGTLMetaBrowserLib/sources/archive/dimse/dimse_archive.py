"""An archive by DIMSE (PS3.7): C-FIND for lists, C-GET or C-MOVE for files, C-STORE to store.

All of it is pynetdicom's. Each call has an association of its own.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ....dicom_index.fields import without_padding
from ....net.source import SourceError
from ....optional_packages import is_usable, pip_command
from ....system_errors import with_advice
from ..archive import (
    INSTANCE_KEYWORDS,
    KEYWORDS,
    LARGEST_FILE,
    NAMES,
    SERIES_KEYWORDS,
    STUDY_LEVEL,
    ArchiveError,
    BrokenOffError,
    FindRoom,
    Query,
    QueryResult,
    Series,
)
from ..certificates import tls_context
from ..lists.patterns import matches
from ..lists.study_counts import COUNT, is_any_missing
from .association import (
    Association,
    Peer,
    RefusalError,
    associated,
    find_model,
    requested_classes,
    storage_classes,
    storage_contexts,
    transfer_syntaxes,
)
from .files import ReceivedFiles
from .port import Port
from .watch import Watch

if TYPE_CHECKING:
    from pydicom import Dataset

_logger = logging.getLogger(__name__)

_LONGEST_AE_TITLE = 16
_ADDRESS = re.compile(
    r"(?P<aet>[^@]+)@(?:\[(?P<ipv6>[^][@]+)\]|(?P<host>[^][@:]+)):(?P<port>\d{1,5})"
)
_LAST_PORT = 65535
# Of data elements that were changed, or do not fit the class: it has stored the file (PS3.4 B.2.3).
_STORED_WITH_WARNING = (0xB000, 0xB006, 0xB007)
# Who sends to our port at once: the archive, and who was not asked.
_MOST_SENDERS = 50


def check_ae_title(text: str) -> None:
    """Raise ``ArchiveError`` if this is no AE title (PS3.5, 6.2, AE)."""
    is_short = bool(text.strip()) and len(text) <= _LONGEST_AE_TITLE
    if not is_short or not text.isascii() or not text.isprintable() or "\\" in text:
        words = f"is no AE title: 1 to {_LONGEST_AE_TITLE} characters of ASCII, without backslashes"
        raise ArchiveError(f"{text!r} {words}")


@dataclass(frozen=True)
class DimseSettings:
    """What an archive knows us by, and how it is asked for files.

    With ``move_port`` they come by C-MOVE to that port of this computer, which the archive must
    know under ``aet``; else by C-GET. ``authority`` has TLS used, with ``certificate`` as our own.
    """

    aet: str = "IGTLMETA"
    move_port: int | None = None
    authority: str = ""
    certificate: str = ""
    timeout: float = 30.0


class DimseArchive:
    """The archive at ``AET@HOST:PORT``. Raises ``SourceError`` without pynetdicom."""

    is_instance_soon = False  # it takes an association of its own

    def __init__(self, address: str, settings: DimseSettings | None = None) -> None:
        if not is_usable("pynetdicom"):
            raise SourceError(
                "An archive needs pynetdicom, which this Python does not have, or too old. "
                f"Install it: {pip_command('pynetdicom')}"
            )
        found = _ADDRESS.fullmatch(address)
        if found is None:
            raise ArchiveError(
                f"{address!r} is no AET@HOST:PORT, such as PACS@10.1.2.3:104 or PACS@[fd00::3]:104"
            )
        if not 0 < int(found["port"]) <= _LAST_PORT:
            raise ArchiveError(f"{address!r} names no port from 1 to {_LAST_PORT}")
        self.name = address
        settings = settings or DimseSettings()
        for title in (found["aet"], settings.aet):
            check_ae_title(title)
        self._peer = Peer(
            address,
            found["aet"],
            found["ipv6"] or found["host"],
            int(found["port"]),
            settings.aet,
            settings.timeout,
            tls_context(settings.authority, settings.certificate) if settings.authority else None,
        )
        self._move_port = settings.move_port
        # The archive knows one port, where one series can be waited for at a time.
        self._moving = threading.Lock()

    @property
    def is_connecting(self) -> bool:
        """Whether a connection is being made, or its name looked up."""
        return self._peer.watches.is_connecting

    def close(self) -> None:
        """End all that is asked, from another thread: it raises ``ArchiveError``."""
        self._peer.watches.close()

    def find(self, query: Query, most: int) -> QueryResult:
        """Return the series that match, at most so many. Raises ``ArchiveError``.

        First the studies, then the series of each: few archives find series of unnamed studies
        (PS3.4 C.4.1.3.1.1, without relational queries).
        """
        try:
            return self._find(query, most)
        except BrokenOffError:  # as by DICOMweb: it has just been started again, perhaps
            return self._find(query, most)

    def _find(self, query: Query, most: int) -> QueryResult:
        end = self._peer.end()
        of_study = {key: text for key, text in query.items() if key in STUDY_LEVEL}
        of_series = {key: text for key, text in query.items() if key not in STUDY_LEVEL}
        if "SeriesInstanceUID" in of_series and (named := self._find_named(query, end)):
            return named
        identifier = _identifier("STUDY", (*STUDY_LEVEL, COUNT), of_study)
        if "Modality" in of_series:
            identifier.ModalitiesInStudy = of_series["Modality"]
        # Each has a series at least, so that more studies are of no use; unless it may have none
        # that is searched for.
        limit = None if of_series.keys() - {"Modality"} else most
        is_wanted = lambda one: matches(Series(_values_of(STUDY_LEVEL, one)), of_study)  # noqa: E731
        with associated(self._peer, [find_model()]) as association:
            studies = list(association.answers(identifier, end, limit, is_wanted))
            found = QueryResult(is_cut=association.is_cut)
        if not studies:
            return found
        # Another association: one that has found too many may not have stopped.
        with associated(self._peer, [find_model()]) as association:
            for study in studies:
                before = len(found)
                for series in self._series_in(association, study, of_series, end):
                    if matches(series, query):
                        found.append(series)
                    if len(found) >= most:
                        return found
                said = Series(_values_of((*STUDY_LEVEL, COUNT), study))
                found.is_cut |= association.is_cut
                found.is_cut |= is_any_missing([said], found[before:], query)
        return found

    def _find_named(self, query: Query, end: float) -> QueryResult:
        """Return the series with this UID, of an archive that finds it in whatever study it is.

        Nothing of others, which need the study: some refuse, some find nothing.
        """
        identifier = _identifier("SERIES", (*STUDY_LEVEL, *SERIES_KEYWORDS), query)
        try:
            with associated(self._peer, [find_model()]) as association:
                records = list(association.answers(identifier, end, 2))
        except ArchiveError:
            return QueryResult()
        found = QueryResult(Series(_values_of(KEYWORDS, record)) for record in records)
        is_told = all(
            one.uid == query["SeriesInstanceUID"] and one["StudyInstanceUID"] and one["PatientID"]
            for one in found
        )
        return found if is_told else QueryResult()

    def _series_in(
        self, association: Association, study: Dataset, query: Query, end: float
    ) -> Iterator[Series]:
        """Yield the series of a study; of an answer without UID, or of another study, nothing.

        Archives may pass over what they need not search by, such as descriptions (PS3.4 C.6.2.1.3).
        """
        uid = str(study.get("StudyInstanceUID") or "")
        keywords = (*SERIES_KEYWORDS, "StudyInstanceUID")
        identifier = _identifier("SERIES", keywords, {**query, "StudyInstanceUID": uid})
        for record in association.answers(identifier, end):
            series = Series(_values_of(KEYWORDS, record, study))
            if series.uid and uid and series["StudyInstanceUID"] == uid:
                yield series
            else:
                _logger.warning(
                    "%s has listed a series without UID, or one of another study than was asked "
                    "for; it is left out",
                    self.name,
                )

    def instance(self, series: Series, number: int) -> Mapping[str, str]:
        """Return what is known of an instance by its number. Raises ``ArchiveError``."""
        query = {**_uids_of(series), "InstanceNumber": str(number)}
        identifier = _identifier("IMAGE", INSTANCE_KEYWORDS, query)
        with associated(self._peer, [find_model()]) as association:
            found = list(association.answers(identifier, self._peer.end(), 2))
        if len(found) != 1:
            raise ArchiveError(f"{self.name} has {len(found)} instances {number} of a series")
        return _values_of(INSTANCE_KEYWORDS, found[0])

    def fetch(
        self,
        series: Series,
        write: Callable[[Any], None],
        instance: str = "",
        find_room: FindRoom | None = None,  # pynetdicom receives into memory of its own
    ) -> None:
        """Call ``write`` with the bytes of each file. Raises ``ArchiveError``."""
        wanted = {**_uids_of(series), **({"SOPInstanceUID": instance} if instance else {})}
        identifier = _identifier("IMAGE" if instance else "SERIES", (), wanted)
        port = None if self._move_port is None else Port((wanted["StudyInstanceUID"], series.uid))
        files = ReceivedFiles(self._peer, series, write, port)
        # How many there are, not all archives list: then each is asked for (PS3.4 C.3.4).
        is_count_missing = series.count is None and not instance
        known: dict[str, Any] = {}
        if self._move_port is None or is_count_missing:
            # Some refuse that: what their files are is not known before they come then.
            with suppress(RefusalError):
                known = self._classes_of_instances(series)
        if self._move_port is None or port is None:
            self._get(identifier, sorted({*filter(None, known.values())}), files)
        elif instance:  # its series has the port
            raise ArchiveError(f"{self.name} sends no single instances by C-MOVE")
        else:
            with self._moving:
                self._move(identifier, files, self._move_port, port)
        if is_count_missing:
            self._check_all_came(files, len(known))

    def _check_all_came(self, files: ReceivedFiles, listed: int) -> None:
        """Raise ``ArchiveError`` unless an archive says how many there are, and all have come.

        It has ``listed`` so many; if none, it may say in the end how many it has sent.
        """
        if files.count < listed:
            raise BrokenOffError(
                f"{self.name} has sent {files.count} of the {listed} instances that it lists; "
                "nothing of the series is used. Fetch it again"
            )
        if not listed and files.count != files.said:
            raise ArchiveError(
                f"{self.name} has sent {files.count} files, and does not say how many the series "
                "has: not in its list of series, not by a list of its instances, nor when it has "
                "sent them. Some may be missing, and nothing of it is used. Ask who runs the "
                f"archive whether {self._peer.own_aet} may search for instances (C-FIND, IMAGE)"
            )

    def store(self, files: Sequence[bytes]) -> None:
        """Store files (PS3.10). Raises ``ArchiveError`` if it has not taken them all."""
        from pydicom import dcmread

        datasets = [dcmread(BytesIO(file)) for file in files]
        classes = {dataset.SOPClassUID for dataset in datasets}
        with associated(self._peer, sorted(classes)) as association:
            for number, dataset in enumerate(datasets):
                what = f"has stored {number} of {len(datasets)} files, then refused"
                try:
                    status = association.of_pynetdicom.send_c_store(dataset)
                except ValueError as error:  # no presentation context was accepted
                    raise ArchiveError(
                        f"{self.name} takes no {dataset.SOPClassUID.name}: {error}"
                    ) from error
                if not status:
                    raise association.no_answer("C-STORE")
                if status.Status in _STORED_WITH_WARNING:
                    _logger.warning("%s has stored with status %04XH", self.name, status.Status)
                else:
                    association.check(status, what)

    # Ways to files -------------------------------------------------------------------------------

    def _classes_of_instances(self, series: Series) -> dict[str, Any]:
        """Return the instances of a series by their UIDs, as far as the archive says.

        Each with what its file is, its SOPClassUID; None if it does not say that. Some find those
        of the whole study. Nothing if they are not all.
        """
        identifier = _identifier("IMAGE", ("SOPInstanceUID", "SOPClassUID"), _uids_of(series))
        with associated(self._peer, [find_model()]) as association:
            found = {
                str(record.SOPInstanceUID): record.get("SOPClassUID")
                for record in association.answers(identifier, self._peer.end())
                if record.get("SOPInstanceUID")
                and (record.get("SeriesInstanceUID") or series.uid) == series.uid
            }
            return {} if association.is_cut else found

    def _get(self, identifier: Dataset, classes: Sequence[Any], files: ReceivedFiles) -> None:
        from pynetdicom import build_role, evt
        from pynetdicom.sop_class import (  # type: ignore[attr-defined]
            StudyRootQueryRetrieveInformationModelGet as Get,
        )

        storage = storage_contexts(classes)
        roles = [build_role(uid, scp_role=True) for uid in classes or requested_classes()]
        handlers = [(evt.EVT_C_STORE, self._peer.watches.pausing(files.store))]
        with associated(self._peer, [Get], storage, roles, handlers, LARGEST_FILE) as association:
            self._require_accepted(association, classes)
            responses = association.of_pynetdicom.send_c_get(identifier, Get)
            files.wait(association, responses, "C-GET")

    def _require_accepted(self, association: Association, classes: Sequence[Any]) -> None:
        """Raise ``ArchiveError`` if files of one of these classes would not come by C-GET."""
        accepted = association.of_pynetdicom.accepted_contexts
        there = {context.abstract_syntax for context in accepted if context.as_scp}
        if refused := [str(uid.name) for uid in classes if uid not in there]:
            raise ArchiveError(
                f"{self.name} does not send {', '.join(refused)} by C-GET; ask for it by C-MOVE, "
                "see --dicom-move, or by DICOMweb"
            )

    def _move(self, identifier: Dataset, files: ReceivedFiles, number: int, port: Port) -> None:
        from pynetdicom import AE, evt
        from pynetdicom.sop_class import (  # type: ignore[attr-defined]
            StudyRootQueryRetrieveInformationModelMove as Move,
        )
        from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

        entity = AE(self._peer.own_aet)
        entity.acse_timeout = self._peer.timeout
        entity.network_timeout = entity.dimse_timeout = None  # as in ``associated``
        entity.maximum_associations = _MOST_SENDERS
        entity.add_supported_context(Verification)  # some ask whether we are there before they send
        for uid in storage_classes():
            entity.add_supported_context(uid, transfer_syntaxes())
        watches = self._peer.watches
        handlers = [
            (evt.EVT_C_STORE, watches.pausing(files.store)),
            *watches.handlers(lambda: Watch(self._peer.timeout, LARGEST_FILE, files.hear)),
            (evt.EVT_DATA_RECV, port.on_data),
            (evt.EVT_DIMSE_RECV, port.on_message),
        ]
        try:
            server = entity.start_server(("", number), block=False, evt_handlers=handlers)
        except OSError as error:
            raise ArchiveError(
                f"{self.name} cannot send to port {number}: "
                f"{with_advice(error, 'see --dicom-move')}"
            ) from error
        try:
            with associated(self._peer, [Move]) as association:
                responses = association.of_pynetdicom.send_c_move(
                    identifier, self._peer.own_aet, Move, msg_id=port.message_id
                )
                files.wait(association, responses, "C-MOVE")
        finally:
            for sender in entity.active_associations:
                if sender.is_established:  # with others, who still send
                    sender.abort(block=False)
            server.shutdown()


def _identifier(level: str, keywords: Sequence[str], query: Query) -> Dataset:
    """Return the identifier of a query: the keys, empty if anything is wanted."""
    from pydicom import Dataset

    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    if any(not text.isascii() for text in query.values()):
        identifier.SpecificCharacterSet = "ISO_IR 192"
    for keyword in keywords:
        setattr(identifier, keyword, None)
    for keyword, text in query.items():
        # Parts that a name does not have are not compared by all archives.
        setattr(identifier, keyword, text.rstrip("^") if keyword in NAMES else text)
    return identifier


def _uids_of(series: Series) -> dict[str, str]:
    return {key: series[key] for key in ("StudyInstanceUID", "SeriesInstanceUID")}


def _values_of(keywords: Sequence[str], *records: Dataset) -> dict[str, str]:
    """Return the values that are told, each from the first record that has it."""
    values = {}
    for keyword in keywords:
        value = next(filter(None, (record.get(keyword) for record in records)), "")
        text = "\\".join(map(str, value)) if _is_several(value) else str(value)
        values[keyword] = without_padding(text)
    return {keyword: text for keyword, text in values.items() if text}


def _is_several(value: Any) -> bool:
    from pydicom.multival import MultiValue

    return isinstance(value, MultiValue)
