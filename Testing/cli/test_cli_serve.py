"""``igtlmeta serve``: a folder of DICOM files, or the demo, offered until somebody ends it."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import nrrd
import numpy as np
import pydicom.data
import pytest
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.uid import Comprehensive3DSRStorage, ExplicitVRLittleEndian

from cli.command import (
    READY,
    SECONDS,
    check_ended_quietly,
    ended,
    environment,
    igtlmeta,
    serving,
    started,
    started_until,
)
from helpers.demo_dicom import write_series
from helpers.ready_sources import ready
from helpers.reserved_port import free_port
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.cli.serve import closed_at_end
from IGTLMetaBrowserLib.net.source import NotReadyError
from IGTLMetaBrowserLib.sources.demo import DemoImage, demo_images
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource


@pytest.fixture(scope="session")
def oblique_mr() -> DemoImage:
    return next(image for image in demo_images() if image.modality == "MR")


@pytest.fixture(scope="session")
def dicom_folder(oblique_mr: DemoImage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One MR series, and three files that are no images."""
    folder = tmp_path_factory.mktemp("dicom")
    write_series(oblique_mr, folder / "mr")
    (folder / "notes.txt").write_text("not DICOM")
    (folder / "more.txt").write_text("not DICOM either")
    shutil.copy(pydicom.data.get_testdata_file("reportsi.dcm", download=False), folder)
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of files' sizes on Windows")
def test_a_disk_that_is_full_leaves_the_images(dicom_folder: Path, tmp_path: Path) -> None:
    """What is known of the files cannot be kept: that is said, and all is served."""
    import resource

    whole = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, whole[1]))  # what is started inherits it
    try:
        with started("serve", dicom_folder, "--port", "0", XDG_CACHE_HOME=str(tmp_path)) as process:
            assert process.stdout is not None
            assert READY.fullmatch(process.stdout.readline())
            process.send_signal(signal.SIGINT)
            words = ended(process)[2]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, whole)
    assert "is kept in memory only" in words


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of open files on Windows")
@pytest.mark.parametrize("most", [5, 6, 7, 8, 9, 16])
def test_who_may_open_too_few_files_is_told_so_in_place_of_serving_nobody(most: int) -> None:
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    with started("serve", "--demo", "--port", "0", before=limit) as process:
        assert process.stdout is not None
        is_serving = READY.fullmatch(process.stdout.readline())
        if is_serving:
            assert igtlmeta("list", is_serving[2]).returncode == 0
        else:
            words = "raise the limit of open files (ulimit -n)\n"
            assert (process.wait(SECONDS), ended(process)[2][-len(words) :]) == (1, words)
        assert is_serving or most < 16


def test_a_dicom_series_goes_all_the_way_to_a_file(
    dicom_folder: Path, oblique_mr: DemoImage, tmp_path: Path
) -> None:
    with serving(dicom_folder, "--port", "0") as (_, count, address):
        (listed,) = json.loads(igtlmeta("list", address, "--json").stdout)
        result = igtlmeta("fetch", address, listed["id"], "-o", tmp_path)
    assert count == 1
    assert listed["name"] == oblique_mr.name
    assert listed["modality"] == "MR"
    assert listed["scan_time"] == "2024-05-14T10:15:20.000000+00:00"
    assert listed["scalar_type"] == "uint16"
    voxels, header = nrrd.read(result.stdout.strip(), index_order="C")
    np.testing.assert_array_equal(voxels, oblique_mr.pixels())
    ijk_to_lps = np.diag([-1, -1, 1, 1]) @ oblique_mr.ijk_to_ras()
    np.testing.assert_allclose(header["space directions"].T, ijk_to_lps[:3, :3], atol=1e-5)
    np.testing.assert_allclose(header["space origin"], ijk_to_lps[:3, 3], atol=1e-3)


def test_what_is_not_offered_is_counted(dicom_folder: Path) -> None:
    with serving(dicom_folder, "--port", "0") as (process, _, _):
        process.terminate()
        _, _, err = ended(process)
    first, *rest = err.splitlines()
    assert first == "igtlmeta: files or series that are not offered, or not as volumes: 3"
    assert rest[0] == "igtlmeta:   2 x not a DICOM file"
    assert rest[1].startswith("igtlmeta:   1 x not an image: Basic Text SR Storage")
    assert len(rest) == 2


