"""The port that an archive sends to (C-MOVE) is open to anybody: what strangers send has an end.

Files are sent by a process of its own, so that the memory that is looked at is the gateway's.
"""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from inspect import signature
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode
from pynetdicom.pdu_primitives import P_DATA
from pynetdicom.sop_class import CTImageStorage

from helpers import dimse_peer
from helpers.dimse_peer import SUCCESS, Behavior
from helpers.peers import PATIENCE
from helpers.reserved_port import free_port
from IGTLMetaBrowserLib.sources.archive.archive import ArchiveError, Series
from IGTLMetaBrowserLib.sources.archive.dimse import port as dimse_port
from IGTLMetaBrowserLib.sources.archive.dimse.dimse_archive import DimseArchive, DimseSettings

LARGE = 48 << 20
KEPT = 24 << 20
REFUSED = "A900"
SEND = """
import sys
from pydicom import dcmread
from pynetdicom import AE
for path in sys.argv[2:]:
    file, entity = dcmread(path), AE("ANYBODY")
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = None
    entity.add_requested_context(file.SOPClassUID, file.file_meta.TransferSyntaxUID)
    association = entity.associate("127.0.0.1", int(sys.argv[1]))
    print(f"{association.send_c_store(file).get('Status', -1):04X}")
    association.release()
"""


@pytest.fixture
def slices(make_slice: Callable[..., Dataset]) -> list[Dataset]:
    return [make_slice((0.0, 0.0, 2.0 * number), number) for number in range(3)]


def fetched(slices: list[Dataset], act: Callable[..., None], write: Callable = len) -> None:
    """Fetch the series; meanwhile, and before the archive says that all is sent, ``act``.

    It is told the port, and if it wants to know, the number of the C-MOVE.
    """
    port = free_port()

    def move(event: Any) -> Iterator[Any]:
        known = len(signature(act).parameters)
        act(*(port, event.request.MessageID)[:known])
        yield "127.0.0.1", port
        yield 0
        yield SUCCESS, None

    first = slices[0]
    keywords = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Modality")
    listed = {keyword: str(first[keyword].value) for keyword in keywords}
    series = Series({**listed, "NumberOfSeriesRelatedInstances": str(len(slices))})
    with dimse_peer.running(Behavior(slices, move=move)) as address:
        archive = DimseArchive(address, DimseSettings(timeout=PATIENCE, move_port=port))
        archive.fetch(series, write)


def saved(folder: Path, *datasets: Dataset) -> list[Path]:
    files = [folder / f"{dataset.SOPInstanceUID}.dcm" for dataset in datasets]
    for file, dataset in zip(files, datasets, strict=True):
        dataset.save_as(file, enforce_file_format=True)
    return files


