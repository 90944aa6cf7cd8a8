"""Archives that fall silent by DIMSE in the middle of something, drip, or have to be left at once.

pynetdicom alone would wait for the rest of a PDU for ever, and take a large file for silence.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pynetdicom import AE, build_context, evt
from pynetdicom.sop_class import CTImageStorage, Verification

from helpers import dimse_peer
from helpers.dimse_peer import PENDING, Behavior
from helpers.reserved_port import free_port
from helpers.shaped_link import ShapedLink
from IGTLMetaBrowserLib.net.source import NotReadyError
from IGTLMetaBrowserLib.sources.archive.archive import ArchiveError, Series
from IGTLMetaBrowserLib.sources.archive.dimse import association as dimse_association
from IGTLMetaBrowserLib.sources.archive.dimse import watch as dimse_watch
from IGTLMetaBrowserLib.sources.archive.dimse.association import associated
from IGTLMetaBrowserLib.sources.archive.dimse.dimse_archive import DimseArchive, DimseSettings
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource

SILENCE = 1.0


@pytest.fixture
def slices(make_slice: Callable[..., Dataset]) -> list[Dataset]:
    return [make_slice((0.0, 0.0, 2.0 * number), number) for number in range(3)]


@pytest.fixture
def is_over() -> Iterator[threading.Event]:
    """Set at the end of the test, so that its peers end."""
    event = threading.Event()
    yield event
    event.set()


def series_of(slices: list[Dataset]) -> Series:
    keywords = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Modality")
    attributes = {keyword: str(slices[0].get(keyword) or "") for keyword in keywords}
    return Series({**attributes, "NumberOfSeriesRelatedInstances": str(len(slices))})


def archive_at(address: str, timeout: float = SILENCE, **settings: Any) -> DimseArchive:
    return DimseArchive(address, DimseSettings(timeout=timeout, **settings))


@contextmanager
def dripping(
    address: str, after: int, is_over: threading.Event, drips: threading.Event | None = None
) -> Iterator[str]:
    """The way to an archive: after so many bytes of it, one comes each 20 ms; ``drips`` is set."""
    aet, _, port = address.partition("@127.0.0.1:")

    def pass_on(client: socket.socket) -> None:
        with suppress(OSError), closing(client), closing(socket.socket()) as there:
            there.connect(("127.0.0.1", int(port)))
            threading.Thread(target=pass_back, args=(client, there), daemon=True).start()
            rest = after
            while content := there.recv(1 << 16):
                client.sendall(content[:rest])
                if drips is not None and content[rest:]:
                    drips.set()
                for byte in content[rest:]:
                    if is_over.wait(0.02):
                        return
                    client.sendall(bytes([byte]))
                rest = max(0, rest - len(content))

    def pass_back(client: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while content := client.recv(1 << 16):
                there.sendall(content)

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=pass_on, args=(client,), daemon=True).start()

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield f"{aet}@127.0.0.1:{listener.getsockname()[1]}"


def long_answer(slices: list[Dataset]) -> dict[str, Any]:
    """Lists the study with a comment of 10,000 characters."""
    found = dimse_peer.answer(slices[0], "STUDY", PatientComments="x" * 10_000)
    return {"STUDY": lambda event: iter([(PENDING, found)])}


class Reactor(threading.Event):
    """Where pynetdicom's reactor looks whether it is paused, and then is not let run for so long
    that the answer to a request is there."""

    def __init__(self, association: Any) -> None:
        super().__init__()
        self.set()
        self.has_looked = threading.Event()
        self.is_answered = threading.Event()
        association.bind(evt.EVT_PDU_RECV, lambda event: self.is_answered.set())

    def wait(self, timeout: float | None = None) -> bool:
        super().wait(timeout)
        self.has_looked.set()
        return self.is_answered.wait()


def test_an_answer_that_comes_before_pynetdicom_knows_that_it_was_asked_for(slices):
    with dimse_peer.running(Behavior(slices, services=[Verification])) as address:
        peer = archive_at(address)._peer
        with associated(peer, [Verification]) as association:
            of_pynetdicom = association.of_pynetdicom
            reactor = of_pynetdicom._reactor_checkpoint = Reactor(of_pynetdicom)
            reactor.has_looked.wait()
            assert of_pynetdicom.send_c_echo().Status == dimse_peer.SUCCESS


class NotedLock:
    """A lock that notes that somebody has to wait for it."""

    def __init__(self, note: Callable[[], None]) -> None:
        self._lock, self._note = threading.Lock(), note

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            self._note()
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_nothing_is_asked_while_pynetdicom_that_was_not_paused_looks_for_messages(monkeypatch):
    """It would take the answer, if that is there at once."""
    events: list[str] = []
    looks, goes_on = threading.Event(), threading.Event()

    def note(what: str) -> None:
        events.append(what)
        goes_on.set()

    def look() -> tuple[None, None]:
        looks.set()
        goes_on.wait()
        events.append("has looked")
        return None, None

    lock = NotedLock(lambda: note("waits"))
    monkeypatch.setattr(dimse_association, "threading", SimpleNamespace(Lock=lambda: lock))
    checkpoint = threading.Event()
    checkpoint.set()
    dimse = SimpleNamespace(get_msg=look, send_msg=note)
    dimse_association._leave_answers(SimpleNamespace(dimse=dimse, _reactor_checkpoint=checkpoint))
    reactor = threading.Thread(target=dimse.get_msg)
    reactor.start()
    looks.wait()
    checkpoint.clear()
    dimse.send_msg("is asked")
    reactor.join()
    assert events == ["waits", "has looked", "is asked"]
    assert dimse.get_msg() == (None, None)
    assert events == ["waits", "has looked", "is asked"]


def test_a_pynetdicom_that_pauses_its_reactor_in_another_way_is_left_as_it_is():
    """Its thread would end at what is not there, and with that each association."""
    dimse = SimpleNamespace(get_msg=print, send_msg=print)
    dimse_association._leave_answers(SimpleNamespace(dimse=dimse))
    assert dimse == SimpleNamespace(get_msg=print, send_msg=print)


def test_an_association_that_is_accepted_byte_by_byte(slices, is_over):
    with (
        dimse_peer.running(Behavior(slices)) as address,
        dripping(address, 0, is_over) as there,
        pytest.raises(ArchiveError, match="cannot be reached, or does not speak DICOM"),
    ):
        archive_at(there).find({}, 5)


def test_an_answer_of_which_the_rest_does_not_come_in_time(slices, is_over, monkeypatch):
    """Each byte comes soon, but the PDU is not whole for longer than the silence allowed.

    From when it drips, the watch's time is twenty times as fast: a busy machine makes an
    association in no shorter time.
    """
    behavior, drips = Behavior(slices, long_answer(slices)), threading.Event()
    pause = lambda seconds: time.sleep(seconds / 20 if drips.is_set() else seconds)  # noqa: E731
    monkeypatch.setattr(dimse_watch, "time", SimpleNamespace(sleep=pause))
    with (
        dimse_peer.running(behavior) as address,
        dripping(address, 2000, is_over, drips) as there,
        pytest.raises(ArchiveError, match=r"C-FIND: it has said nothing for 20 s; try again"),
    ):
        archive_at(there, 20.0).find({}, 5)


def test_time_in_which_this_program_was_stopped_is_no_silence(slices, monkeypatch):
    """As by Ctrl-Z, or with its virtual machine: when it goes on, the clock is far ahead."""
    ahead = 0.0

    def find(event: Any) -> Iterator[Any]:
        nonlocal ahead
        ahead = 1000.0
        has_looked.clear()
        assert has_looked.wait(60)
        yield PENDING, dimse_peer.answer(slices[0], "STUDY")

    def look(seconds: float) -> None:
        time.sleep(seconds)
        has_looked.set()

    has_looked = threading.Event()
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + ahead, sleep=look)
    monkeypatch.setattr(dimse_watch, "time", clock)
    with dimse_peer.running(Behavior(slices, {"STUDY": find})) as address:
        assert len(archive_at(address, 20.0).find({}, 5)) == 1


def test_a_file_that_comes_too_slowly(slices, monkeypatch):
    """In small PDUs, each of which comes soon: there is a least rate, as by DICOMweb."""
    monkeypatch.setattr(dimse_watch, "SECONDS_TO_LOOK", -20.0)
    monkeypatch.setattr(dimse_watch, "SLOWEST_BYTES_A_SECOND", 1 << 30)
    slices[0].set_pixel_data(np.zeros((500, 500), np.uint16), "MONOCHROME2", 12)
    with dimse_peer.running(Behavior(slices[:1])) as address:
        port = int(address.rpartition(":")[2])
        with (
            ShapedLink(port, 1e6) as link,
            pytest.raises(ArchiveError, match=r"it has sent only .* bytes in"),
        ):
            archive_at(f"BAD@127.0.0.1:{link.port}", 20.5).fetch(series_of(slices[:1]), print)


def test_a_large_file_on_a_slow_network_is_no_silence(slices):
    """It takes longer than the silence that is allowed, in which nothing may come."""
    slices[0].set_pixel_data(
        np.zeros((1000, 500), np.uint16), "MONOCHROME2", 12, generate_instance_uid=False
    )
    files: list[Any] = []
    with dimse_peer.running(Behavior(slices[:1])) as address:
        port = int(address.rpartition(":")[2])
        with ShapedLink(port, 2e6) as link:  # of 8 Mbit
            archive = archive_at(f"BAD@127.0.0.1:{link.port}", 3.0)
            archive.fetch(series_of(slices[:1]), files.append)
    assert [len(file) > 1_000_000 for file in files] == [True]


def test_files_that_come_by_c_move_without_a_word_of_progress(slices):
    """Of which it is an archive's choice to tell (PS3.4 C.4.2.1.7): the files are heard."""
    port, never = free_port(), threading.Event()

    def move(event: Any) -> Iterator[Any]:
        entity = AE(dimse_peer.AET)
        entity.add_requested_context(CTImageStorage)
        association = entity.associate("127.0.0.1", port)
        for one in slices:
            never.wait(0.8)
            association.send_c_store(one)
        association.release()
        yield "127.0.0.1", port
        yield 0

    files: list[Any] = []
    with dimse_peer.running(Behavior(slices, move=move)) as address:
        archive_at(address, 2.0, move_port=port).fetch(series_of(slices), files.append)
    assert len(files) == 3


