"""The DICOM metadata dictionary: its fields, and where a file has them."""

from __future__ import annotations

from typing import Any

import pydicom
import pydicom.data
import pytest
from pydicom import Dataset
from pydicom.uid import EnhancedMRImageStorage

from helpers import radiotherapy as study
from helpers.dictionary_fields import dictionary_fields
from IGTLMetaBrowserLib.dicom_index.fields import (
    COMPUTED,
    FIELDS,
    KEYWORDS,
    PATHS,
    REFERENCED_SERIES,
)

EMPTY = {**dict.fromkeys(PATHS, ""), "subseries": "default"}


def fields_of_file(name: str) -> dict[str, str]:
    return dictionary_fields(pydicom.dcmread(pydicom.data.get_testdata_file(name, download=False)))


def fields_with(**attributes: Any) -> dict[str, str]:
    """The fields that a dataset with these attributes has, and an empty one has not."""
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    fields = dictionary_fields(dataset)
    return {field: text for field, text in fields.items() if text != EMPTY[field]}


def test_the_fields_are_those_of_the_dictionary_in_its_order():
    assert [field for field in FIELDS if field not in COMPUTED] == [*PATHS]
    # Those before are the source document's.
    assert FIELDS[22:] == ("roi_names", *REFERENCED_SERIES)
    assert set(KEYWORDS) < set(PATHS)


def test_a_dataset_without_anything_has_empty_fields():
    assert dictionary_fields(Dataset()) == EMPTY


def test_an_mr_image():
    assert fields_of_file("MR_small.dcm") == {
        **EMPTY,
        "patient_ID": "4MR1",
        "study": "1.3.6.1.4.1.5962.1.2.4.20040826185059.5457",
        "series": "1.3.6.1.4.1.5962.1.3.4.1.20040826185059.5457",
        "subseries": "0",
        "modality": "MR",
        "instance_uid": "1.3.6.1.4.1.5962.1.1.4.1.1.20040826185059.5457",
        "reference_frame": "1.3.6.1.4.1.5962.1.4.4.1.20040826185059.5457",
        "orientation": r"1.0000\0.0000\0.0000\0.0000\1.0000\0.0000",
        "MR_repetition_time": "4000.0000",
        "MR_echo_time": "240.0000",
        "MR_scan_sequence": "SE",
        "MR_imaged_nucleus": "H",
    }


@pytest.mark.parametrize(
    ("name", "references"),
    [
        ("rtplan.dcm", ["", "1.2.333.444.55.6.7777.88888", "1.9.999.999.99.9.9999.9999.2003…"]),
        ("rtdose.dcm", ["", "", "1.2.123.456.78.9.0123.4567.89012345678901"]),
        ("liver_1frame.dcm", ["1.2.392.200103.20080913.113635.1.2009.6.22.2…", "", ""]),
        ("CT_small.dcm", ["", "", ""]),
    ],
)
def test_what_pydicoms_own_files_refer_to(name: str, references: list[str]):
    """Long UIDs are shortened here."""
    fields = fields_of_file(name)
    for field, uid in zip(
        ("reference_ct", "reference_rs", "reference_pl"), references, strict=True
    ):
        start, is_shortened, _ = uid.partition("…")
        assert fields[field].startswith(start) if is_shortened else fields[field] == uid


def test_a_structure_set_names_the_series_and_its_frame_of_reference():
    fields = dictionary_fields(study.structure_set())
    assert fields["reference_ct"] == study.CT
    assert fields["reference_frame"] == study.FRAME


def test_a_segmentation_made_with_highdicom_names_the_series():
    slices = [study.ct_slice(number) for number in (1, 2, 3)]
    fields = dictionary_fields(study.segmentation(slices))
    assert fields["modality"] == "SEG"
    assert fields["reference_ct"] == study.CT
    assert fields["reference_frame"] == study.FRAME


def test_plan_dose_and_pet_name_files():
    dose = dictionary_fields(study.dose())
    assert dose["reference_ct"] == study.instance_of(study.CT, 2)
    assert dose["reference_rs"] == study.instance_of(study.RTSTRUCT)
    assert dose["reference_pl"] == study.instance_of(study.RTPLAN)
    assert dictionary_fields(study.plan())["reference_rs"] == study.instance_of(study.RTSTRUCT)
    assert dictionary_fields(study.pet())["reference_ct"] == study.instance_of(study.CT, 3)


def test_of_several_references_the_first_in_the_table_wins():
    dataset = study.structure_set()
    dataset.ReferencedImageSequence = [study.reference("1.2.3.999")]
    assert dictionary_fields(dataset)["reference_ct"] == study.CT
    dataset.ReferencedFrameOfReferenceSequence = []
    assert dictionary_fields(dataset)["reference_ct"] == "1.2.3.999"


def test_the_frames_of_an_enhanced_image_share_their_orientation():
    plane, group = Dataset(), Dataset()
    plane.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    group.PlaneOrientationSequence = [plane]
    fields = fields_with(SOPClassUID=EnhancedMRImageStorage, SharedFunctionalGroupsSequence=[group])
    assert fields == {"orientation": r"0.0\1.0\0.0\0.0\0.0\-1.0"}


def test_an_acquisition_number_is_the_subseries():
    assert fields_with(AcquisitionNumber=7) == {"subseries": "7"}
    assert fields_with(AcquisitionNumber=None) == {}


@pytest.mark.parametrize(
    ("tag", "vr", "value", "expected"),
    [
        (0x00200012, "US", 7, {"subseries": "7"}),
        (0x00200012, "US", [7, 8], {"subseries": r"7\8"}),
        (0x00180081, "FD", 2.5, {"MR_echo_time": "2.5"}),
        (0x00180081, "LO", "two and a half", {"MR_echo_time": "two and a half"}),
        (0x00100020, "PN", "Doe^Jane", {"patient_ID": "Doe^Jane"}),
        (0x00100020, "UN", b"R-17 ", {"patient_ID": "R-17"}),
        (0x00080060, "OB", b"CT", {}),
        (0x00080060, "SQ", [], {}),
        (0x00080060, "UN", b"x" * 100_000, {}),
        (0x00081140, "LO", "no sequence", {}),
        (0x00081140, "SQ", [Dataset()], {}),
    ],
)
def test_a_wrong_vr_or_value_is_text_or_number_or_nothing(
    tag: int, vr: str, value: Any, expected: dict[str, str]
):
    dataset = Dataset()
    dataset.add_new(tag, vr, value)
    fields = dictionary_fields(dataset)
    assert {field: text for field, text in fields.items() if text != EMPTY[field]} == expected


def test_padding_is_no_part_of_a_value():
    assert fields_with(PatientID="  R-17\0", ScanningSequence=["SE ", " IR"]) == {
        "patient_ID": "R-17",
        "MR_scan_sequence": r"SE\IR",
    }
