"""The providers that ship, together: whose word counts."""

from __future__ import annotations

import pytest

from helpers.series_folder import DicomFolder
from IGTLMetaBrowserLib.metadata.modules import GENERAL_SERIES, PATIENT, known_fields, known_module
from IGTLMetaBrowserLib.metadata.providers.dicom_series import DicomSeriesProvider
from IGTLMetaBrowserLib.metadata.providers.standard import StandardProviders
from IGTLMetaBrowserLib.metadata.registry import Priority


@pytest.fixture
def standard(providers, entry):
    return StandardProviders(providers, {"A": entry}.get)


def test_who_is_nearer_to_the_image_is_believed_first(providers, standard, tmp_path, write_ct):
    """The list, a DICOM file of the series, the image's own message, the user."""

    def patient_id():
        return known_fields(providers, PATIENT, "A")["PatientID"]

    assert patient_id() == "P1"
    write_ct(tmp_path / "1.dcm", SeriesInstanceUID="1.2", PatientID="of the file")
    files = DicomSeriesProvider(DicomFolder(tmp_path).files_of_series, standard.series_uids)
    providers.add_provider(files, Priority.DICOM)
    assert patient_id() == "P1"
    standard.messages.keep("A", {"SeriesInstanceUID": "1.2"})
    assert patient_id() == "of the file"
    standard.messages.keep("A", {"SeriesInstanceUID": "1.2", "PatientID": "of the message"})
    assert patient_id() == "of the message"
    standard.typed.set("A", "PatientID", "typed")
    assert patient_id() == "typed"


def test_each_knows_a_part(providers, standard, ct):
    standard.datasets.keep(ct)
    standard.messages.keep("A", {"SeriesInstanceUID": str(ct.SeriesInstanceUID)})
    series = known_module(providers, GENERAL_SERIES, "A")
    assert (series.SeriesDescription, series.PatientPosition) == ("CT head", "FFS")


def test_a_new_list_is_seen(providers, entry):
    entries = {}
    standard = StandardProviders(providers, entries.get)
    assert not providers.get(PATIENT, "A")
    entries["A"] = entry
    standard.list.entries_changed()
    assert providers.get(PATIENT, "A").PatientID == "P1"