def sent(port: int, files: list[Path]) -> list[str]:
    """Send files by another process; return the status of each.

    pynetdicom waits for it from when it begins to send, 30 s if it is not told otherwise: a busy
    machine takes longer for a large file.
    """
    command = [sys.executable, "-W", "ignore", "-c", SEND, str(port), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()


@pytest.mark.parametrize("kind", ["of another series", "long before it says whose", "deflated"])
def test_of_a_large_file_of_a_stranger_little_is_kept(slices, make_slice, tmp_path, kind):
    strange = make_slice((0, 0, 0), 9)
    strange.SeriesInstanceUID = "1.9.9"
    if kind == "long before it says whose":
        strange.private_block(0x0009, "ANYBODY", create=True).add_new(1, "OB", bytes(LARGE))
    else:
        strange.Rows, strange.Columns = LARGE >> 12, 2048
        strange.PixelData = bytes(LARGE)
    if kind == "deflated":  # 100 KB of them
        strange.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    files: list[bytes] = []
    peaks, statuses = [], []
    large, wanted = saved(tmp_path, strange), saved(tmp_path, *slices)

    def act(port: int) -> None:
        tracemalloc.start()
        statuses.extend(sent(port, large + wanted))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    fetched(slices, act, files.append)
    assert statuses == [REFUSED, "0000", "0000", "0000"]
    assert len(files) == 3
    assert peaks[0] < KEPT


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_a_large_file_that_was_asked_for_comes_whole(slices, tmp_path, syntax):
    for dataset in slices:
        dataset.private_block(0x0009, "ARCHIVE", create=True).add_new(1, "OB", bytes(2 << 20))
        dataset.Rows = dataset.Columns = 2048
        dataset.PixelData = bytes(range(256)) * (2048 * 2048 * 2 // 256)
        dataset.file_meta.TransferSyntaxUID = syntax
    paths, files = saved(tmp_path, *slices), list[bytes]()
    fetched(slices, lambda port: sent(port, paths), files.append)
    found = [dcmread(BytesIO(file)) for file in files]
    assert [one.PixelData for one in found] == [one.PixelData for one in slices]


def test_a_pdu_that_says_it_has_gigabytes_is_not_waited_for(slices):
    """Of an association (A-ASSOCIATE-RQ), which anybody can ask for."""

    def act(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as stranger:
            stranger.sendall(struct.pack(">BBL", 1, 0, 0xFFFFFFFF))
            assert stranger.recv(1) == b""
        association = associated(port)
        slices_by(association, slices)
        association.release()

    fetched(slices, act)


def test_of_a_command_without_end_little_is_kept(slices):
    fragment, peaks = P_DATA(), []
    fragment.presentation_data_value_list = [[1, b"\x01" + bytes(16_000)]]  # not the last one

    def act(port: int) -> None:
        association = associated(port)
        tracemalloc.start()
        for _ in range(LARGE // 16_000):
            association.dul.send_pdu(fragment)
        association.join(PATIENCE)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        slices_by(associated(port), slices)

    fetched(slices, act)
    assert peaks[0] < KEPT


def test_who_sends_on_without_an_answer(slices):
    """Each file waits in memory until those before it are stored."""
    is_stored = threading.Event()

    def write(_content: object) -> None:
        assert is_stored.wait(PATIENCE)

    def act(port: int) -> None:
        association = associated(port)
        content = encode(slices[0], True, True)
        for number in range(1, 100):
            request = C_STORE()
            request.MessageID, request.Priority = number, 2
            request.AffectedSOPClassUID = slices[0].SOPClassUID
            request.AffectedSOPInstanceUID = slices[0].SOPInstanceUID
            request.DataSet = BytesIO(content)
            association.dimse.send_msg(request, 1)
        association.join(PATIENCE)
        assert association.is_aborted
        is_stored.set()
        slices_by(associated(port), slices)

    fetched(slices, act, write)


class TestWhoKnowsTheSeries:
    """Archives tell, with each file, by which C-MOVE it was asked for; others cannot know it."""

    def test_little_is_kept_of_large_files_of_it(self, slices, tmp_path, monkeypatch):
        monkeypatch.setattr(dimse_port, "_LARGEST_UNNAMED", KEPT // 4)
        slices[0].Rows, slices[0].Columns = LARGE >> 12, 2048
        slices[0].PixelData = bytes(LARGE)
        paths, files, peaks = saved(tmp_path, *slices), list[bytes](), list[int]()

        def act(port: int, number: int) -> None:
            tracemalloc.start()
            assert sent(port, paths[:1]) == [REFUSED]
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert stored(port, slices, number) == [0, 0, 0]  # by the archive

        fetched(slices, act, files.append)
        assert len(files) == 3
        assert peaks[0] < KEPT

    def test_an_archive_that_does_not_tell_may_send_as_well(self, slices):
        files: list[bytes] = []
        fetched(slices, lambda port: slices_by(associated(port), slices), files.append)
        assert len(files) == 3

    def test_so_may_one_that_has_another_one_send(self, slices):
        files: list[bytes] = []
        fetched(slices, lambda port, number: stored(port, slices, number ^ 1), files.append)
        assert len(files) == 3

    def test_beside_who_can_tell_nobody_else_is_listened_to(self, slices, make_slice):
        files: list[bytes] = []

        def act(port: int, number: int) -> None:
            assert stored(port, slices[:1], number) == [0]
            assert stored(port, [make_slice((0, 0, 6), 3)], None) == [0xA900]
            assert stored(port, [make_slice((0, 0, 6), 3)], number ^ 1) == [0xA900]
            assert stored(port, slices[1:], number) == [0, 0]

        fetched(slices, act, files.append)
        assert len(files) == 3

    def test_what_came_of_others_before_is_not_used_either(self, slices, make_slice):
        def act(port: int, number: int) -> None:
            assert stored(port, [make_slice((0, 0, 6), 3)], None) == [0]
            stored(port, slices, number)

        with pytest.raises(ArchiveError, match=r"somebody else than BAD@.* has sent files of the"):
            fetched(slices, act)


def stored(port: int, datasets: list[Dataset], number: int | None) -> list[int]:
    """Send files, for the C-MOVE of this number; return the status of each."""
    association = associated(port)
    aet = None if number is None else "IGTLMETA"
    found = [association.send_c_store(one, 1, 2, aet, number).Status for one in datasets]
    association.release()
    return found


def associated(port: int) -> Any:
    """An association with the port, by which files of CT can be sent."""
    entity = AE("ANYBODY")
    entity.add_requested_context(CTImageStorage)
    association = entity.associate("127.0.0.1", port)
    assert association.is_established
    return association


def slices_by(association: Any, slices: list[Dataset]) -> None:
    assert [association.send_c_store(one).Status for one in slices] == [0, 0, 0]