def test_a_large_file_on_a_slow_network_by_c_move(slices):
    """On one connection the archive sends it, and on the other it has nothing to say."""
    slices[0].set_pixel_data(
        np.zeros((1000, 500), np.uint16), "MONOCHROME2", 12, generate_instance_uid=False
    )
    port, files = free_port(), list[Any]()

    def move(event: Any) -> Iterator[Any]:
        with ShapedLink(port, 2e6) as link:  # of 8 Mbit
            entity = AE(dimse_peer.AET)
            entity.add_requested_context(CTImageStorage)
            association = entity.associate("127.0.0.1", link.port)
            association.send_c_store(slices[0])
            association.release()
        yield "127.0.0.1", port
        yield 0

    with dimse_peer.running(Behavior(slices[:1], move=move)) as address:
        archive_at(address, 2.0, move_port=port).fetch(series_of(slices[:1]), files.append)
    assert len(files) == 1


def test_who_keeps_the_port_of_c_move_open_with_half_of_a_pdu_keeps_nobody(slices):
    """Anybody can connect to it. When the files are there, they are left."""
    port, strangers = free_port(), []

    def move(event: Any) -> Iterator[Any]:
        stranger = socket.create_connection(("127.0.0.1", port))
        stranger.sendall(b"\x01\x00\x00\x00\x10\x00rest")
        strangers.append(stranger)
        yield "127.0.0.1", port, {"contexts": [build_context(CTImageStorage)]}
        yield len(slices)
        for one in slices:
            yield PENDING, one

    files: list[Any] = []
    with dimse_peer.running(Behavior(slices, move=move)) as address:
        archive_at(address, 5.0, move_port=port).fetch(series_of(slices), files.append)
    assert len(files) == 3
    assert strangers[0].recv(100) == b""
    strangers[0].close()


@pytest.mark.parametrize("what", ["IMAGE", "C-GET"])
def test_a_source_is_closed_while_its_archive_is_silent(slices, tmp_path, is_over, what):
    """At once: SIGTERM does not wait for an archive. Nothing of the series is kept."""
    is_asked = threading.Event()

    def wait(event: Any) -> Iterator[Any]:
        is_asked.set()
        is_over.wait()
        yield from ()

    behavior = Behavior(slices)
    if what == "C-GET":
        behavior.get = wait
    else:
        behavior.finds[what] = wait
    with dimse_peer.running(behavior) as address:
        cache = SeriesCache(tmp_path / "cache", 1 << 30)
        source = ArchiveSource(archive_at(address, 1000.0), cache)
        (item,) = source.images()
        with pytest.raises(NotReadyError):
            source.image(item.id)
        assert is_asked.wait(60)
        source.close()
        is_over.set()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("archive")]
    assert [*(tmp_path / "cache").iterdir()] == []


def test_nothing_is_asked_for_after_the_end(slices):
    with dimse_peer.running(Behavior(slices)) as address:
        archive = archive_at(address, 20.0)
        archive.close()
        with pytest.raises(ArchiveError, match="was not asked: this program ends"):
            archive.find({}, 5)
