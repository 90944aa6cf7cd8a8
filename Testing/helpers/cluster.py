"""A cluster on this computer: PostgreSQL, two Orthancs on it, two gateways, haproxy before both.

The configuration is that of ``deploy/cluster``. Everything listens on free loopback ports, has its
data in temporary folders, and needs no privileges: PostgreSQL, which refuses root, runs as nobody.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.reserved_port import free_port

from . import orthanc

TOP = Path(__file__).parents[2]
CONFIGURATION = TOP / "deploy" / "cluster"
INSTALL = f"{orthanc.INSTALL} orthanc-postgresql postgresql haproxy"
INDEX_PLUGIN = orthanc.PLUGINS / "libOrthancPostgreSQLIndex.so"
_SECONDS_TO_START = 60


def is_installed() -> bool:
    """Whether this computer has all that a cluster takes."""
    programs = (_haproxy(), _postgres("initdb"), _postgres("postgres"))
    return orthanc.is_installed() and INDEX_PLUGIN.exists() and all(programs)


@dataclass(frozen=True)
class Gateway:
    """An ``igtlmeta serve`` that runs, and the folder of its cache."""

    process: subprocess.Popen[str]
    port: int
    cache: Path


@dataclass(frozen=True)
class Cluster:
    """What runs: the two addresses that others use, and what is behind them."""

    openigtlink_port: int
    dicomweb: str
    orthancs: tuple[orthanc.Orthanc, orthanc.Orthanc]
    gateways: tuple[Gateway, Gateway]


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """Run a cluster whose data lie in ``folder``, until the end of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    web_port, openigtlink_port = free_port(), free_port()
    gateway_ports = free_port(), free_port()
    dicomweb = f"http://127.0.0.1:{web_port}/dicom-web"
    with ExitStack() as stack:
        database = stack.enter_context(_postgresql())
        (folder / "images").mkdir()
        # One after the other: the first makes the tables.
        first, second = (
            stack.enter_context(_orthanc(folder, f"orthanc-{number}", database))
            for number in (1, 2)
        )
        addresses = {
            "DICOMWEB": f"127.0.0.1:{web_port}",
            "OPENIGTLINK": f"127.0.0.1:{openigtlink_port}",
        }
        for number, archive in enumerate((first, second), start=1):
            addresses[f"ORTHANC_{number}"] = f"127.0.0.1:{archive.http_port}"
            addresses[f"GATEWAY_{number}"] = f"127.0.0.1:{gateway_ports[number - 1]}"
        stack.enter_context(_proxy(folder, addresses, web_port))
        one, other = (
            stack.enter_context(_gateway(dicomweb, port, folder / f"cache-{port}"))
            for port in gateway_ports
        )
        _wait(lambda: _listens(openigtlink_port), "haproxy")
        yield Cluster(openigtlink_port, dicomweb, (first, second), (one, other))


@contextmanager
def _postgresql() -> Iterator[Mapping[str, str]]:
    """Run a database; yield the environment variables by which Orthanc finds it."""
    port, password = free_port(), secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="igtlmetabrowser-") as name, ExitStack() as stack:
        folder = Path(name)
        options: dict[str, Any] = {"cwd": folder}
        if os.geteuid() == 0:
            options |= {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(folder, "nobody", "nogroup")
        data, password_file = folder / "data", folder / "password"
        password_file.write_text(password)
        log = stack.enter_context((folder / "log").open("w+b"))
        options |= {"stdout": log, "stderr": log}
        command = [_postgres("initdb"), f"--pgdata={data}", f"--pwfile={password_file}"]
        command += ["--auth=scram-sha-256", "--username=orthanc", "--encoding=UTF8", "--locale=C"]
        subprocess.run(command, check=True, **options)
        command = [_postgres("postgres"), "-D", str(data), "-p", str(port)]
        for setting in ("unix_socket_directories=", "listen_addresses=127.0.0.1", "fsync=off"):
            command += ["-c", setting]
        stack.enter_context(_ended(subprocess.Popen(command, **options)))
        _wait(lambda: _listens(port), "PostgreSQL")
        yield {
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": str(port),
            "POSTGRES_DATABASE": "postgres",
            "POSTGRES_USER": "orthanc",
            "POSTGRES_PASSWORD": password,
        }


@contextmanager
def _orthanc(folder: Path, name: str, database: Mapping[str, str]) -> Iterator[orthanc.Orthanc]:
    http_port, dicom_port = free_port(), free_port()
    environment = {
        "ORTHANC_NAME": name,
        "ORTHANC_STORAGE": str(folder / "images"),
        "ORTHANC_HTTP_PORT": str(http_port),
        "ORTHANC_DICOM_PORT": str(dicom_port),
    }
    log = folder / f"{name}.log"
    command = [orthanc.program() or "Orthanc", "--verbose-http", CONFIGURATION / "orthanc.json"]
    with (
        log.open("wb") as output,
        _ended(
            subprocess.Popen(
                command, stdout=output, stderr=output, env={**os.environ, **database, **environment}
            )
        ) as process,
    ):
        archive = orthanc.Orthanc(http_port, dicom_port, process, log)
        orthanc.wait(archive)
        yield archive


@contextmanager
def _proxy(folder: Path, addresses: Mapping[str, str], port: int) -> Iterator[None]:
    command = [_haproxy() or "haproxy", "-db", "-f", CONFIGURATION / "haproxy.cfg"]
    with (
        (folder / "haproxy.log").open("wb") as log,
        _ended(subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **addresses})),
    ):
        _wait(lambda: _listens(port), "haproxy")
        yield


@contextmanager
def _gateway(dicomweb: str, port: int, cache: Path) -> Iterator[Gateway]:
    command = [sys.executable, "-m", "IGTLMetaBrowserLib.cli", "serve", "--port", str(port)]
    command += ["--dicomweb", dicomweb, "--archive-cache", str(cache)]
    path = os.pathsep.join([str(TOP / "IGTLMetaBrowser"), os.environ.get("PYTHONPATH", "")])
    with _ended(
        subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
        )
    ) as process:
        ready = process.stdout.readline() if process.stdout else ""
        if not ready.startswith("serving "):
            raise RuntimeError(f"a gateway did not start; it said {ready!r}")
        yield Gateway(process, port, cache)


@contextmanager
def _ended(process: subprocess.Popen[Any]) -> Iterator[subprocess.Popen[Any]]:
    """Yield the process, which has ended when the block has, and what it says is read no more."""
    with process:
        try:
            yield process
        finally:
            process.terminate()  # does nothing to one that was killed
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _postgres(program: str) -> str | None:
    """Return the path of a program of PostgreSQL's newest version, which Debian has in no PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
    return str(found[-1]) if found else shutil.which(program)


def _haproxy() -> str | None:
    return shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _wait(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + _SECONDS_TO_START
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} did not start in {_SECONDS_TO_START} s")
        time.sleep(0.05)
