"""Where an archive is that speaks DIMSE, and what it says if it is asked whether it is there."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydicom import Dataset
from pynetdicom import AE, build_context
from pynetdicom.sop_class import CTImageStorage, Verification

from helpers import dimse_peer
from helpers.dimse_peer import PENDING, SUCCESS, Behavior
from helpers.reserved_port import free_port
from IGTLMetaBrowserLib.sources.archive.archive import ArchiveError, Series
from IGTLMetaBrowserLib.sources.archive.dimse.dimse_archive import DimseArchive, DimseSettings


@pytest.fixture
def slices(make_slice: Callable[..., Dataset]) -> list[Dataset]:
    return [make_slice((0.0, 0.0, 2.0 * number), number) for number in range(3)]


def fetched(archive: DimseArchive, slices: list[Dataset]) -> list[bytes]:
    keywords = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Modality")
    listed = {keyword: str(slices[0][keyword].value) for keyword in keywords}
    files: list[bytes] = []
    archive.fetch(
        Series({**listed, "NumberOfSeriesRelatedInstances": str(len(slices))}), files.append
    )
    return files


def test_an_archive_by_ipv6_is_written_with_brackets(slices: list[Dataset]) -> None:
    with dimse_peer.running(Behavior(slices), host="::1") as address:
        assert "@[::1]:" in address
        assert len(fetched(DimseArchive(address), slices)) == 3


@pytest.mark.parametrize("address", ["BAD@::1:104", "BAD@[::1]", "BAD@[]:104", "BAD@[::1:104"])
def test_without_them_it_is_not_known_where_its_port_begins(address: str) -> None:
    with pytest.raises(ArchiveError, match=r"such as PACS@10\.1\.2\.3:104 or PACS@\[fd00::3\]:104"):
        DimseArchive(address)


def test_of_several_addresses_of_an_archive_one_that_takes_connections_is_enough(
    slices: list[Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    """pynetdicom tries the first alone: that of a part of a cluster that is down, perhaps."""
    looked_up = socket.getaddrinfo

    def of_two_hosts(host: str, *others: Any, **options: Any) -> list[Any]:
        hosts = ["127.0.0.2", "127.0.0.1"] if host == "pacs.example" else [host]
        return [found for one in hosts for found in looked_up(one, *others, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", of_two_hosts)
    with dimse_peer.running(Behavior(slices)) as address:
        archive = DimseArchive(address.replace("127.0.0.1", "pacs.example"))
        assert len(fetched(archive, slices)) == 3


class TestEcho:
    """C-ECHO says whether the other side is there at all."""

    def test_an_archive_that_lets_us_ask_for_an_echo_alone_says_whom_to_ask(self) -> None:
        """Its administrator has not allowed our AE title to search yet."""
        with dimse_peer.running(Behavior(services=(Verification,))) as address:
            archive = DimseArchive(address, DimseSettings(aet="NEUROLAB"))
            words = r"answers \(C-ECHO\), but does not do .* - FIND\).* whether it lets NEUROLAB"
            with pytest.raises(ArchiveError, match=words):
                archive.find({}, 5)

    def test_what_speaks_dicom_and_does_nothing_that_we_need_does_not_count_as_there(self) -> None:
        with (
            dimse_peer.running(Behavior(services=(CTImageStorage,))) as address,
            pytest.raises(ArchiveError, match="cannot be reached, or does not speak DICOM"),
        ):
            DimseArchive(address).find({}, 5)

    def test_an_archive_that_asks_whether_we_are_there_before_it_sends_is_answered(
        self, slices: list[Dataset]
    ) -> None:
        port, statuses = free_port(), []

        def move(_event: Any) -> Iterator[Any]:
            entity = AE("BAD")
            entity.add_requested_context(Verification)
            association = entity.associate("127.0.0.1", port)
            statuses.append(association.send_c_echo().Status)
            association.release()
            yield "127.0.0.1", port, {"contexts": [build_context(CTImageStorage)]}
            yield len(slices)
            for one in slices:
                yield PENDING, one

        with dimse_peer.running(Behavior(slices, move=move)) as address:
            archive = DimseArchive(address, DimseSettings(move_port=port))
            assert len(fetched(archive, slices)) == 3
        assert statuses == [SUCCESS]
