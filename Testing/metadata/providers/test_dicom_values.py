"""Modules read from DICOM datasets: pydicom's own files, and broken ones."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import DataElement, Dataset
from pydicom.data import get_testdata_file
from pydicom.dataelem import RawDataElement
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from IGTLMetaBrowserLib.metadata.modules import (
    DICOM_RECORDS,
    GENERAL_IMAGE,
    GENERAL_SERIES,
    IMAGE_PIXEL,
    IMAGE_PLANE,
    MODALITY_LUT,
    MULTI_FRAME,
    PATIENT,
    SOP_COMMON,
    TRANSFER_SYNTAX,
    VOI_LUT,
    GeneralImage,
    ModalityLut,
    Patient,
    read_module,
)
from IGTLMetaBrowserLib.metadata.providers.dicom_values import DicomValues
from IGTLMetaBrowserLib.metadata.registry import NOTHING

FILES = Path(get_testdata_file("CT_small.dcm")).parent
CHARSETS = FILES.parent / "charset_files"


def module(type_, dataset):
    return read_module(type_, DicomValues(dataset).find)


def read(name):
    return pydicom.dcmread(get_testdata_file(name), stop_before_pixels=True)


class TestPydicomsFiles:
    def test_ct(self, ct):
        assert module(PATIENT, ct).PatientName == "CompressedSamples^CT1"
        assert module(GENERAL_SERIES, ct).SeriesNumber == 1
        image = module(GENERAL_IMAGE, ct)
        assert image.ImageType == ("ORIGINAL", "PRIMARY", "AXIAL")
        plane = module(IMAGE_PLANE, ct)
        assert plane.PixelSpacing == (0.661468, 0.661468)
        assert plane.ImagePositionPatient == (-158.135803, -179.035797, -75.699997)
        assert module(IMAGE_PIXEL, ct).BitsStored == 16
        assert module(MODALITY_LUT, ct) == ModalityLut(-1024.0, 1.0)
        assert module(TRANSFER_SYNTAX, ct).TransferSyntaxUID == "1.2.840.10008.1.2.1"

    def test_a_module_that_is_not_in_the_file(self, ct):
        assert module(MULTI_FRAME, ct) is NOTHING

    def test_mr_with_a_window(self):
        window = module(VOI_LUT, read("MR_small.dcm"))
        assert (window.WindowCenter, window.WindowWidth) == ((600.0,), (1600.0,))

    @pytest.mark.parametrize("path", sorted(CHARSETS.glob("*.dcm")), ids=lambda path: path.name)
    def test_names_in_other_alphabets(self, path):
        dataset = pydicom.dcmread(path)
        patient = module(PATIENT, dataset)
        assert patient is NOTHING or patient.PatientName == str(dataset.PatientName)

    @pytest.mark.parametrize("path", sorted(FILES.glob("*.dcm")), ids=lambda path: path.name)
    def test_any_file_can_be_asked_for_any_module(self, path):
        """Images, plans, dose, reports, and files that are broken in one way or another."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
            answers = {type_: module(type_, dataset) for type_ in DICOM_RECORDS}
        if dataset.get("SOPClassUID"):
            assert answers[SOP_COMMON].SOPClassUID == dataset.SOPClassUID
        for type_, answer in answers.items():
            assert answer is NOTHING or type(answer) is DICOM_RECORDS[type_]


