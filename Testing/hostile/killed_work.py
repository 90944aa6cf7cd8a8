"""What the commands do that are killed, and how their files are looked at afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom

from cli.command import PLAN, Shelf, igtlmeta, served, shelf_of
from helpers import demo_dicom
from helpers.patience import Patience
from helpers.peers import TRAJECTORY
from helpers.scripted_archive import Answer, archive_of, multipart, record, running
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.cli.nrrd_file import write_nrrd
from IGTLMetaBrowserLib.net.recording.recording import Event, RecordingError, read_recording
from IGTLMetaBrowserLib.sources.dicom import fields as dicom_fields

OLDER = b"what was there before"
Results = Mapping[str, bytes]
_START_SECONDS = 120.0  # on a machine that does much else
_VOXELS = np.arange(30_000, dtype="<i2").reshape(30, 50, 20)
_TEMPORARY = tempfile.TemporaryDirectory()
_DATA = Path(_TEMPORARY.name)


class Work:
    """A command, and the files in ``folder`` that it writes over older ones.

    ``results``: what is right in each file, as a whole; other files are the command's own. If it
    ``kills_workers``, not the command is ended but one of the processes that it starts.
    """

    kills_workers = False

    def __init__(self, arguments: list[object], folder: Path, names: list[str]) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir(exist_ok=True)
        self.arguments = [*map(str, arguments)]
        self.folder = folder
        self._names = names
        self.results: Results = {}

    def use(self, out: Path, process: Any) -> None:
        """Do what the command waits for, if it does."""

    def check_killed(self) -> None:
        """Raise ``AssertionError`` unless each file is the older one, or the new one."""
        for name in self._names:
            content = _content(self.folder / name)
            assert content in (OLDER, self.results[name]), f"{name} has {len(content)} bytes"

    def check_done(self) -> None:
        """Raise ``AssertionError`` unless each file is the new one."""
        contents = {name: _content(self.folder / name) for name in self._names}
        if not self.results:
            self.results = contents
        assert contents == self.results
        assert OLDER not in contents.values()

    def left_overs(self) -> list[str]:
        """Return what nobody needs any more."""
        # Folders are also made by what the tests import.
        files = [path for path in self.temporary.rglob("*") if path.is_file()]
        return [str(path) for path in (*self.folder.rglob("*.part"), *files)]


@contextmanager
def fetch(folder: Path) -> Iterator[Work]:
    with served(_shelf()) as address:
        yield _over_older(["fetch", address, "A", "B", "-o", folder], folder, "A.nrrd", "B.nrrd")


@contextmanager
def trajectories(folder: Path) -> Iterator[Work]:
    shelf = shelf_of()
    shelf.lines = [TRAJECTORY] * 20
    with served(shelf) as address:
        name = "plan.mrk.json"
        yield _over_older(["trajectories", address, "-o", folder / name], folder, name)


@contextmanager
def index(folder: Path) -> Iterator[Work]:
    name = "index.csv"
    yield _over_older(["index", _phantom(), "-o", folder / name], folder, name)


class _Stored(Work):
    """The document has another name each time."""

    def check_killed(self) -> None:
        for path in self.folder.glob("*.dcm"):
            assert len(pydicom.dcmread(path).ContentSequence) > 1

    def check_done(self) -> None:
        self.check_killed()
        assert list(self.folder.glob("*.dcm"))


@contextmanager
def store(folder: Path) -> Iterator[Work]:
    plan = folder / "plan.json"
    plan.write_text(json.dumps(PLAN))
    output = folder / "stored"
    output.mkdir()
    arguments = ["store", plan, "--images", _phantom() / "CT", "-o", output]
    yield _Stored(arguments, output, [])


class _StoredInArchive(Work):
    """An archive takes a document as a whole or not at all."""

    def __init__(self, arguments: list[object], folder: Path, stored: list[pydicom.Dataset]):
        super().__init__(arguments, folder, [])
        self._stored = stored

    def check_killed(self) -> None:
        for document in self._stored:
            assert len(document.ContentSequence) > 1

    def check_done(self) -> None:
        self.check_killed()
        assert self._stored


@contextmanager
def archived(folder: Path) -> Iterator[Work]:
    """A plan goes into an archive, which has its images."""
    slices = [pydicom.dcmread(path) for path in sorted((_phantom() / "CT").iterdir())[:8]]
    stored = []

    def keep(_path: str, content: bytes) -> Answer:
        boundary = content.partition(b"\r\n")[0]
        parts = content.split(boundary)
        if parts[-1].strip() != b"--":  # of who has ended meanwhile
            return Answer(400)
        file = parts[1].partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
        stored.append(pydicom.dcmread(BytesIO(file)))
        return Answer(200)

    script = archive_of(multipart(slices), record(slices))
    plan = folder / "plan.json"
    plan.write_text(json.dumps(PLAN))
    with running(script, posted=keep) as port:
        options = ["--series", slices[0].SeriesInstanceUID]
        address = ["--dicomweb", f"http://127.0.0.1:{port}/dicom-web"]
        yield _StoredInArchive(["store", plan, *options, *address], folder, stored)


class _Listening(Work):
    """A server that a client fetches an image from, and ends."""

    image_id = ""

    def use(self, out: Path, process: Any) -> None:
        address = _address(out, process)
        if address:
            igtlmeta("fetch", address, self.image_id, "-o", self.folder)
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)


@contextmanager
def serve(folder: Path) -> Iterator[Work]:
    """A gateway that keeps on its disk what it fetches from an archive."""
    slices = [pydicom.dcmread(path) for path in sorted((_phantom() / "CT").iterdir())]
    with running(archive_of(multipart(slices), record(slices))) as port:
        address = ["--dicomweb", f"http://localhost:{port}"]
        cache = ["--archive-cache", folder / "cache"]
        image_id = dicom_fields.image_id(slices[0].SeriesInstanceUID)
        work = _Listening(["serve", *address, *cache, "--port", "0"], folder, [f"{image_id}.nrrd"])
        work.image_id = image_id
        (folder / f"{image_id}.nrrd").write_bytes(OLDER)
        yield work


@contextmanager
def volumes(folder: Path) -> Iterator[Work]:
    """A server of plain volumes, which are read by a process of its own."""
    served_folder = folder / "volumes"
    served_folder.mkdir()
    write_nrrd(served_folder / "A.nrrd", codec.ImageMessage(_VOXELS), {})
    arguments = ["serve", served_folder, "--volumes", "--port", "0"]
    work = _Listening(arguments, folder, ["A.nrrd"])
    work.image_id = "A"
    (folder / "A.nrrd").write_bytes(OLDER)
    yield work


class _Recorded(_Listening):
    """What is in a recording is what was said, up to the kill; no older file is written over."""

    image_id = "A"

    @property
    def _file(self) -> Path:
        return Path(self.arguments[3])

    def check_killed(self) -> None:
        if not self._file.exists():
            return
        try:
            said = list(read_recording(self._file))
        except RecordingError:
            assert self._file.stat().st_size == 0  # before its first line
        else:
            assert {one.event for one in said} <= set(Event)
        self.arguments[3] = str(self._file.with_suffix(".second"))

    def check_done(self) -> None:
        data = [one.data for one in read_recording(self._file) if one.event is Event.SERVER_SENT]
        assert _VOXELS.tobytes() in b"".join(data)


@contextmanager
def recorded(folder: Path) -> Iterator[Work]:
    with served(_shelf()) as address:
        arguments = ["record", address, "-o", folder / "device.igtl", "--port", "0"]
        yield _Recorded(arguments, folder, [])


@contextmanager
def workers_of(
    start: Callable[[Path], AbstractContextManager[Work]], folder: Path
) -> Iterator[Work]:
    """A work of which not the command is ended, but one of the processes that it starts."""
    with start(folder) as work:
        work.kills_workers = True
        yield work


WORKS: dict[str, Callable[[Path], AbstractContextManager[Work]]] = {
    "fetch": fetch,
    "trajectories": trajectories,
    "index": index,
    "store": store,
    "archive": archived,
    "volumes": volumes,
    "index-workers": lambda folder: workers_of(index, folder),
    "volumes-workers": lambda folder: workers_of(volumes, folder),
    "serve": serve,
    "record": recorded,
}


def _over_older(arguments: list[object], folder: Path, *names: str) -> Work:
    for name in names:
        (folder / name).write_bytes(OLDER)
    return Work(arguments, folder, [*names])


def _content(path: Path) -> bytes:
    """Return what has to be the same each time; the header of NRRD has the server's address."""
    content = path.read_bytes()
    is_image = path.suffix == ".nrrd" and content != OLDER
    return content.partition(b"\n\n")[2] if is_image else content


def _shelf() -> Shelf:
    shelf = shelf_of("A", "B")
    shelf.messages = dict.fromkeys("AB", codec.ImageMessage(_VOXELS))
    shelf.items = [
        replace(one, size=_VOXELS.shape[::-1], scalar_type=codec.ScalarType.INT16)
        for one in shelf.items
    ]
    return shelf


def _address(out: Path, process: Any) -> str:
    """Return the address that a server prints when it is ready; empty if it does not."""
    patience = Patience(_START_SECONDS)
    while process.is_alive() and not patience.is_over:
        text = out.read_text()
        if text.endswith("\n"):
            return text.split()[-1]
        process.join(0.01)
    return ""


@cache
def _phantom() -> Path:
    demo_dicom.write_phantom(_DATA / "data")
    return _DATA / "data"
