"""What a source knows of an image beside the listing goes into the metadata of version 2."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers import radiotherapy as study
from helpers.peers import ImagesInMemory, Peer, ServerInThread, make_image
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.dicom_index.fields import FIELDS
from IGTLMetaBrowserLib.dicom_index.index import DicomIndex
from IGTLMetaBrowserLib.dicom_index.rows import SERIES
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

KNOWN = {"study": "1.2.3", "series": "1.2.3.4", "orientation": r"1\0\0\0\1\0"}


class Described(ImagesInMemory):
    """Knows the same of all images."""

    def metadata(self, image_id: str) -> dict[str, str]:
        return {**KNOWN, "instance_uid": image_id}


@pytest.fixture
def peer() -> Iterator[Peer]:
    images = {"A": make_image(1), "B": make_image(2)}
    with ServerInThread(Described(images)) as server, Peer.connect(server.port) as peer:
        yield peer


def listing(peer: Peer, name: str, header_version: int) -> codec.ImageMetaMessage:
    peer.send(codec.GetMessage("IMGMETA", device_name=name, header_version=header_version))
    answer = peer.receive()
    assert isinstance(answer, codec.ImageMetaMessage)
    return answer


def test_the_entry_of_one_image_comes_with_its_metadata(peer: Peer):
    answer = listing(peer, "B", 2)
    assert [item.id for item in answer.items] == ["B"]
    assert answer.metadata == {**KNOWN, "instance_uid": "B"}


def test_version_1_has_no_place_for_them(peer: Peer):
    answer = listing(peer, "B", 1)
    assert [item.id for item in answer.items] == ["B"]
    assert answer.metadata == {}


@pytest.mark.parametrize("name", ["", "Client"])
def test_the_whole_list_has_none(peer: Peer, name: str):
    answer = listing(peer, name, 2)
    assert len(answer.items) == 2
    assert answer.metadata == {}


def test_a_client_of_others_that_says_who_it_is_is_told_who_the_server_is(peer: Peer):
    """So it can know the extension (docs/PROTOCOL.md); with its list, metadata confuse nobody."""
    peer.send(codec.GetMessage("IMGMETA", header_version=2, metadata={"Client": "Other"}))
    assert peer.receive().metadata.keys() == {"Server"}


def test_a_list_that_happens_to_have_one_entry_has_none_either():
    with (
        ServerInThread(Described({"A": make_image(1)})) as server,
        Peer.connect(server.port) as peer,
    ):
        assert listing(peer, "Client", 2).metadata == {}
        assert listing(peer, "A", 2).metadata["instance_uid"] == "A"


def test_a_source_that_knows_no_more_still_answers():
    with (
        ServerInThread(ImagesInMemory({"A": make_image(1)})) as server,
        Peer.connect(server.port) as peer,
    ):
        assert listing(peer, "A", 2).metadata == {}


def test_a_dicom_folders_dictionary_reaches_the_peer(tmp_path: Path):
    """With the listing and with the image, and the reference of the image to its scout.

    But where the files are is not told.
    """
    for number in (1, 2, 3):
        dataset = study.ct_slice(number)
        dataset.ReferencedImageSequence = [study.reference("1.2.3.99")]
        dataset.save_as(tmp_path / str(number), enforce_file_format=True)
    source = DicomFolderSource(tmp_path)
    (item,) = source.images()
    with ServerInThread(source) as server, Peer.connect(server.port) as peer:
        listed = listing(peer, item.id, 2)
        peer.send(codec.GetMessage("IMAGE", device_name=item.id, header_version=2))
        image = peer.receive()
    assert listed.metadata == image.metadata
    fields = {field: listed.metadata.get(field, "") for field in FIELDS}
    with DicomIndex(tmp_path) as index:
        index.update()
        (row,) = index.rows(SERIES)
    places = {"folder": "", "file_path": ""}
    assert fields == {field: str(value) for field, value in row.items()} | places
    assert fields["series"] == listed.metadata["SeriesInstanceUID"] == study.CT
    assert fields["instances"] == "3"
    assert fields["reference_ct"] == "1.2.3.99"
