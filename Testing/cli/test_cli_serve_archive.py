"""``igtlmeta serve --dicomweb``: an archive as an OpenIGTLink endpoint."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import nrrd
import numpy as np
import pytest

from cli.command import SECONDS, ended, forked_from_imported, igtlmeta
from helpers import orthanc, scripted_archive
from helpers.dropping_host import ON_LINUX_ONLY, dropping, wait_for_somebody_to_connect
from helpers.peers import Peer
from helpers.reserved_port import free_port
from helpers.scripted_archive import Answer
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

without_orthanc = pytest.mark.skipif(
    not orthanc.is_installed(), reason=f"no Orthanc: {orthanc.INSTALL}"
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, phantom: Path) -> Iterator[orthanc.Orthanc]:
    with orthanc.running(tmp_path_factory.mktemp("orthanc")) as running:
        running.upload(sorted(phantom.rglob("*.dcm")))
        yield running


@without_orthanc
def test_its_images_are_listed_and_fetched(archive, phantom, tmp_path):
    options = ["--dicomweb", archive.dicomweb, "--port", 0, "--archive-cache", tmp_path / "cache"]
    with forked_from_imported("serve", *options, "--modality", "CT") as server:
        line = server.stdout.readline()
        assert line.startswith("serving 1 images on ")
        address = line.split()[-1]
        (entry,) = json.loads(igtlmeta("list", address, "--json").stdout)
        assert (entry["name"], entry["patient_id"]) == ("CT head", "DEMO-0001")
        fetched = igtlmeta("fetch", address, entry["id"], "-o", tmp_path)
        assert fetched.returncode == 0, fetched.stderr
        pixels, _ = nrrd.read(fetched.stdout.strip())
    expected = DicomFolderSource(phantom).image(entry["id"]).pixels
    np.testing.assert_array_equal(pixels, expected.transpose())


@without_orthanc
def test_by_dimse(archive, tmp_path):
    options = ["--dicom", archive.peer, "--port", 0, "--archive-cache", tmp_path / "cache"]
    with forked_from_imported("serve", *options, "--filter", "PatientName=Shep*") as server:
        assert server.stdout.readline().startswith("serving 3 images on ")


@without_orthanc
def test_a_search_asks_the_archive(archive, tmp_path):
    options = ["--dicomweb", archive.dicomweb, "--port", 0, "--archive-cache", tmp_path / "cache"]
    with forked_from_imported("serve", *options, "--most", "1") as server:
        address = server.stdout.readline().split()[-1]
        cut = igtlmeta("list", address, "--json")
        assert len(json.loads(cut.stdout)) == 1
        assert "has more that match" in cut.stderr
        found = igtlmeta("list", address, "--json", "--search", "Modality=PT")
        assert [entry["modality"] for entry in json.loads(found.stdout)] == ["PT"]
        assert found.stderr == ""
        nothing = igtlmeta("list", address, "--search", "PatientName=Nobody*")
        assert "offers no images that match" in nothing.stderr


@ON_LINUX_ONLY
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "archive", [("--dicomweb", "http://127.0.0.1:{}"), ("--dicom", "PACS@127.0.0.1:{}")]
)
def test_it_ends_while_it_connects_to_an_archive_that_does_not_answer(archive, number, tmp_path):
    option, address = archive
    options = ["--archive-timeout", 10 * SECONDS, "--archive-cache", tmp_path / "cache"]
    with (
        dropping() as port,
        forked_from_imported(
            "serve", option, address.format(port), *options, "--port", "0"
        ) as process,
    ):
        wait_for_somebody_to_connect(port, SECONDS)
        process.send_signal(number)
        assert ended(process) == (0, "", "")


@ON_LINUX_ONLY
def test_it_ends_while_a_client_waits_for_an_archive_that_does_not_answer_any_more(tmp_path):
    options = ["--archive-timeout", 10 * SECONDS, "--archive-cache", tmp_path / "cache"]
    empty = Answer(204, headers={"Connection": "close"})
    with ExitStack() as until_it_is_away:
        port = until_it_is_away.enter_context(scripted_archive.running(lambda _path: empty))
        url = f"http://127.0.0.1:{port}"
        with forked_from_imported("serve", "--dicomweb", url, *options, "--port", "0") as process:
            address = process.stdout.readline().split()[-1]
            until_it_is_away.close()
            with dropping(port), Peer.connect(int(address.rpartition(":")[2])) as peer:
                peer.send(codec.GetMessage("IMGMETA"))
                wait_for_somebody_to_connect(port, SECONDS)
                process.send_signal(signal.SIGTERM)
                assert ended(process)[0] == 0


def test_a_server_that_cannot_search_is_named():
    with forked_from_imported("serve", "--demo", "--port", "0") as server:
        address = server.stdout.readline().split()[-1]
        found = igtlmeta("list", address, "--json", "--search", "Modality=PT")
        assert len(json.loads(found.stdout)) == 3
        assert "does not search: these are all of its images" in found.stderr


def test_an_archive_that_is_down_is_named():
    result = igtlmeta("serve", "--dicomweb", f"http://127.0.0.1:{free_port()}/dicom-web")
    assert result.returncode == 1
    assert "cannot search http://127.0.0.1" in result.stderr
    assert "Connection refused" in result.stderr


def test_a_filter_by_what_is_no_attribute():
    result = igtlmeta("serve", "--dicomweb", "http://127.0.0.1", "--filter", "Patient=4711")
    assert result.returncode == 2
    assert "PatientID" in result.stderr
