"""Archives by DIMSE that do not say how many instances a series has: not in their lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import CTImageStorage

from helpers import dimse_peer
from helpers.dimse_peer import SUCCESS, Behavior
from helpers.peers import PATIENCE
from helpers.reserved_port import free_port
from IGTLMetaBrowserLib.sources.archive.archive import ArchiveError, Series
from IGTLMetaBrowserLib.sources.archive.dimse.dimse_archive import DimseArchive, DimseSettings

RESPONSES = (0x8010, 0x8021)  # C-GET-RSP, C-MOVE-RSP
REFUSED = 0xA900


@pytest.fixture
def slices(make_slice: Callable[..., Dataset]) -> list[Dataset]:
    return [make_slice((0.0, 0.0, 2.0 * number), number) for number in range(3)]


@pytest.mark.parametrize("way", ["C-GET", "C-MOVE"])
@pytest.mark.parametrize("is_refused", [True, False], ids=["refused", "none found"])
@pytest.mark.parametrize(("said", "is_enough"), [(3, True), (None, False)])
def test_what_it_says_at_the_end_is_enough(slices, way, is_refused, said, is_enough):
    """A success, with so many files sent, of which all have come. Without a number, it is not."""
    port = free_port()
    answers = [(REFUSED, None)] if is_refused else []
    behavior = Behavior(
        slices,
        finds={"IMAGE": lambda event: iter(answers)},
        move=lambda event: moved(port, slices),
        handlers=[(evt.EVT_DIMSE_SENT, lambda event: say(event, said))],
    )
    keywords = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Modality")
    series = Series({keyword: str(slices[0][keyword].value) for keyword in keywords})
    files: list[bytes] = []
    with dimse_peer.running(behavior) as address:
        settings = DimseSettings(timeout=PATIENCE, move_port=port if way == "C-MOVE" else None)
        archive = DimseArchive(address, settings)
        if is_enough:
            archive.fetch(series, files.append)
        else:
            with pytest.raises(ArchiveError, match=r"does not say how many .*nothing of it"):
                archive.fetch(series, files.append)
    assert len(files) == 3


def moved(port: int, slices: list[Dataset]) -> Iterator[Any]:
    entity = AE(dimse_peer.AET)
    entity.add_requested_context(CTImageStorage)
    association = entity.associate("127.0.0.1", port)
    assert [association.send_c_store(one).Status for one in slices] == [0, 0, 0]
    association.release()
    yield "127.0.0.1", port
    yield 0
    yield SUCCESS, None


def say(event: Any, count: int | None) -> None:
    """Have the last answer say so many are sent, or nothing."""
    command = event.message.command_set
    if command.CommandField in RESPONSES and command.Status == SUCCESS:
        command.NumberOfCompletedSuboperations = count
        if count is None:
            del command.NumberOfCompletedSuboperations
