"""Spaces around the ID of a patient, or its issuer, which do not count (PS3.5 6.2, VR LO)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy
from typing import Any

import pytest
from pydicom import Dataset

from helpers import dimse_peer
from helpers.dimse_peer import PENDING, Behavior
from helpers.ready_sources import fetch_only, ready
from helpers.scripted_archive import Answer, listing, multipart, record
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.sources.archive.dimse.dimse_archive import DimseArchive
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource
from IGTLMetaBrowserLib.sources.dicom.replaced_documents import (
    document_version,
    is_of_other_patient,
)
from IGTLMetaBrowserLib.sources.documents.plan_document import write_plan

LINE = codec.TrajectoryItem(name="Left", entry=(10, 20, 30), target=(1, 2, 3))
IDS = [(" 42", "42"), ("42  ", "42"), ("42", "  42"), (" 42 ", "42 "), ("42", "42")]
"""As an archive lists one, and as it is in the files."""


@pytest.fixture
def slices(make_slice) -> list[Dataset]:
    return [make_slice((0.0, 0.0, 2.0 * k), k, IssuerOfPatientID="North") for k in range(3)]


def with_patient(datasets: list[Dataset], patient_id: str, issuer: str = "North") -> list[Dataset]:
    for dataset in datasets:
        dataset.PatientID, dataset.IssuerOfPatientID = patient_id, issuer
    return datasets


@pytest.mark.parametrize(("listed", "in_files"), IDS)
def test_an_archive_that_lists_an_id_with_other_spaces_than_files_have(
    serve, slices, open_source, listed, in_files
):
    """By DICOMweb, with a plan of that patient, in whose files it has yet others."""
    with_patient(slices, in_files, " North")
    plan = with_patient([deepcopy(write_plan([LINE], slices))], f" {in_files}")[0]
    of_plan = record([plan])
    of_images = record(with_patient([deepcopy(slices[0])], listed, "North "), len(slices))

    def script(path: str) -> Answer:
        if plan.SeriesInstanceUID in path:
            return multipart([plan])
        return multipart(slices) if "/studies/" in path else listing(of_images, of_plan)

    source = open_source(serve(script))
    assert fetch_only(source).metadata["PatientID"] == "42"
    assert [item.patient_id for item in source.images()] == ["42"]
    assert len(ready(source.trajectories)) == 1
    assert source.issuers() == {}


@pytest.mark.parametrize(("listed", "in_files"), IDS)
def test_so_it_is_by_dimse(slices, tmp_path, listed, in_files):
    with_patient(slices, in_files)

    def find(event: Any) -> Iterator[tuple[int, Dataset]]:
        level = event.identifier.QueryRetrieveLevel
        yield PENDING, dimse_peer.answer(slices[0], level, PatientID=listed)

    peer = Behavior(slices, finds={"STUDY": find, "SERIES": find})
    cache = SeriesCache(tmp_path / "cache", 1 << 30)
    with (
        dimse_peer.running(peer) as address,
        closing(ArchiveSource(DimseArchive(address), cache)) as source,
    ):
        assert fetch_only(source).metadata["PatientID"] == "42"


@pytest.mark.parametrize("other", [" 42", "42 ", "43"])
def test_documents_of_one_patient_replace_each_other(slices, other):
    plan = write_plan([LINE], slices)
    new = with_patient([deepcopy(plan)], other, " North")[0]
    versions = document_version(plan), document_version(new)
    assert is_of_other_patient(*versions) == (other == "43")
    assert (versions[0].key == versions[1].key) == (other != "43")


def test_a_plan_is_of_images_whose_ids_have_different_spaces(slices):
    with_patient(slices[:1], " 42", "North ")
    assert write_plan([LINE], slices).PatientID.strip() == "42"
