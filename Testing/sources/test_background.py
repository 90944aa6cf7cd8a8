"""What takes long, beside the thread that serves: closing ends it, wherever it is."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from pydicom import examples

from IGTLMetaBrowserLib.dicom_index import index as dicom_index
from IGTLMetaBrowserLib.dicom_index.headers.header_reader import DICOM, UNREAD
from IGTLMetaBrowserLib.dicom_index.index import DicomIndex
from IGTLMetaBrowserLib.net.source import NotReadyError
from IGTLMetaBrowserLib.sources import folder_scans
from IGTLMetaBrowserLib.sources.background import Background
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

PATIENCE = 30.0


def go_on_for_ever(begun: threading.Event) -> None:
    """Do one thing after the other; none of them takes long."""
    while True:
        begun.set()
        time.sleep(0.001)


def test_what_has_no_end_is_ended():
    background, begun = Background(), threading.Event()
    background.begin("work", lambda: go_on_for_ever(begun))
    background.begin("next", lambda: pytest.fail("it is not begun any more"))
    assert begun.wait(PATIENCE)
    background.close()
    assert not background._thread.is_alive()


def test_what_expects_broken_files_does_not_take_it_for_one():
    background, begun, caught = Background(), threading.Event(), []

    def work() -> None:
        try:
            go_on_for_ever(begun)
        except Exception as error:
            caught.append(error)

    background.begin("work", work)
    assert begun.wait(PATIENCE)
    background.close()
    assert not caught


def test_nothing_is_interrupted_if_nothing_is_done():
    background = Background()
    background.close()
    background = Background()
    background.begin("work", lambda: 1)
    while background.is_busy("work"):
        time.sleep(0.001)
    background.close()
    assert background.take("work") == 1


def test_a_scan_of_a_large_folder_is_ended_and_what_it_has_read_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As when SIGTERM comes: services are killed after a few seconds."""
    files = tmp_path / "files"
    files.mkdir()
    database = tmp_path / "index.sqlite"
    index = DicomIndex(files, database)
    index.update()
    source = DicomFolderSource(files, index=index, seconds_a_turn=0.01)
    content = Path(examples.get_path("ct")).read_bytes()
    for number in range(200):
        (files / str(number)).write_bytes(content)

    batches_read = threading.Event()
    read_batches = dicom_index.read_batches

    def read_slowly(*arguments):
        yield next(read_batches(*arguments))
        go_on_for_ever(batches_read)

    monkeypatch.setattr(dicom_index, "read_batches", read_slowly)
    monkeypatch.setattr(folder_scans, "_SECONDS_BETWEEN_SCANS", 0.0)
    with pytest.raises(NotReadyError):
        source.images()
    assert batches_read.wait(PATIENCE)
    source.close()

    with DicomIndex(files, database) as index:
        assert index.count(DICOM) == 64
        assert index.count(UNREAD) == 136
