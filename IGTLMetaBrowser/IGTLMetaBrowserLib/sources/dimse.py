"""An archive by DIMSE (PS3.7): C-FIND for lists, C-GET or C-MOVE for files, C-STORE to store.

All of it is pynetdicom's. Each call has an association of its own.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ..net.source import SourceError
from .archive import (
    INSTANCE_KEYWORDS,
    KEYWORDS,
    PATIENT_KEYWORDS,
    SERIES_KEYWORDS,
    STUDY_KEYWORDS,
    ArchiveError,
    BrokenOffError,
    Query,
    Series,
)
from .multipart import FindRoom

if TYPE_CHECKING:
    from pydicom import Dataset

_ADDRESS = re.compile(r"(?P<aet>[^@]{1,16})@(?P<host>[^@]+):(?P<port>\d{1,5})")
# A match; the second without all optional keys (PS3.4 C.4.1.1.4).
_PENDING = (0xFF00, 0xFF01)
_CANCELLED = 0xFE00
_MESSAGE_ID = 1
# What a study is asked for: the rest is of its series.
_STUDY_LEVEL = (*PATIENT_KEYWORDS, *STUDY_KEYWORDS)
# An association can have at most 128 presentation contexts (PS3.8 9.3.2.2).
_MOST_CONTEXTS = 127


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

    def __init__(self, address: str, settings: DimseSettings | None = None) -> None:
        try:
            import pynetdicom  # noqa: F401
        except ImportError as error:
            raise SourceError(
                "An archive needs pynetdicom, which this Python does not have. "
                'Install it: pip install "igtlmetabrowser[pacs]"'
            ) from error
        found = _ADDRESS.fullmatch(address)
        if found is None:
            raise ArchiveError(f"{address!r} is no AET@HOST:PORT, such as PACS@10.1.2.3:104")
        self.name = address
        self._aet, self._host, self._port = found["aet"], found["host"], int(found["port"])
        self._settings = settings or DimseSettings()
        self._tls = _tls_context(self._settings)
        # The archive knows one port, where one series can be waited for at a time.
        self._moving = threading.Lock()

    def echo(self) -> None:
        """Ask whether it is there (C-ECHO). Raises ``ArchiveError``."""
        from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

        with self._associated([Verification]) as association:
            self._check(association.send_c_echo(), "answers no C-ECHO")

    def find(self, query: Query, most: int) -> Sequence[Series]:
        """Return the series that match, at most so many. Raises ``ArchiveError``.

        First the studies, then the series of each: few archives find series of unnamed studies
        (PS3.4 C.4.1.3.1.1, without relational queries).
        """
        from pynetdicom.sop_class import (
            StudyRootQueryRetrieveInformationModelFind as Find,  # type: ignore[attr-defined]
        )

        of_study = {key: text for key, text in query.items() if key in _STUDY_LEVEL}
        of_series = {key: text for key, text in query.items() if key not in _STUDY_LEVEL}
        found: list[Series] = []
        with self._associated([Find]) as association:
            identifier = _identifier("STUDY", _STUDY_LEVEL, of_study)
            if "Modality" in of_series:
                identifier.ModalitiesInStudy = of_series["Modality"]
            # Each has a series at least, so that more studies are of no use.
            studies = list(self._answers(association, identifier, Find, most))
            for study in studies:
                own = {"StudyInstanceUID": str(study.get("StudyInstanceUID", ""))}
                keywords = (*SERIES_KEYWORDS, "StudyInstanceUID")
                identifier = _identifier("SERIES", keywords, {**of_series, **own})
                for record in self._answers(association, identifier, Find):
                    found.append(_series_of(study, record))
                    if len(found) >= most:
                        return found
        return found

    def instance(self, series: Series, number: int) -> Mapping[str, str]:
        """Return what is known of an instance by its number. Raises ``ArchiveError``."""
        from pynetdicom.sop_class import (
            StudyRootQueryRetrieveInformationModelFind as Find,  # type: ignore[attr-defined]
        )

        query = {**_uids_of(series), "InstanceNumber": str(number)}
        identifier = _identifier("IMAGE", INSTANCE_KEYWORDS, query)
        with self._associated([Find]) as association:
            found = list(self._answers(association, identifier, Find, 2))
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
        failures: list[Exception] = []

        def store(event: Any) -> int:
            try:
                write(event.encoded_dataset())
            except Exception as error:  # a full disk; the caller is told
                failures.append(error)
                return 0xA700  # out of resources (PS3.4 B.2.3)
            return 0x0000

        if self._settings.move_port is None:
            self._get(identifier, self._classes_of(series), store)
        elif instance:  # its series has the port
            raise ArchiveError(f"{self.name} sends no single instances by C-MOVE")
        else:
            with self._moving:
                self._move(identifier, store, self._settings.move_port)
        if failures:
            raise failures[0]

    def store(self, files: Sequence[bytes]) -> None:
        """Store files (PS3.10). Raises ``ArchiveError`` if it has not taken them all."""
        from pydicom import dcmread

        datasets = [dcmread(BytesIO(file)) for file in files]
        classes = {dataset.SOPClassUID for dataset in datasets}
        with self._associated(sorted(classes)) as association:
            for number, dataset in enumerate(datasets):
                try:
                    status = association.send_c_store(dataset)
                except ValueError as error:  # no presentation context was accepted
                    raise ArchiveError(
                        f"{self.name} takes no {dataset.SOPClassUID.name}: {error}"
                    ) from error
                self._check(status, f"has stored {number} of {len(datasets)} files, then refused")

    # Ways to files -------------------------------------------------------------------------------

    def _classes_of(self, series: Series) -> list[Any]:
        """Return what the files of a series are; nothing if the archive does not say."""
        from pynetdicom.sop_class import (
            StudyRootQueryRetrieveInformationModelFind as Find,  # type: ignore[attr-defined]
        )

        identifier = _identifier("IMAGE", ("SOPInstanceUID", "SOPClassUID"), _uids_of(series))
        with self._associated([Find]) as association:
            answers = self._answers(association, identifier, Find)
            return sorted({record.SOPClassUID for record in answers if record.get("SOPClassUID")})

    def _get(
        self, identifier: Dataset, classes: Sequence[Any], store: Callable[[Any], int]
    ) -> None:
        from pynetdicom import build_role, evt
        from pynetdicom.sop_class import (
            StudyRootQueryRetrieveInformationModelGet as Get,  # type: ignore[attr-defined]
        )

        storage = _contexts(classes)
        roles = [build_role(uid, scp_role=True) for uid in classes or _storage_classes()]
        handlers = [(evt.EVT_C_STORE, store)]
        with self._associated([Get], storage, roles, handlers) as association:
            self._await_files(association.send_c_get(identifier, Get), "C-GET")

    def _move(self, identifier: Dataset, store: Callable[[Any], int], port: int) -> None:
        from pynetdicom import AE, evt
        from pynetdicom.sop_class import (
            StudyRootQueryRetrieveInformationModelMove as Move,  # type: ignore[attr-defined]
        )

        entity = AE(self._settings.aet)
        for uid in _storage_classes():
            entity.add_supported_context(uid, _transfer_syntaxes())
        try:
            server = entity.start_server(
                ("", port), block=False, evt_handlers=[(evt.EVT_C_STORE, store)]
            )
        except OSError as error:
            raise ArchiveError(
                f"{self.name} cannot send to port {port}: {error.strerror}; see --dicom-move"
            ) from error
        try:
            with self._associated([Move]) as association:
                responses = association.send_c_move(identifier, self._settings.aet, Move)
                self._await_files(responses, "C-MOVE")
        finally:
            server.shutdown()

    def _await_files(self, responses: Any, what: str) -> None:
        for status, _ in responses:
            if not status:
                raise BrokenOffError(f"{self.name} has broken off a {what}; try again later")
            if status.Status in _PENDING:
                continue
            failed = status.get("NumberOfFailedSuboperations") or 0
            if status.Status != 0 or failed:
                words = str(status.get("ErrorComment", ""))
                raise ArchiveError(
                    f"{self.name} refuses a {what} with the status {status.Status:04X}H"
                    + (f", {failed} files have failed" if failed else "")
                    + (f": {words}" if words else "")
                    + ". Ask who runs the archive whether it knows this AE title "
                    f"({self._settings.aet}) and lets it have files"
                )

    # Parts ---------------------------------------------------------------------------------------

    @contextmanager
    def _associated(
        self,
        services: Sequence[Any],
        storage: Sequence[Any] = (),
        roles: Sequence[Any] = (),
        handlers: Sequence[Any] = (),
    ) -> Iterator[Any]:
        """An association for these services. Raises ``ArchiveError`` if there is none."""
        from pynetdicom import AE

        entity = AE(self._settings.aet)
        entity.connection_timeout = entity.acse_timeout = self._settings.timeout
        entity.dimse_timeout = entity.network_timeout = self._settings.timeout
        for uid in services:
            entity.add_requested_context(uid)
        entity.requested_contexts = [*entity.requested_contexts, *storage]
        association = entity.associate(
            self._host,
            self._port,
            ae_title=self._aet,
            ext_neg=list(roles),
            evt_handlers=list(handlers),
            tls_args=(self._tls, self._host) if self._tls is not None else None,
        )
        if not association.is_established:
            raise ArchiveError(self._why_not_associated(association))
        try:
            yield association
        finally:
            if association.is_established:
                association.release()

    def _why_not_associated(self, association: Any) -> str:
        if association.is_rejected:
            primitive = association.acceptor.primitive
            reason = getattr(primitive, "reason_str", "") or "without a reason"
            return (
                f"{self.name} refuses the association: {reason}. Check both AE titles: it is "
                f"called {self._aet}, and calls this one {self._settings.aet}"
            )
        return (
            f"{self.name} cannot be reached, or does not speak DICOM"
            f"{' with TLS' if self._tls is not None else ''}; check host and port"
        )

    def _answers(
        self, association: Any, identifier: Dataset, model: Any, most: int | None = None
    ) -> Iterator[Dataset]:
        """Yield what a C-FIND finds; ask the archive to stop (C-CANCEL) after so many."""
        count = 0
        for status, record in association.send_c_find(identifier, model, msg_id=_MESSAGE_ID):
            if not status:
                raise ArchiveError(
                    f"{self.name} has not answered a C-FIND in {self._settings.timeout:g} s"
                )
            if status.Status in _PENDING:
                count += 1
                if most is not None and count > most:
                    if count == most + 1:
                        association.send_c_cancel(_MESSAGE_ID, query_model=model)
                elif record is not None:
                    yield record
            elif status.Status != _CANCELLED:
                self._check(status, "refuses a C-FIND")

    def _check(self, status: Dataset, what: str) -> None:
        if not status:
            raise ArchiveError(f"{self.name} {what}: it has said nothing; try again later")
        if status.Status != 0x0000:
            words = str(status.get("ErrorComment", ""))
            raise ArchiveError(f"{self.name} {what}: status {status.Status:04X}H {words}".rstrip())


def _identifier(level: str, keywords: Sequence[str], query: Query) -> Dataset:
    """Return the identifier of a query: the keys, empty where anything is wanted."""
    from pydicom import Dataset

    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    if any(not text.isascii() for text in query.values()):
        identifier.SpecificCharacterSet = "ISO_IR 192"
    for keyword in keywords:
        setattr(identifier, keyword, None)
    for keyword, text in query.items():
        setattr(identifier, keyword, text)
    return identifier


def _series_of(study: Dataset, record: Dataset) -> Series:
    return Series(_values_of(KEYWORDS, record, study))


def _uids_of(series: Series) -> dict[str, str]:
    return {key: series[key] for key in ("StudyInstanceUID", "SeriesInstanceUID")}


def _values_of(keywords: Sequence[str], *records: Dataset) -> dict[str, str]:
    """Return the values that are told, each from the first record that has it."""
    values = {}
    for keyword in keywords:
        value = next(filter(None, (record.get(keyword) for record in records)), "")
        values[keyword] = "\\".join(map(str, value)) if _is_several(value) else str(value)
    return {keyword: text for keyword, text in values.items() if text}


def _is_several(value: Any) -> bool:
    from pydicom.multival import MultiValue

    return isinstance(value, MultiValue)


def _storage_classes() -> list[Any]:
    """Return what files can be: all that pynetdicom knows, as many as an association can have."""
    from pynetdicom import AllStoragePresentationContexts

    classes = [context.abstract_syntax for context in AllStoragePresentationContexts]
    classes.sort(key=lambda uid: "Image" not in uid.name and "Segment" not in uid.name)
    return classes[:_MOST_CONTEXTS]


def _contexts(classes: Sequence[Any]) -> list[Any]:
    """Return presentation contexts for files of these classes; for all, if these are not known.

    The archive chooses one transfer syntax for each context. So that it can send files as they are,
    each class has a context for each, as long as there is room.
    """
    from pynetdicom import build_context

    syntaxes = _transfer_syntaxes()
    if classes and len(classes) * len(syntaxes) <= _MOST_CONTEXTS:
        return [build_context(uid, syntax) for uid in classes for syntax in syntaxes]
    return [build_context(uid, syntaxes) for uid in classes or _storage_classes()]


def _transfer_syntaxes() -> list[Any]:
    """Return those that can be decoded here; the archive chooses one for each class."""
    from pydicom.uid import AllTransferSyntaxes

    from .dicom_decoding import why_not_decodable

    return [uid for uid in AllTransferSyntaxes if not why_not_decodable(uid)]


def _tls_context(settings: DimseSettings) -> Any:
    if not settings.authority:
        return None
    import ssl

    try:
        context = ssl.create_default_context(cafile=settings.authority)
        if settings.certificate:
            context.load_cert_chain(settings.certificate)
    except OSError as error:
        raise ArchiveError(f"a certificate cannot be read: {error}") from error
    return context
