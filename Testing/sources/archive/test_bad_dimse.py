"""Archives that do by DIMSE what none should: nothing hangs, and nothing wrong is in the list."""

from __future__ import annotations

import itertools
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from copy import deepcopy
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pynetdicom import AE, build_context, evt
from pynetdicom.sop_class import CTImageStorage

from helpers import dimse_peer
from helpers.dimse_peer import PENDING, SUCCESS, Behavior, answer
from helpers.ready_sources import ready
from helpers.reserved_port import free_port
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive import archive as archives
from IGTLMetaBrowserLib.sources.archive.archive import ArchiveError, Series
from IGTLMetaBrowserLib.sources.archive.dimse import association as dimse_association
from IGTLMetaBrowserLib.sources.archive.dimse.dimse_archive import DimseArchive, DimseSettings
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, about broken data

TIMEOUT = 20.0  # of silence, which none of these tests waits for


@pytest.fixture
def slices(make_slice: Callable[..., Dataset]) -> list[Dataset]:
    return [make_slice((0.0, 0.0, 2.0 * number), number) for number in range(3)]


@pytest.fixture
def cache(tmp_path: Path) -> SeriesCache:
    return SeriesCache(tmp_path / "cache", 1 << 30)


@pytest.fixture
def is_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sends without end is given up at once, not after ten times of the silence."""
    monkeypatch.setattr(dimse_association, "_PATIENCE", 0)


@contextmanager
def archive_of(
    behavior: Behavior, move_port: int | None = None, timeout: float = TIMEOUT
) -> Iterator[DimseArchive]:
    with dimse_peer.running(behavior) as address:
        yield DimseArchive(address, DimseSettings(timeout=timeout, move_port=move_port))


def series_of(slices: list[Dataset], count: int | None = 3) -> Series:
    keywords = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Modality")
    attributes = {keyword: str(slices[0].get(keyword) or "") for keyword in keywords}
    if count is not None:
        attributes["NumberOfSeriesRelatedInstances"] = str(count)
    return Series(attributes)


def fetched(archive: DimseArchive, series: Series) -> list[bytes]:
    files: list[bytes] = []
    archive.fetch(series, files.append)
    return files


def endless(dataset: Dataset, level: str) -> Callable[[Any], Iterator[Any]]:
    """A C-FIND that is answered without end, whatever the archive is asked to."""
    return lambda event: itertools.repeat((PENDING, answer(dataset, level)))


def test_a_peer_that_does_all_well(slices, cache):
    """So that what the tests below see is the fault of what they change."""
    with (
        archive_of(Behavior(slices)) as archive,
        closing(ArchiveSource(archive, cache)) as source,
    ):
        (item,) = source.images()
        assert ready(source.image, item.id).pixels.shape == (3, 5, 7)
        archive.store([file_of(slices[0])])


class TestLists:
    def test_studies_without_end_are_as_many_as_are_wanted(self, slices):
        """It was asked to stop (C-CANCEL), and has not."""
        with archive_of(Behavior(slices, {"STUDY": endless(slices[0], "STUDY")})) as archive:
            assert len(archive.find({}, 5)) == 5

    def test_series_without_end_are_as_many_as_are_wanted(self, slices):
        with archive_of(Behavior(slices, {"SERIES": endless(slices[0], "SERIES")})) as archive:
            assert len(archive.find({}, 5)) == 5

    def test_instances_without_end_are_told_by_their_number(self, slices, monkeypatch):
        monkeypatch.setattr(dimse_association, "MOST_ANSWERS", 20)
        with (
            archive_of(Behavior(slices, {"IMAGE": endless(slices[0], "IMAGE")})) as archive,
            pytest.raises(ArchiveError, match="sent more than 20 answers to one C-FIND"),
        ):
            fetched(archive, series_of(slices))

    @pytest.mark.usefixtures("is_impatient")
    def test_a_list_that_does_not_end_in_time_is_told(self, slices):
        with (
            archive_of(Behavior(slices, {"IMAGE": endless(slices[0], "IMAGE")})) as archive,
            pytest.raises(ArchiveError, match=r"end of a C-FIND in .*--archive-timeout"),
        ):
            fetched(archive, series_of(slices))

    def test_an_answer_without_end_does_not_fill_the_memory(self, slices, monkeypatch):
        monkeypatch.setattr(dimse_association, "_LARGEST_ANSWER", 100_000)
        large = answer(slices[0], PatientComments="x" * 2_000_000)
        find = lambda event: iter([(PENDING, large)])  # noqa: E731
        with (
            archive_of(Behavior(slices, {"STUDY": find}), timeout=3.0) as archive,
            pytest.raises(ArchiveError, match="sent a message of more than 0 MiB in a C-FIND"),
        ):
            archive.find({}, 5)

    def test_an_archive_that_finds_the_instances_of_the_whole_study(self, slices, make_slice):
        """They are not missed in a series of which it does not list how many it has."""
        other = make_slice((0.0, 0.0, 8.0), 4)
        other.SeriesInstanceUID, other.SOPInstanceUID = "1.2.3.99", "1.2.3.99.1"
        behavior = Behavior(slices)
        behavior.finds["IMAGE"] = lambda event: iter(
            [(PENDING, answer(one, "IMAGE")) for one in (*slices, other)]
        )
        with archive_of(behavior) as archive:
            assert len(fetched(archive, series_of(slices, count=None))) == len(slices)

    def test_a_status_that_is_no_success(self, slices):
        """Be it one of the standard's or none."""
        behavior = Behavior(slices)
        with archive_of(behavior) as archive:
            for status in (0xA700, 0xC001, 0x0122, 0x1234, 0xB123, 0xFFFF):
                behavior.finds["STUDY"] = lambda event, status=status: iter([(status, None)])
                with pytest.raises(ArchiveError, match=f"a C-FIND: status {status:04X}H"):
                    archive.find({}, 5)

    def test_a_study_without_its_uid_is_left_out(self, slices, caplog):
        find = lambda event: iter([(PENDING, answer(slices[0], StudyInstanceUID=None))])  # noqa: E731
        with archive_of(Behavior(slices, {"STUDY": find})) as archive:
            assert archive.find({}, 5) == []
        assert "has listed a series without UID" in caplog.text

    def test_series_of_another_study_are_not_in_the_list(self, slices):
        """Of an archive that does not look at what study it is asked for."""
        other = deepcopy(slices[0])
        other.StudyInstanceUID, other.SeriesInstanceUID = "1.9.9", "1.9.9.1"
        find = lambda event: iter([(PENDING, answer(one)) for one in (slices[0], other)])  # noqa: E731
        with archive_of(Behavior(slices, {"SERIES": find})) as archive:
            assert [one.uid for one in archive.find({}, 5)] == [slices[0].SeriesInstanceUID]

    @pytest.mark.parametrize(
        "element",
        [
            b"\x20\x00\x11\x00US\x03\x00abc",  # SeriesNumber
            b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff" + b"\x01" * 20,
        ],
        ids=["a number of three bytes", "a sequence of no items"],
    )
    def test_an_answer_that_does_not_decode(self, slices, element):
        """A series that is not listed would not be missed."""

        def add(event: Any) -> None:
            message = event.message
            is_pending = message.command_set.get("Status") == PENDING
            if message.command_set.CommandField == 0x8020 and is_pending:  # C-FIND-RSP
                message.data_set = BytesIO(message.data_set.getvalue() + element)

        behavior = Behavior(slices, handlers=[(evt.EVT_DIMSE_SENT, add)])
        words = "sent an answer to a C-FIND that cannot be decoded"
        with archive_of(behavior) as archive, pytest.raises(ArchiveError, match=words):
            archive.find({}, 5)


