"""What documents say of patient and study, of images that say what no file may."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from io import BytesIO

import numpy as np
import pydicom
import pytest
from pydicom import Dataset

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.sources.documents.label_document import write_segmentation
from IGTLMetaBrowserLib.sources.documents.label_file import LabelMapToStore
from IGTLMetaBrowserLib.sources.documents.patient_and_study import left_empty
from IGTLMetaBrowserLib.sources.documents.plan_document import write_plan

IJK_TO_RAS = np.diag([-0.25, -0.5, 2.0, 1.0])  # of the slice at (0, 0, 0)


def plan_of(images: Sequence[Dataset]) -> Dataset:
    return write_plan([codec.TrajectoryItem(name="A", entry=(1, 2, 3), target=(4, 5, 6))], images)


def segmentation_of(images: Sequence[Dataset]) -> Dataset:
    return write_segmentation(LabelMapToStore(np.ones((1, 5, 7), np.uint8), IJK_TO_RAS), images)


def written_and_read(dataset: Dataset) -> Dataset:
    content = BytesIO()
    dataset.save_as(content, enforce_file_format=True)
    return pydicom.dcmread(BytesIO(content.getvalue()))


@pytest.fixture
def image_with(make_slice: Callable[..., Dataset]) -> Callable[[str, str], Dataset]:
    """A function that returns the image in a file that has these characters as a value."""

    def image(keyword: str, text: str) -> Dataset:
        dataset = make_slice((0, 0, 0))
        element = pydicom.DataElement(keyword, "LT", text)  # can be anything
        element.VR = "UN"
        element._value = text.encode()
        dataset[keyword] = element
        return written_and_read(dataset)

    return image


@pytest.mark.filterwarnings("ignore:Invalid value for VR")  # pydicom's, as it reads them
@pytest.mark.parametrize("document_of", [plan_of, segmentation_of])
@pytest.mark.parametrize(
    ("keyword", "said", "expected"),
    [
        ("PatientSex", "male", "M"),
        ("PatientSex", "f", "F"),
        ("PatientSex", "O", "O"),
        ("PatientSex", "U", ""),
        ("PatientSex", "F\\M", ""),
        ("StudyTime", "10:20:30", "102030"),
        ("StudyTime", "10:20:30.5", "102030.5"),
        ("StudyTime", "10:20", "1020"),
        ("StudyTime", "1:02:03", ""),
        ("StudyTime", "240000", ""),
        ("StudyTime", "1020\\1030", ""),
        ("StudyDate", "2020.01.02", "20200102"),
        ("StudyDate", "2020-01-02", ""),
        ("StudyDate", "02.01.2020", ""),
        ("PatientBirthDate", "1970.01.02", "19700102"),
        ("PatientBirthDate", "19700000", ""),
        ("PatientBirthDate", "1970", ""),
        ("PatientName", "Doe^Jane\\Roe^Jane", ""),
    ],
)
def test_what_can_be_read_is_written_as_today_and_the_rest_is_left_empty(
    image_with, document_of, keyword, said, expected
):
    """As before DICOM, with points and colons (PS3.5 6.2); or as somebody has typed it."""
    image = image_with(keyword, said)
    document = document_of([image])
    read = written_and_read(document)
    assert (read[keyword].is_empty, read[keyword].value or "") == (not expected, expected)
    assert left_empty(document, [image]) == ([] if expected else [keyword])
    assert read.PatientID == "42"


def test_what_images_do_not_say_was_not_left_empty(make_slice):
    image = make_slice((0, 0, 0), PatientName=None)
    assert left_empty(plan_of([image]), [image]) == []


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize("said", ["1,5", "nan", "-1"])
def test_a_segmentation_of_images_whose_thickness_is_no_length(image_with, said):
    """It is as thick then as the slices are apart."""
    (shared,) = segmentation_of([image_with("SliceThickness", said)]).SharedFunctionalGroupsSequence
    assert shared.PixelMeasuresSequence[0].SliceThickness == 2


@pytest.mark.parametrize("sop_class", ["1.2.840.10008.5.1.4.1.1.20", "1.3.46.670589.11.0.0.12.1"])
def test_a_plan_of_images_whose_class_highdicom_does_not_know(make_slice, sop_class):
    """Such as those of nuclear medicine, or a maker's own."""
    images = [make_slice((0, 0, z), SOPClassUID=sop_class, PatientAge="045Y") for z in (0, 2)]
    document = plan_of(images)
    (study,) = document.CurrentRequestedProcedureEvidenceSequence
    (series,) = study.ReferencedSeriesSequence
    named = {
        one.ReferencedSOPInstanceUID: one.ReferencedSOPClassUID
        for one in series.ReferencedSOPSequence
    }
    assert named == dict.fromkeys((image.SOPInstanceUID for image in images), sop_class)
    assert document.PatientAge == "045Y"


@pytest.mark.parametrize("document_of", [plan_of, segmentation_of])
def test_images_stay_as_they_are(make_slice, document_of):
    image = make_slice((0, 0, 0), PatientSex="QQ", SpecificCharacterSet="ISO_IR 100")
    image.SliceThickness = 0
    before = deepcopy(image)
    document_of([image])
    assert image == before
