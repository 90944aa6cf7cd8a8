"""The gateway to an archive, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers.empty_archive import EmptyArchive, empty_archive
from helpers.peers import PATIENCE
from helpers.processes import is_there
from IGTLMetaBrowserLib import net
from IGTLMetaBrowserLib.browser.endpoints.gateway_process import GatewayProcess

pytest.importorskip("dicomweb_client")

IMPORT_ROOT = Path(__file__).resolve().parents[3] / "IGTLMetaBrowser"
SECONDS = 3 * PATIENCE


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmptyArchive]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with empty_archive() as archive:
        yield archive


@pytest.fixture
def start() -> Iterator[Callable[..., GatewayProcess]]:
    """A function that starts a gateway to a URL, and ends it after the test."""
    started = []

    def start(url: str, *options: str, **secrets: str) -> GatewayProcess:
        started.append(GatewayProcess(sys.executable, ["--dicomweb", url, *options], secrets))
        return started[-1]

    yield start
    for process in started:
        process.kill()


def wait(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)  # between two looks, as the window's timer makes them


def ready(process: GatewayProcess) -> tuple[str, int]:
    wait(lambda: process.poll() or process.address or process.exit_code is not None, "the gateway")
    assert process.address is not None, process.words
    return process.address


def test_its_images_are_listed_when_it_is_ready(archive, start):
    with net.Client(*ready(start(archive.url))) as client:
        (item,) = client.list_images()
    assert (item.name, item.patient_name) == ("CT head", "Doe, Jane")


def test_it_serves_nobody_else_meanwhile(archive, start):
    address = ready(start(archive.url))
    with net.Client(*address) as client, net.Client(*address) as other:
        client.list_images()
        with pytest.raises(net.NetworkError):
            other.list_images()
        client.list_images()


def test_a_password_is_told_to_the_archive_and_to_nobody_else(archive, start):
    process = start(archive.url, "--archive-user", "doe", IGTLMETA_ARCHIVE_PASSWORD="secret-4711")
    ready(process)
    assert archive.authorizations[0] == "Basic ZG9lOnNlY3JldC00NzEx"  # doe:secret-4711
    command = Path(f"/proc/{process.process_id}/cmdline").read_bytes()
    assert b"doe" in command
    assert b"secret-4711" not in command


@pytest.mark.parametrize(
    ("status", "words"), [(401, "user name and password"), (503, "it is busy")]
)
def test_an_archive_that_refuses_is_explained(archive, start, status, words):
    archive.status = status
    process = start(archive.url)
    wait(lambda: process.poll() or process.exit_code is not None, "the end")
    assert process.exit_code == 1
    assert f"HTTP {status}" in process.words
    assert words in process.words
    assert "--" not in process.words  # options are for those who type a command


def test_an_ae_title_that_is_none_is_explained(start):
    process = start("http://127.0.0.1:9/dicom-web", "--aet", "Röntgen")
    wait(lambda: process.poll() or process.exit_code is not None, "the end")
    assert process.exit_code == 2
    assert process.words.startswith("'Röntgen' is no AE title: 1 to 16 characters")
    assert "--" not in process.words


def test_an_archive_that_is_down_is_explained(start):
    process = start("http://127.0.0.1:9/dicom-web")
    wait(lambda: process.poll() or process.exit_code is not None, "the end")
    assert process.exit_code == 1
    assert "cannot search http://127.0.0.1:9/dicom-web" in process.words


def test_it_ends_when_it_is_asked_to(archive, start):
    process = start(archive.url)
    ready(process)
    process.end()
    wait(lambda: process.poll() or process.exit_code is not None, "the end")
    assert process.exit_code == 0


def test_it_can_be_ended_before_the_archive_has_answered(archive, start):
    archive.may_answer.clear()
    process = start(archive.url)
    wait(lambda: archive.authorizations, "the query")
    process.kill(seconds=0.1)
    assert not is_there(process.process_id)


def test_a_program_that_is_missing_is_an_error():
    with pytest.raises(OSError, match="no_such_python"):
        GatewayProcess("/no_such_python", [])


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks into /proc")
def test_it_ends_with_the_program_that_started_it_even_if_that_is_killed(archive, tmp_path):
    code = (
        "import sys, time; from IGTLMetaBrowserLib.browser.endpoints.gateway_process "
        "import GatewayProcess\n"
        f"gateway = GatewayProcess(sys.executable, ['--dicomweb', {archive.url!r}])\n"
        "while gateway.address is None: gateway.poll(); time.sleep(0.02)\n"
        "print(gateway.process_id, flush=True); time.sleep(600)"
    )
    environment = {**os.environ, "PYTHONPATH": str(IMPORT_ROOT), "TMPDIR": str(tmp_path)}
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment
    )
    with parent:
        process_id = int(parent.stdout.readline())
        assert is_there(process_id)
        parent.send_signal(signal.SIGKILL)
    wait(lambda: not is_there(process_id), "the end of the gateway")