def test_v_names_what_is_not_offered_and_what_clients_do(dicom_folder: Path) -> None:
    with serving(dicom_folder, "--port", "0", "-v") as (process, _, address):
        igtlmeta("list", address)
        process.terminate()
        _, _, err = ended(process)
    for line in (
        "notes.txt: not a DICOM file",
        "more.txt: not a DICOM file",
        "reportsi.dcm: not an",
    ):
        assert f"igtlmeta:   {line}" in err
    assert re.search(r"client 127\.0\.0\.1:\d+ connected", err)


def write_odd_report(path: Path) -> None:
    """Write a report (SR) whose elements are encoded otherwise than its meta information says."""
    dataset = pydicom.Dataset()
    dataset.SOPClassUID = Comprehensive3DSRStorage
    dataset.SOPInstanceUID = "1.2.3.4"
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = DicomBytesIO(bytes(128) + b"DICM")
    file.seek(0, 2)
    write_file_meta_info(file, meta, enforce_standard=False)
    file.is_little_endian, file.is_implicit_VR = True, True
    write_dataset(file, dataset)
    path.write_bytes(file.getvalue())


@pytest.mark.parametrize("options", [[], ["-v"]])
def test_what_pydicom_thinks_of_a_file_is_said_with_v_only(
    tmp_path: Path, options: list[str]
) -> None:
    write_odd_report(tmp_path / "report.dcm")
    with serving(tmp_path, "--port", "0", *options) as (process, _, _):
        process.terminate()
        _, _, err = ended(process)
    assert ("Expected explicit VR" in err) == bool(options)


def test_an_empty_folder_is_served(tmp_path: Path) -> None:
    with serving(tmp_path, "--port", "0") as (_, count, address):
        assert count == 0
        assert igtlmeta("list", address, "--json").stdout == "[]\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly(number: signal.Signals) -> None:
    with serving("--demo", "--port", "0") as (process, _, address):
        host, _, port = address.partition(":")
        with socket.create_connection((host, int(port))):  # a client that is still there
            process.send_signal(number)
            assert ended(process) == (0, "", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("has_opened", [False, True])
def test_it_ends_cleanly_before_it_is_ready(
    number: signal.Signals, has_opened: bool, tmp_path: Path
) -> None:
    """While the command's modules are loaded, and while the folder is opened."""
    module = "pydicom.dataset" if has_opened else "IGTLMetaBrowserLib.cli.serving_options"
    with started_until(module, "serve", tmp_path, "--port", "0") as process:
        process.send_signal(number)
        check_ended_quietly(process, 0)


@pytest.mark.parametrize(
    "numbers", [(signal.SIGTERM, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT)]
)
def test_a_second_signal_ends_it_at_once(numbers: tuple[signal.Signals, ...]) -> None:
    """A client that does not read would be waited for; no traceback either."""
    with serving("--demo", "--port", "0") as (process, _, address):
        host, _, port = address.partition(":")
        with socket.create_connection((host, int(port))) as client:
            listing = json.loads(igtlmeta("list", address, "--json").stdout)
            for item in listing:  # more than the buffers of the system hold
                client.sendall(codec.pack(codec.GetMessage("IMAGE", device_name=item["id"])))
            client.recv(1)
            process.send_signal(numbers[0])
            with contextlib.suppress(ConnectionError):  # two at once could come in any order
                while True:
                    socket.create_connection((host, int(port))).close()
            process.send_signal(numbers[1])
            code, _, err = ended(process)
    assert code == -numbers[1]
    assert "Traceback" not in err


def test_a_port_in_use_is_named(demo_address: str) -> None:
    port = demo_address.partition(":")[2]
    result = igtlmeta("serve", "--demo", "--port", port)
    assert (result.returncode, result.stdout) == (1, "")
    assert re.fullmatch(
        rf"igtlmeta: cannot listen on 127.0.0.1:{port}: Address already in use; "
        r"choose another --host, or --port \(0 picks a free one\)\n",
        result.stderr,
    )


def test_that_is_said_before_a_folder_is_read(dicom_folder: Path, tmp_path: Path) -> None:
    """Which can take minutes."""
    index = tmp_path / "index.sqlite"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        result = igtlmeta("serve", dicom_folder, "--port", port, "--index", index)
    assert result.returncode == 1
    assert "Address already in use" in result.stderr
    assert not index.exists()


def test_a_wrong_host_is_named() -> None:
    result = igtlmeta(
        "serve", "--demo", "--allow-remote", "--host", "192.0.2.1"
    )  # no machine's address (RFC 5737)
    assert (result.returncode, result.stdout) == (1, "")
    line = result.stderr.splitlines()[-1]
    assert line.startswith("igtlmeta: cannot listen on 192.0.2.1:18944: ")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    result = igtlmeta("serve", tmp_path / "none")
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert f"'{tmp_path}/none'" in line


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "there are no DICOM images"),
        (["--volumes"], "there are no NRRD, NIfTI or MetaImage files that can be served"),
    ],
)
def test_of_a_folder_without_images_it_is_said(
    tmp_path: Path, options: list[str], words: str
) -> None:
    with serving(tmp_path, *options, "--port", "0") as (process, _, _):
        process.terminate()
        _, _, err = ended(process)
    assert f"{words} in '{tmp_path}'; check the path" in err


