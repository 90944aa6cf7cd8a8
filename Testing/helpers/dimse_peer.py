"""An archive that speaks DIMSE (pynetdicom), and does what a test wants wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import TCPServer
from typing import Any

from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    CTImageStorage,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from IGTLMetaBrowserLib.net import format_address

AET = "BAD"
PENDING, SUCCESS = 0xFF00, 0x0000
_SERVICES = (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    CTImageStorage,
)
Find = Callable[[Any], Iterator[tuple[int, Dataset | None]]]


@dataclass
class Behavior:
    """What it does: each field handles one service, as pynetdicom's handlers do.

    ``find`` answers the queries of a level that ``finds`` does not have; ``slices`` are what it has
    of its one series. Events of ``seen`` are what it was asked.
    """

    slices: Sequence[Dataset] = ()
    finds: dict[str, Find] = field(default_factory=dict)
    get: Callable[[Any], Iterator[Any]] | None = None
    move: Callable[[Any], Iterator[Any]] | None = None
    store: Callable[[Any], int] = lambda event: SUCCESS
    handlers: Sequence[tuple[Any, Callable[[Any], Any]]] = ()
    services: Sequence[Any] = _SERVICES
    levels: list[str] = field(default_factory=list)

    def find(self, event: Any) -> Iterator[tuple[int, Dataset | None]]:
        level = event.identifier.QueryRetrieveLevel
        self.levels.append(level)
        yield from self.finds.get(level, self._found)(event)

    def _found(self, event: Any) -> Iterator[tuple[int, Dataset | None]]:
        level = event.identifier.QueryRetrieveLevel
        for one in self.slices if level == "IMAGE" else self.slices[:1]:
            yield PENDING, answer(one, level)

    def got(self, event: Any) -> Iterator[Any]:
        yield len(self.slices)
        for one in self.slices:
            yield PENDING, one


def answer(dataset: Dataset, level: str = "SERIES", **others: Any) -> Dataset:
    """What a C-FIND answers of a slice."""
    found = Dataset()
    found.QueryRetrieveLevel = level
    for keyword in (
        "PatientID", "PatientName", "StudyInstanceUID", "SeriesInstanceUID", "Modality",
        "SOPInstanceUID", "SOPClassUID",
    ):  # fmt: skip
        setattr(found, keyword, dataset.get(keyword))
    for keyword, value in others.items():
        setattr(found, keyword, value)
    return found


@contextmanager
def running(behavior: Behavior, host: str = "127.0.0.1") -> Iterator[str]:
    """Run one on a port of this computer; its address is yielded."""
    entity = AE(AET)
    for service in behavior.services:
        entity.add_supported_context(service, ExplicitVRLittleEndian, scu_role=True, scp_role=True)
    handlers = [
        (evt.EVT_C_FIND, behavior.find),
        (evt.EVT_C_GET, behavior.get or behavior.got),
        (evt.EVT_C_MOVE, behavior.move or behavior.got),
        (evt.EVT_C_STORE, lambda event: behavior.store(event)),
        *behavior.handlers,
    ]
    entity.acse_timeout = entity.dimse_timeout = 5
    entity.network_timeout = None  # which follows a clock that is set
    server = entity.make_server((host, 0), evt_handlers=handlers)
    # To end it would take as long as it waits for the next connection, which is 0.5 s else.
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"{AET}@{format_address(host, server.socket.getsockname()[1])}"
    finally:
        for association in entity.active_associations:
            association.abort(block=False)
        TCPServer.shutdown(server)  # pynetdicom's own is for servers that it has started
        server.server_close()
        thread.join()
