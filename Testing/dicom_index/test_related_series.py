"""Which series belong together."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pydicom.data

from helpers import radiotherapy as study
from IGTLMetaBrowserLib.dicom_index.index import DicomIndex
from IGTLMetaBrowserLib.dicom_index.related_series import (
    IndexedSeries,
    Reference,
    dicom_groups,
    tree,
)


def groups_in(folder: Path) -> list[list[IndexedSeries]]:
    with DicomIndex(folder) as index:
        index.update()
        return dicom_groups(index)


def test_an_image_and_all_that_was_made_of_it(tmp_path: Path):
    study.write_study(tmp_path)
    (group,) = groups_in(tmp_path)
    assert {series.modality: [r.series for r in series.references] for series in group} == {
        "CT": [],
        "RTSTRUCT": [study.CT],
        "RTPLAN": [study.RTSTRUCT],
        "RTDOSE": [study.CT, study.RTSTRUCT, study.RTPLAN],
        "PT": [study.CT],
        "SEG": [study.CT],
    }
    assert (group[0].instances, group[0].folder, group[0].patient_id) == (3, "ct", study.PATIENT)


def test_what_is_not_in_the_folder_is_named(tmp_path: Path):
    study.dose().save_as(tmp_path / "dose", enforce_file_format=True)
    ((series,),) = groups_in(tmp_path)
    assert series.references == (
        Reference("reference_ct", study.instance_of(study.CT, 2), ""),
        Reference("reference_rs", study.instance_of(study.RTSTRUCT), ""),
        Reference("reference_pl", study.instance_of(study.RTPLAN), ""),
    )


def test_a_plan_joins_what_does_not_refer_to_each_other(tmp_path: Path):
    """The dose refers to the plan alone here, and the plan to the structure set."""
    study.write_study(tmp_path)
    dose = study.dose()
    del dose.ReferencedImageSequence
    del dose.ReferencedStructureSetSequence
    dose.save_as(tmp_path / "rtdose", enforce_file_format=True)
    (group,) = groups_in(tmp_path)
    assert len(group) == 6


def test_structures_that_name_no_series_belong_to_the_images_of_their_contours(tmp_path: Path):
    """RTReferencedStudySequence is optional."""
    study.write_study(tmp_path)
    structures = study.structure_set()
    del structures.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence
    contour = pydicom.Dataset()
    contour.ContourImageSequence = [study.reference(study.instance_of(study.CT, 2))]
    roi = pydicom.Dataset()
    roi.ContourSequence = [contour]
    structures.ROIContourSequence = [roi]
    structures.save_as(tmp_path / "rtstruct", enforce_file_format=True)
    assert references_of(tmp_path, "RTSTRUCT") == [
        ("reference_ct", study.instance_of(study.CT, 2), study.CT, "CT")
    ]


def test_structures_that_name_nothing_belong_to_the_images_of_their_frame(tmp_path: Path):
    study.write_study(tmp_path)
    structures = study.structure_set()
    del structures.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence
    structures.save_as(tmp_path / "rtstruct", enforce_file_format=True)
    assert references_of(tmp_path, "RTSTRUCT") == [("reference_frame", study.FRAME, study.CT, "CT")]


def references_of(folder: Path, modality: str) -> list[tuple[str, ...]]:
    return [
        tuple(reference)
        for group in groups_in(folder)
        for series in group
        if series.modality == modality
        for reference in series.references
    ]


def test_references_in_a_circle(tmp_path: Path):
    structures = study.structure_set()
    structures.ReferencedImageSequence = []
    structures.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[
        0
    ].RTReferencedSeriesSequence[0].SeriesInstanceUID = study.PT
    structures.save_as(tmp_path / "structures", enforce_file_format=True)
    pet = study.pet()
    pet.ReferencedImageSequence = [study.reference(study.instance_of(study.RTSTRUCT))]
    pet.save_as(tmp_path / "pet", enforce_file_format=True)
    (group,) = groups_in(tmp_path)
    assert [series.modality for series in group] == ["RTSTRUCT", "PT"]


def test_a_chain_of_thousands(tmp_path: Path):
    """Segmentations of segmentations, in a folder that somebody has made for it."""
    group = [
        IndexedSeries(
            str(n), "", "SEG", "", 1, "", (Reference("reference_ct", "", str(n - 1), "SEG"),)
        )
        for n in range(5000)
    ]
    branches = tree([*reversed(group)])
    assert [(branch.series, branch.depth) for branch in branches] == [
        (series, depth) for depth, series in enumerate(group)
    ]


def test_a_series_that_refers_to_itself_is_no_group(tmp_path: Path):
    pet = study.pet()
    pet.ReferencedImageSequence = [study.reference(study.instance_of(study.PT))]
    pet.save_as(tmp_path / "pet", enforce_file_format=True)
    assert groups_in(tmp_path) == []


def test_patients_are_not_mixed(tmp_path: Path):
    for name in ("CT_small.dcm", "MR_small.dcm"):
        path = pydicom.data.get_testdata_file(name, download=False)
        (tmp_path / name).symlink_to(path)
    study.write_study(tmp_path / "study")
    (group,) = groups_in(tmp_path)
    assert len(group) == 6
