"""What is computed from what others know, and how it follows their changes."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.metadata.modules import (
    DERIVED,
    FILE_META,
    GENERAL_IMAGE,
    IMAGE_PLANE,
    INSTANCE_DATA,
    PATIENT_STUDY,
    PREDECESSOR,
    SERIES_DATA,
    SOURCE_REFERENCE,
    STUDY_DATA,
    Derived,
    GeneralImage,
    PatientStudy,
)
from IGTLMetaBrowserLib.metadata.providers.computed import age_text
from IGTLMetaBrowserLib.metadata.providers.standard import StandardProviders
from IGTLMetaBrowserLib.metadata.registry import NOTHING


@pytest.fixture
def standard(providers, entry):
    return StandardProviders(providers, {"A": entry}.get)


@pytest.mark.parametrize("type_", [IMAGE_PLANE, DERIVED, PATIENT_STUDY, STUDY_DATA, "rainfall"])
def test_nothing_follows_from_nothing(providers, standard, type_):
    assert providers.get(type_, "UNKNOWN") is NOTHING


class TestGeometry:
    def test_spacing_and_orientation_follow_from_the_matrix(self, providers, standard, image):
        standard.headers.keep("A", image)
        plane = providers.get(IMAGE_PLANE, "A")
        assert (plane.PixelSpacing, plane.SpacingBetweenSlices) == ((0.5, 0.25), 2.0)
        assert providers.get(DERIVED, "A") == Derived("LPS", "axial", 3)
        assert GeneralImage(PatientOrientation=("L", "P")) in providers.answers(GENERAL_IMAGE, "A")

    def test_before_the_image_has_come_the_list_knows_how_many_slices_it_has(
        self, providers, standard
    ):
        assert providers.get(DERIVED, "A") == Derived(NumberOfSlices=3)

    def test_without_a_matrix_orientation_follows_from_dicom(self, providers, standard):
        standard.messages.keep("B", {"ImageOrientationPatient": "0\\1\\0\\0\\0\\-1"})
        assert providers.get(DERIVED, "B") == Derived("PIR", "sagittal", None)

    @pytest.mark.parametrize("orientation", ["1\\0\\0\\1\\0\\0", "0\\0\\0\\0\\0\\0"])
    def test_an_orientation_that_is_none_is_reported(
        self, providers, standard, orientation, caplog
    ):
        standard.messages.keep("B", {"ImageOrientationPatient": orientation})
        assert providers.get(DERIVED, "B") is NOTHING
        assert "span no plane" in caplog.text

    def test_frames_are_slices(self, providers, standard):
        standard.messages.keep("B", {"NumberOfFrames": "12"})
        assert providers.get(DERIVED, "B") == Derived(NumberOfSlices=12)

    def test_it_follows_the_next_image(self, providers, standard, image):
        standard.headers.keep("A", image)
        assert providers.get(DERIVED, "A").NumberOfSlices == 3
        coronal = [[-1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]]
        standard.headers.keep("A", codec.ImageMessage.from_ijk_to_ras(np.zeros((9, 5, 7)), coronal))
        assert providers.get(DERIVED, "A") == Derived("LIA", "coronal", 9)
        assert providers.get(IMAGE_PLANE, "A").PixelSpacing == (1, 1)

    def test_it_is_computed_once(self, providers, standard, image):
        standard.headers.keep("A", image)
        assert providers.get(DERIVED, "A") is providers.get(DERIVED, "A")


class TestAge:
    @pytest.mark.parametrize(
        ("birth", "day", "text"),
        [
            (date(1979, 5, 14), date(2024, 5, 14), "045Y"),
            (date(1979, 5, 15), date(2024, 5, 14), "044Y"),
            (date(2022, 5, 14), date(2024, 5, 14), "002Y"),
            (date(2022, 5, 15), date(2024, 5, 14), "023M"),
            (date(2024, 4, 14), date(2024, 5, 14), "001M"),
            (date(2024, 4, 15), date(2024, 5, 14), "029D"),
            (date(2024, 5, 14), date(2024, 5, 14), "000D"),
            (date(2020, 2, 29), date(2024, 2, 28), "003Y"),
        ],
    )
    def test_as_dicom_writes_it(self, birth, day, text):
        assert age_text(birth, day) == text

    def test_it_is_that_on_the_day_of_the_scan(self, providers, standard):
        standard.messages.keep("A", {"PatientBirthDate": "19790514"})
        assert providers.get(PATIENT_STUDY, "A") == PatientStudy("045Y")

    def test_the_nearest_date_to_the_acquisition_counts(self, providers, standard):
        metadata = {"PatientBirthDate": "19790514", "StudyDate": "20200514"}
        standard.messages.keep("B", metadata)
        assert providers.get(PATIENT_STUDY, "B").PatientAge == "041Y"
        standard.messages.keep("B", {**metadata, "SeriesDate": "20210514"})
        assert providers.get(PATIENT_STUDY, "B").PatientAge == "042Y"
        standard.messages.keep("B", {**metadata, "AcquisitionDate": "20220514"})
        assert providers.get(PATIENT_STUDY, "B").PatientAge == "043Y"

    def test_it_follows_what_the_user_types(self, providers, standard):
        standard.messages.keep("A", {"PatientBirthDate": "19790514"})
        assert providers.get(PATIENT_STUDY, "A").PatientAge == "045Y"
        standard.typed.set("A", "PatientBirthDate", "19890514")
        assert providers.get(PATIENT_STUDY, "A").PatientAge == "035Y"
        standard.typed.set("A", "PatientAge", "036Y")
        assert providers.get(PATIENT_STUDY, "A").PatientAge == "036Y"
        standard.typed.forget("A")
        assert providers.get(PATIENT_STUDY, "A").PatientAge == "045Y"

    @pytest.mark.parametrize("birth", ["", "soon", "20250101", "00010101", "19791399"])
    def test_a_birth_date_that_is_none(self, providers, standard, birth):
        standard.messages.keep("A", {"PatientBirthDate": birth})
        assert providers.get(PATIENT_STUDY, "A") is NOTHING


class TestViews:
    def test_study_series_and_instance_each_as_one_set(self, providers, standard, ct, image):
        standard.datasets.keep(ct)
        standard.messages.keep("A", {"SeriesInstanceUID": str(ct.SeriesInstanceUID)})
        standard.headers.keep("A", image)
        study, series, instance = (
            providers.get(type_, "A") for type_ in (STUDY_DATA, SERIES_DATA, INSTANCE_DATA)
        )
        assert study["PatientID"] == "1CT1"
        assert study["StudyInstanceUID"] == ct.StudyInstanceUID
        assert series["Manufacturer"] == "GE MEDICAL SYSTEMS"
        assert instance["SOPInstanceUID"] == ct.SOPInstanceUID
        assert instance["RescaleIntercept"] == -1024
        assert instance["Rows"] == 5  # of the image that came
        assert not set(study) & set(series)

    def test_a_view_follows_a_calibration(self, providers, standard, image):
        standard.headers.keep("A", image)
        assert providers.get(INSTANCE_DATA, "A")["PixelSpacing"] == (0.5, 0.25)
        standard.calibration.calibrate("A", 0.4)
        assert providers.get(INSTANCE_DATA, "A")["PixelSpacing"] == (0.4, 0.4)
        standard.calibration.forget("A")
        assert providers.get(INSTANCE_DATA, "A")["PixelSpacing"] == (0.5, 0.25)

    def test_a_view_cannot_be_changed(self, providers, standard):
        with pytest.raises(TypeError):
            providers.get(STUDY_DATA, "A")["PatientID"] = "another"


class TestReferences:
    def test_to_the_instance_that_an_image_was_made_from(self, providers, standard, ct):
        standard.datasets.keep(ct)
        standard.messages.keep("A", {"SeriesInstanceUID": str(ct.SeriesInstanceUID)})
        reference = providers.get(SOURCE_REFERENCE, "A")
        assert reference.ReferencedSOPClassUID == ct.SOPClassUID
        assert reference.ReferencedSOPInstanceUID == ct.SOPInstanceUID
        assert reference.StudyInstanceUID == ct.StudyInstanceUID
        assert reference.FrameOfReferenceUID == ct.FrameOfReferenceUID
        (series,) = reference.ReferencedSeriesSequence
        assert series["SeriesInstanceUID"] == ct.SeriesInstanceUID
        (instance,) = series["ReferencedInstanceSequence"]
        assert instance["ReferencedSOPInstanceUID"] == ct.SOPInstanceUID

    def test_what_takes_its_place_and_how_its_file_begins(self, providers, standard, ct):
        standard.datasets.keep(ct)
        standard.messages.keep("A", {"SeriesInstanceUID": str(ct.SeriesInstanceUID)})
        (study,) = providers.get(PREDECESSOR, "A").PredecessorDocumentsSequence
        (series,) = study["ReferencedSeriesSequence"]
        (instance,) = series["ReferencedSOPSequence"]
        assert study["StudyInstanceUID"] == ct.StudyInstanceUID
        assert instance["ReferencedSOPInstanceUID"] == ct.SOPInstanceUID
        meta = providers.get(FILE_META, "A")
        assert meta.MediaStorageSOPInstanceUID == ct.SOPInstanceUID
        assert meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
        assert meta.ImplementationClassUID.startswith("2.25.")

    @pytest.mark.parametrize("type_", [SOURCE_REFERENCE, PREDECESSOR, FILE_META])
    def test_none_without_an_instance(self, providers, standard, type_):
        assert providers.get(type_, "A") is NOTHING
