"""Orthanc, a real archive (PACS), on free ports of this computer with a folder of its own.

Debian: ``apt-get install orthanc orthanc-dicomweb``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from helpers.reserved_port import free_port

INSTALL = "apt-get install -y --no-install-recommends orthanc orthanc-dicomweb"
PLUGINS = Path("/usr/share/orthanc/plugins")
DICOMWEB = PLUGINS / "libOrthancDicomWeb.so"
_SECONDS_TO_START = 30
_ATTEMPTS = 5


def is_installed() -> bool:
    """Whether this computer has Orthanc and its DICOMweb plugin."""
    return program() is not None and DICOMWEB.exists()


def program() -> str | None:
    """Return the path of Orthanc; Debian has it where only root looks."""
    return shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")


@dataclass(frozen=True)
class Orthanc:
    """An archive that runs: its ports, and what a client needs to be let in."""

    http_port: int
    dicom_port: int
    process: subprocess.Popen[bytes]
    log: Path
    scheme: str = "http"
    user: tuple[str, str] | None = None
    authority: Path | None = None
    aet: str = "ORTHANC"

    @property
    def base(self) -> str:
        return f"{self.scheme}://localhost:{self.http_port}"

    @property
    def dicomweb(self) -> str:
        """The URL of its DICOMweb service."""
        return f"{self.base}/dicom-web"

    @property
    def peer(self) -> str:
        """Its address for DIMSE."""
        return f"{self.aet}@localhost:{self.dicom_port}"

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """Call Orthanc's own REST API."""
        verify = str(self.authority) if self.authority else True
        return requests.request(
            method, f"{self.base}{path}", auth=self.user, verify=verify, timeout=60, **arguments
        )

    def upload(self, files: Iterable[Path]) -> int:
        """Store files; return how many it took (it refuses what is no whole DICOM).

        Where several write into one database, it fails now and then: they are sent again.
        """

        def post(file: Path) -> bool:
            answers = (
                self.call("POST", "/instances", data=file.read_bytes()) for _ in range(_ATTEMPTS)
            )
            return next((one.ok for one in answers if one.status_code < 500), False)

        with ThreadPoolExecutor(4) as executor:
            return sum(executor.map(post, files))


@contextmanager
def running(
    folder: Path,
    *,
    user: tuple[str, str] | None = None,
    certificate: Path | None = None,
    authority: Path | None = None,
    modalities: Mapping[str, tuple[str, int]] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[Orthanc]:
    """Run an archive whose data lie in ``folder``, until the end of the block.

    ``certificate`` (a PEM file with its key) has it speak HTTPS; ``modalities`` are the peers that
    it may send to with C-MOVE, by their AE titles.
    """
    http_port, dicom_port = free_port(), free_port()
    configuration = {
        **_configuration(folder, http_port, dicom_port),
        "AuthenticationEnabled": user is not None,
        "RegisteredUsers": dict([user]) if user else {},
        "SslEnabled": certificate is not None,
        "SslCertificate": str(certificate or ""),
        "DicomModalities": {
            name: [name, "localhost", port] for name, (_, port) in (modalities or {}).items()
        },
        **(settings or {}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "orthanc.log"
    process = _started(folder / "orthanc.json", configuration, log)
    scheme = "http" if certificate is None else "https"
    archive = Orthanc(http_port, dicom_port, process, log, scheme, user, authority)
    try:
        wait(archive)
        yield archive
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _started(file: Path, configuration: Mapping[str, Any], log: Path) -> subprocess.Popen[bytes]:
    file.write_text(json.dumps(configuration), encoding="utf-8")
    command = [program() or "Orthanc", "--verbose-http", str(file)]
    with log.open("wb") as output:
        return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)


def _configuration(folder: Path, http_port: int, dicom_port: int) -> dict[str, Any]:
    return {
        "Name": "test",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [str(DICOMWEB)],
        "HttpPort": http_port,
        "DicomPort": dicom_port,
        "DicomAet": "ORTHANC",
        "RemoteAccessAllowed": False,
        "DicomAlwaysAllowEcho": True,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowMove": True,
        "StorageCompression": False,
        "HttpThreadsCount": 20,
    }


def wait(archive: Orthanc) -> None:
    """Wait until it answers."""
    end = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < end and archive.process.poll() is None:
        try:
            if archive.call("GET", "/system").ok:
                return
        except requests.RequestException:
            time.sleep(0.05)
    raise RuntimeError(f"Orthanc did not start:\n{archive.log.read_text(errors='replace')[-2000:]}")