ABORTS = {
    "requested": evt.EVT_REQUESTED,
    "established": evt.EVT_ESTABLISHED,
    "asked": evt.EVT_DIMSE_RECV,
    "answered": evt.EVT_DIMSE_SENT,
}


class TestBrokenOff:
    @pytest.mark.parametrize("when", ABORTS)
    def test_an_association_that_is_aborted(self, slices, when):
        """Whenever that is, and whatever it was for: words, and no hang."""
        handlers = [(ABORTS[when], lambda event: event.assoc.abort(block=False))]
        words = r"broken off|cannot be reached|refuses the association"
        with archive_of(Behavior(slices, handlers=handlers)) as archive:
            for ask in (
                lambda: archive.find({}, 5),
                lambda: fetched(archive, series_of(slices)),
                lambda: archive.store([file_of(one) for one in slices]),
            ):
                if when == "answered":  # the answer may have arrived before the end
                    with suppress(ArchiveError):
                        ask()
                    continue
                with pytest.raises(ArchiveError, match=words):
                    ask()

    def test_one_that_is_aborted_once_is_asked_again(self, slices):
        aborts = iter([True])

        def abort(event: Any) -> None:
            if next(aborts, False):
                event.assoc.abort(block=False)

        behavior = Behavior(slices, handlers=[(evt.EVT_ESTABLISHED, abort)])
        with archive_of(behavior) as archive:
            assert len(archive.find({}, 5)) == 1

    def test_a_peer_that_accepts_and_says_nothing(self, slices):
        """It takes the connection, and then neither accepts nor rejects an association."""
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:
            address = f"SILENT@127.0.0.1:{listener.getsockname()[1]}"
            archive = DimseArchive(address, DimseSettings(timeout=0.3))
            with pytest.raises(ArchiveError, match="cannot be reached, or does not speak DICOM"):
                archive.find({}, 5)

    @pytest.mark.parametrize(
        "said",
        [
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"\x02\x00" + struct.pack(">I", 1 << 31),
            b"\x07" * 9,
        ],
        ids=["HTTP", "a PDU of 2 GB", "no PDU"],
    )
    def test_a_peer_that_speaks_something_else(self, said):
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:

            def speak() -> None:
                with closing(listener.accept()[0]) as connection:
                    connection.sendall(said)
                    connection.recv(1 << 16)

            thread = threading.Thread(target=speak)
            thread.start()
            address = f"OTHER@127.0.0.1:{listener.getsockname()[1]}"
            archive = DimseArchive(address, DimseSettings(timeout=0.3))
            with pytest.raises(ArchiveError, match="cannot be reached, or does not speak DICOM"):
                archive.find({}, 5)
            thread.join()


