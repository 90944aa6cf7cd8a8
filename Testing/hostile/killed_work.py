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
from pathlib import Path
from typing import Any

import numpy as np
import pydicom

from cli.command import Shelf, igtlmeta, served, shelf_of
from cli.test_cli_store import PLAN
from helpers import demo_dicom
from helpers.peers import TRAJECTORY
from helpers.scripted_archive import archive_of, multipart, record, running
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.recording import Event, RecordingError, read_recording
from IGTLMetaBrowserLib.sources import dicom_fields

OLDER = b"what was there before"
Results = Mapping[str, bytes]
_VOXELS = np.arange(30_000, dtype="<i2").reshape(30, 50, 20)
_TEMPORARY = tempfile.TemporaryDirectory()
_DATA = Path(_TEMPORARY.name)


class Work:
    """A command, and the files in ``folder`` that it writes over older ones.

    ``results``: what is right in each file, as a whole; other files are the command's own.
    """

    def __init__(self, arguments: list[object], folder: Path, names: list[str]) -> None:
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
        return [str(path) for path in self.folder.rglob("*.part")]


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


WORKS: dict[str, Callable[[Path], AbstractContextManager[Work]]] = {
    "fetch": fetch,
    "trajectories": trajectories,
    "index": index,
    "store": store,
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
    """Return the address that a server prints when it is ready; empty if it has ended before."""
    while process.is_alive():
        text = out.read_text()
        if text.endswith("\n"):
            return text.split()[-1]
        process.join(0.01)
    return ""


@cache
def _phantom() -> Path:
    demo_dicom.write_phantom(_DATA / "data")
    return _DATA / "data"
