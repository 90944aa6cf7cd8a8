"""What Slicer's DICOM database knows of a series is known of the server's image of that series."""

from __future__ import annotations

from contextlib import closing

import pydicom
import pytest

from helpers.peers import make_image
from helpers.slicer_database import Database
from IGTLMetaBrowserLib import codec


@pytest.fixture
def database(user, slicer_host, tmp_path, monkeypatch):
    """A database with one CT series, where Slicer has it."""
    dataset = pydicom.dcmread(pydicom.data.get_testdata_file("CT_small.dcm"))
    path = tmp_path / "ct.dcm"
    dataset.save_as(path)
    database = Database()
    database.insert(str(dataset.SeriesInstanceUID), path)
    monkeypatch.setattr(slicer_host, "dicomDatabase", database, raising=False)
    return database


@pytest.fixture
def logic(database):
    import IGTLMetaBrowser

    with closing(IGTLMetaBrowser.IGTLMetaBrowserLogic()) as logic:
        yield logic


@pytest.fixture
def port(database, scripted):
    """A server whose image says of which series it is, as servers of version 3 do."""
    (series_uid,) = database.files
    image = make_image(1)
    image.device_name, image.header_version = "A", 2
    image.metadata = {"SeriesInstanceUID": series_uid}
    return scripted(codec.pack(image))


def test_the_node_has_the_patient_of_the_database(logic, port):
    logic.connectToServer("127.0.0.1", port)
    assert logic.loadImage("A").GetAttribute("DICOM.PatientID") == "1CT1"


def test_a_closed_logic_listens_to_the_database_no_longer(logic, database):
    logic.close()
    assert database.receivers("2databaseChanged()") == 0