def test_without_pydicom_a_folder_is_not_served(tmp_path: Path) -> None:
    (tmp_path / "pydicom.py").write_text("raise ImportError('pydicom is not installed')")
    result = igtlmeta("serve", tmp_path, PYTHONPATH=str(tmp_path))
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert 'pip install "pydicom>=3"' in line


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_ipv6_addresses_are_in_brackets() -> None:
    with serving("--demo", "--host", "::1", "--port", "0") as (_, _, address):
        assert re.fullmatch(r"\[::1\]:\d+", address)
        assert igtlmeta("list", address).returncode == 0


def test_what_was_found_is_not_looked_through_for_garbage_while_it_serves() -> None:
    program = (
        "import gc; from IGTLMetaBrowserLib.cli import main, serving;"
        "serving.Serving.run = lambda self: print(gc.get_freeze_count());"
        "main.main(['serve', '--demo', '--port', '0'])"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) > 0


def test_a_folder_of_plain_volumes(tmp_path: Path) -> None:
    nrrd.write(str(tmp_path / "head.nrrd"), np.zeros((2, 3, 4), np.int16))
    (tmp_path / "broken.mha").write_text("nothing")
    with serving(tmp_path, "--port", "0", "--volumes") as (process, count, address):
        (listed,) = json.loads(igtlmeta("list", address, "--json").stdout)
        process.terminate()
        _, _, err = ended(process)
    assert (count, listed["id"], listed["size"]) == (1, "head", [2, 3, 4])
    assert err.startswith("igtlmeta: not offered: broken.mha: it cannot be read: ")


def test_without_the_option_for_plain_volumes_it_is_named(tmp_path: Path) -> None:
    nrrd.write(str(tmp_path / "head.nrrd"), np.zeros((2, 3, 4), np.int16))
    with serving(tmp_path, "--port", "0") as (process, count, _):
        process.terminate()
        assert "add --volumes" in ended(process)[2]
    assert count == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGSTOP on Windows")
def test_processes_whose_decoder_hangs_end_with_the_command(tmp_path: Path) -> None:
    shutil.copy(pydicom.data.get_testdata_file("MR_small_RLE.dcm", download=False), tmp_path)
    before = {*multiprocessing.active_children()}
    source = DicomFolderSource(tmp_path, seconds_a_turn=0)
    with closed_at_end(source):
        (item,) = source.images()
        ready(source.image, item.id)  # so the process is there
        (process,) = {*multiprocessing.active_children()} - before
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(NotReadyError):
            source.image(item.id)
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


HANGING = """
import threading
from IGTLMetaBrowserLib.cli import serve, serving

class Source:
    def close(self):
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()  # as a disk that does not answer

serving._SECONDS_TO_CLOSE = 0.05
"""
ENDING = (
    HANGING
    + """
with serve.closed_at_end(Source()):
    {end}
"""
)
NOT_LISTENING = (
    HANGING
    + """
import socket
from IGTLMetaBrowserLib.cli.main import main

def open_source(arguments):
    global other
    other = socket.create_server(("127.0.0.1", {port}))
    return Source()

serve._open_source = open_source
main(["serve", "--demo", "--port", "{port}"])
"""
)


@pytest.mark.parametrize(
    ("end", "code"), [("pass", 0), ("raise KeyboardInterrupt", 0), ("raise OSError", 1)]
)
def test_a_disk_that_does_not_answer_does_not_keep_it(end: str, code: int) -> None:
    """Nothing interrupts the thread that reads from it, as from a network share that is away."""
    assert run(ENDING.format(end=end)).returncode == code


def test_nor_does_it_take_back_that_another_program_listens_there() -> None:
    process = run(NOT_LISTENING.format(port=free_port()))
    assert process.returncode == 1
    assert "Address already in use" in process.stderr


def run(text: str) -> subprocess.CompletedProcess[str]:
    """Run a program of Python's."""
    words = [sys.executable, "-c", text]
    return subprocess.run(
        words, capture_output=True, text=True, timeout=SECONDS, check=False, env=environment()
    )