def file_of(dataset: Dataset) -> bytes:
    content = BytesIO()
    dataset.save_as(content, enforce_file_format=True)
    return content.getvalue()


class TestFiles:
    """C-GET, by which an archive sends over the association that it was asked by."""

    def test_other_instances_than_were_asked_for_are_not_used(self, slices, cache):
        """Of another patient, under the series of the first."""
        others = [deepcopy(one) for one in slices]
        for other in others:
            other.PatientID = "another"
        get = Behavior(others).got
        with (
            archive_of(Behavior(slices, get=get)) as archive,
            closing(ArchiveSource(archive, cache)) as source,
        ):
            (item,) = source.images()
            with pytest.raises(SourceError, match="another patient ID than was asked for"):
                ready(source.image, item.id)

    def test_files_without_end(self, slices, monkeypatch):
        monkeypatch.setattr(archives, "_FEWEST_FILES", 0)

        def get(event: Any) -> Iterator[Any]:
            yield 65535
            for number in itertools.count(1):
                one = slices[0]
                one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"1.2.{number}"
                yield PENDING, one

        with (
            archive_of(Behavior(slices, get=get)) as archive,
            pytest.raises(ArchiveError, match="sent 6 files of a series, and goes on"),
        ):
            fetched(archive, series_of(slices))

    @pytest.mark.parametrize(
        ("count", "listed", "words"),
        [
            (0, 3, "none has come"),
            (2, 3, "2 of the 3 instances"),
            (2, None, "2 of the 3 instances that it lists"),
        ],
    )
    def test_a_success_with_less_than_there_is(self, slices, cache, count, listed, words):
        """Also of an archive that does not list how many there are in a series."""
        behavior = Behavior(slices, get=Behavior(slices[:count]).got)
        counted = lambda event: iter(  # noqa: E731
            [(PENDING, answer(slices[0], NumberOfSeriesRelatedInstances=listed))]
        )
        behavior.finds["SERIES"] = counted
        with archive_of(behavior) as archive, closing(ArchiveSource(archive, cache)) as source:
            (item,) = source.images()
            with pytest.raises(SourceError, match=words):
                ready(source.image, item.id)

    def test_a_status_that_is_no_success(self, slices):
        statuses = (0xA701, 0xC123, 0x0124, 0x7777)
        yielded = iter(statuses)

        def get(event: Any) -> Iterator[Any]:
            yield 1
            yield next(yielded), None

        with archive_of(Behavior(slices, get=get)) as archive:
            for status in statuses:
                with pytest.raises(ArchiveError, match=f"C-GET with the status {status:04X}H"):
                    fetched(archive, series_of(slices))

    def test_a_file_that_does_not_decode(self, slices, cache):
        """What an archive sends as a CT is none: nothing of the series is used."""

        def garble(event: Any) -> None:
            if event.message.command_set.CommandField == 0x0001:  # C-STORE-RQ
                event.message.data_set = BytesIO(b"nothing of DICOM" * 20)

        behavior = Behavior(slices, handlers=[(evt.EVT_DIMSE_SENT, garble)])
        with archive_of(behavior) as archive, closing(ArchiveSource(archive, cache)) as source:
            (item,) = source.images()
            with pytest.raises(SourceError):
                ready(source.image, item.id)


def sent_to(port: int, datasets: list[Dataset], aet: str = dimse_peer.AET) -> list[int]:
    """Send files to a port (C-STORE); return the status of each."""
    entity = AE(aet)
    entity.add_requested_context(CTImageStorage)
    association = entity.associate("127.0.0.1", port)
    statuses = [association.send_c_store(one).get("Status", -1) for one in datasets]
    association.release()
    return statuses