class TestEnhancedImages:
    """Where each frame has a plane of its own, the first frame's counts."""

    @pytest.fixture
    def enhanced(self):
        def group(keyword, **attributes):
            macro = Dataset()
            for name, value in attributes.items():
                setattr(macro, name, value)
            frame = Dataset()
            setattr(frame, keyword, [macro])
            return frame

        dataset = Dataset()
        dataset.NumberOfFrames = 2
        dataset.SliceThickness = "9"
        dataset.SharedFunctionalGroupsSequence = [
            group("PixelMeasuresSequence", PixelSpacing=[0.5, 0.25], SliceThickness=2)
        ]
        dataset.PerFrameFunctionalGroupsSequence = [
            group("PlanePositionSequence", ImagePositionPatient=[0, 0, z]) for z in (30, 32)
        ]
        return dataset

    def test_functional_groups_are_looked_through(self, enhanced):
        plane = module(IMAGE_PLANE, enhanced)
        assert plane.ImagePositionPatient == (0, 0, 30)
        assert plane.PixelSpacing == (0.5, 0.25)
        assert module(MULTI_FRAME, enhanced).NumberOfFrames == 2

    def test_they_count_more_than_the_dataset(self, enhanced):
        assert module(IMAGE_PLANE, enhanced).SliceThickness == 2.0

    def test_empty_groups_say_nothing(self, enhanced):
        enhanced.SharedFunctionalGroupsSequence = []
        enhanced.PerFrameFunctionalGroupsSequence = [Dataset(), Dataset()]
        assert module(IMAGE_PLANE, enhanced).SliceThickness == 9.0
        enhanced.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence = []
        assert module(IMAGE_PLANE, enhanced).ImagePositionPatient is None


class TestBrokenDatasets:
    def test_an_empty_dataset_knows_nothing(self):
        assert all(module(type_, Dataset()) is NOTHING for type_ in DICOM_RECORDS)

    def test_a_value_that_is_none_of_its_kind_leaves_the_others(self, caplog):
        dataset = Dataset()
        dataset.add(RawDataElement(Tag("InstanceNumber"), "IS", 4, b"four", 0, False, True))
        dataset.add(RawDataElement(Tag("AcquisitionDate"), "FD", 4, b"2024", 0, False, True))
        dataset.AcquisitionNumber = 7
        with pytest.warns(UserWarning, match="Invalid value for VR IS"):
            assert module(GENERAL_IMAGE, dataset) == GeneralImage(AcquisitionNumber=7)
        assert "InstanceNumber is passed over: it is not a whole number" in caplog.text
        assert "AcquisitionDate is passed over: pydicom cannot read it" in caplog.text

    def test_a_sequence_where_a_text_should_be(self, ct):
        ct["PatientID"] = DataElement(Tag("PatientID"), "SQ", Sequence([Dataset()]))
        assert module(PATIENT, ct).PatientID == ""
        assert module(PATIENT, ct).PatientName == "CompressedSamples^CT1"

    def test_too_few_numbers(self, ct):
        ct.PixelSpacing = "0.5"
        assert module(IMAGE_PLANE, ct).PixelSpacing is None
        assert module(IMAGE_PLANE, ct).SliceThickness == 5.0

    def test_functional_groups_that_are_none(self, ct, caplog):
        tag = Tag("SharedFunctionalGroupsSequence")
        ct[tag] = DataElement(tag, "LO", "not a sequence")
        assert module(IMAGE_PLANE, ct).SliceThickness == 5.0
        assert "SharedFunctionalGroupsSequence cannot be read" in caplog.text

    def test_a_dataset_in_itself(self, ct):
        ct.ReferencedImageSequence = [ct]
        ct.SharedFunctionalGroupsSequence = [ct]
        assert module(SOP_COMMON, ct).SOPInstanceUID == ct.SOPInstanceUID

    def test_an_unknown_character_set(self, ct):
        ct.SpecificCharacterSet = "ISO_IR 999"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert module(PATIENT, ct).PatientID == "1CT1"

    @pytest.mark.parametrize("seed", range(20))
    def test_files_with_wrong_bytes_in_their_header(self, tmp_path, write_ct, seed):
        """Whatever pydicom can open is read as far as it makes sense."""
        content = bytearray(write_ct(tmp_path / "ct.dcm").read_bytes())
        random = np.random.default_rng(seed)
        for place in random.integers(132, 2000, 30):
            content[place] = random.integers(256)
        (tmp_path / "broken.dcm").write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                dataset = pydicom.dcmread(tmp_path / "broken.dcm", stop_before_pixels=True)
            except Exception:
                return  # whoever reads files tells of it: see test_dicom_series
            answers = {type_: module(type_, dataset) for type_ in DICOM_RECORDS}
        for type_, answer in answers.items():
            assert answer is NOTHING or type(answer) is DICOM_RECORDS[type_]


def test_a_patient_of_a_dataset(ct):
    assert module(PATIENT, ct) == Patient("CompressedSamples^CT1", "1CT1", PatientSex="O")
