"""Attributes of DICOM headers as fields of a listing."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from pydicom import valuerep

from helpers import windows
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.dicom_index.headers.image_header import ImageHeader
from IGTLMetaBrowserLib.dicom_index.rows import ImageFile
from IGTLMetaBrowserLib.file_version import FileVersion
from IGTLMetaBrowserLib.sources.dicom import fields as dicom_fields
from IGTLMetaBrowserLib.sources.dicom.files import Frame


def frame_with(**attributes) -> Frame:
    values = {keyword: str(value) for keyword, value in attributes.items() if value is not None}
    return Frame(ImageFile("file", FileVersion(0), ImageHeader(values, {})))


def test_an_id_is_the_same_for_ever():
    """Known to users and in saved scenes: a change of the recipe would break what they saved."""
    assert dicom_fields.image_id("1.2.3.4") == "M2KPQPE7I5W2GH25626"


def test_ids_leave_room_for_the_reference_librarys_terminator():
    assert len(dicom_fields.image_id("1.2.3.4")) == 19


@pytest.mark.parametrize(
    ("dicom", "shown"),
    [
        ("Doe^Jane", "Doe, Jane"),
        ("Doe^Jane^Mary^Dr", "Doe, Jane Mary"),
        ("Doe", "Doe"),
        ("^Jane", "Jane"),
        ("Buc^Jérôme", "Buc, Jérôme"),
        ("Yamada^Tarou=山田^太郎", "Yamada, Tarou"),
        ("=山田^太郎", "山田, 太郎"),
        ("", ""),
    ],
)
def test_a_patients_name(dicom, shown):
    assert dicom_fields.person_name(frame_with(PatientName=dicom)) == shown


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            {"AcquisitionDateTime": "20240514103000.25+0200", "StudyDate": "20200101"},
            datetime(2024, 5, 14, 8, 30, 0, 250000),
        ),
        (
            {"AcquisitionDate": "20240514", "AcquisitionTime": "103000", "SeriesDate": "20200101"},
            datetime(2024, 5, 14, 10, 30),
        ),
        ({"SeriesDate": "20240514", "SeriesTime": "1030"}, datetime(2024, 5, 14, 10, 30)),
        ({"StudyDate": "20240514"}, datetime(2024, 5, 14)),
        # As before DICOM; of these, and of what is no date, pydicom would read the year.
        ({"StudyDate": "2024.05.14", "StudyTime": "10:30:15"}, datetime(2024, 5, 14, 10, 30, 15)),
        ({"AcquisitionDate": "2024-05-14", "StudyDate": "20240514"}, datetime(2024, 5, 14)),
        (
            {"StudyDate": "20240514", "StudyTime": "003000", "TimezoneOffsetFromUTC": "+0130"},
            datetime(2024, 5, 13, 23, 0),
        ),
        ({"SeriesDate": "someday", "StudyDate": "20240514"}, datetime(2024, 5, 14)),
        ({"AcquisitionTime": "103000"}, None),
        ({"StudyDate": "19010203"}, None),  # before OpenIGTLink's time begins
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR DA")
def test_the_scan_time(attributes, expected):
    moment = dicom_fields.scan_time(frame_with(**attributes)).to_datetime()
    assert moment == (expected and expected.replace(tzinfo=timezone.utc))


def test_a_day_before_1970_is_no_scan_time_on_windows_either(monkeypatch):
    """As one of which all days were made 1901; the folder is served all the same."""
    monkeypatch.setattr(valuerep, "DT", windows.refuse_before_1970(valuerep.DT))
    assert dicom_fields.scan_time(frame_with(StudyDate="19010203")).to_datetime() is None


def test_a_long_name_of_a_label_map_is_cut_between_characters():
    assert dicom_fields.cut_name("ä" * 40) == "ä" * 31


def test_long_texts_of_an_image_are_whole():
    long = "Реконструкция " * 4 + "7"
    frame = frame_with(PatientName=long, PatientID=long)
    item = dicom_fields.listing_item(frame, long, "A", (1, 1, 1), codec.ScalarType.UINT16)
    assert (item.name, item.patient_name, item.patient_id) == (long, long, long)


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"SeriesDescription": "T1 MPRAGE", "ProtocolName": "Head"}, "T1 MPRAGE"),
        ({"SeriesDescription": "", "ProtocolName": "Head"}, "Head"),
        ({"Modality": "MR", "SeriesNumber": 7}, "MR series 7"),
        ({"Modality": "US"}, "US"),
        ({}, "Series"),
    ],
)
def test_a_series_has_a_name(attributes, name):
    assert dicom_fields.series_name(frame_with(**attributes)) == name