class TestMoves:
    """C-MOVE, by which an archive sends to a port of this computer, as can anybody else."""

    def moving(self, port: int, *sent: list[Dataset], status: int = SUCCESS, completed: int = 0):
        """What answers a C-MOVE: it sends these files by itself, and then says that all is done."""

        def move(event: Any) -> Iterator[Any]:
            self.statuses = [sent_to(port, datasets) for datasets in sent]
            yield "127.0.0.1", port
            yield 0
            yield status, None

        def count(event: Any) -> None:
            command = event.message.command_set
            if command.CommandField == 0x8021:  # C-MOVE-RSP
                command.NumberOfCompletedSuboperations = completed

        return Behavior(sent[0], move=move, handlers=[(evt.EVT_DIMSE_SENT, count)])

    def test_what_nobody_has_asked_for_is_refused(self, slices):
        """Another one sends at the same time: of another patient, or what is no file at all."""
        port = free_port()
        strange = deepcopy(slices[0])
        strange.SeriesInstanceUID = "1.9.9"
        with archive_of(self.moving(port, slices, [strange]), port) as archive:
            files = fetched(archive, series_of(slices))
        assert len(files) == 3
        assert self.statuses == [[0, 0, 0], [0xA900]]

    def test_only_what_was_not_asked_for(self, slices):
        port = free_port()
        strange = deepcopy(slices[0])
        strange.SeriesInstanceUID = "1.9.9"
        with (
            archive_of(self.moving(port, [strange]), port) as archive,
            pytest.raises(ArchiveError, match="sent 1 files of another series than was asked"),
        ):
            fetched(archive, series_of(slices))

    def test_a_success_and_nothing_comes(self, slices):
        port = free_port()
        with (
            archive_of(self.moving(port, []), port) as archive,
            pytest.raises(ArchiveError, match=r"none has come.*to which host and port .* IGTLMETA"),
        ):
            fetched(archive, series_of(slices))

    def test_a_success_and_less_comes(self, slices):
        port = free_port()
        with (
            archive_of(self.moving(port, slices[:2], completed=3), port) as archive,
            pytest.raises(ArchiveError, match="sent 3 files by C-MOVE, of which 2 have come"),
        ):
            fetched(archive, series_of(slices))

    @pytest.mark.usefixtures("is_impatient")
    def test_progress_without_end_and_without_files(self, slices):
        port = free_port()

        def move(event: Any) -> Iterator[Any]:
            yield "127.0.0.1", port, {"contexts": [build_context(CTImageStorage)]}
            yield 65535
            yield from itertools.repeat((PENDING, slices[0]))

        with (
            archive_of(Behavior(slices, move=move), port) as archive,
            pytest.raises(ArchiveError, match=r"end of a C-MOVE|and goes on"),
        ):
            fetched(archive, series_of(slices))

    def test_a_client_that_stays_connected_does_not_keep_the_fetch(self, slices):
        port = free_port()
        behavior = self.moving(port, slices)
        move, open_ones = behavior.move, []

        def moved(event: Any) -> Iterator[Any]:
            open_ones.append(socket.create_connection(("127.0.0.1", port)))
            yield from move(event)

        behavior.move = moved
        with archive_of(behavior, port) as archive:
            assert len(fetched(archive, series_of(slices))) == 3
        open_ones[0].close()


def test_a_warning_says_that_a_file_is_stored_and_all_else_that_it_is_not(slices, caplog):
    behavior = Behavior(slices)
    with archive_of(behavior) as archive:
        for status in (0xB000, 0xB006, 0xB007):
            behavior.store = lambda event, status=status: status
            archive.store([file_of(slices[0])])
            assert f"has stored with status {status:04X}H" in caplog.text
        for status in (0xA700, 0xC000, 0x0111, 0x9999):
            behavior.store = lambda event, status=status: status
            with pytest.raises(ArchiveError, match=f"stored 0 of 1 files, then .*{status:04X}H"):
                archive.store([file_of(slices[0])])


@pytest.mark.parametrize("hours", [-5, 5])
@pytest.mark.parametrize("moves", [False, True], ids=["C-GET", "C-MOVE"])
def test_a_clock_that_is_set_while_files_come_ends_no_association(
    slices: list[Dataset], monkeypatch: pytest.MonkeyPatch, hours: int, moves: bool
) -> None:
    """pynetdicom waits by the date: a step of an hour was 3600 s of silence."""
    real_time, port = time.time, free_port() if moves else None

    def setting_the_clock(event: Any) -> Iterator[Any]:
        if moves:
            yield "127.0.0.1", port, {"contexts": [build_context(CTImageStorage)]}
        yield len(slices)
        for one in slices:
            yield PENDING, one
            monkeypatch.setattr(time, "time", lambda: real_time() + 3600 * hours)

    with archive_of(Behavior(slices, get=setting_the_clock, move=setting_the_clock), port) as peer:
        assert len(fetched(peer, series_of(slices))) == 3
