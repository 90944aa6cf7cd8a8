"""Slicer's DICOM database as a provider."""

from __future__ import annotations

import pytest

from helpers.slicer_database import Database
from IGTLMetaBrowserLib.metadata.modules import PATIENT, SERIES_FILES
from IGTLMetaBrowserLib.metadata.providers.dicom_series import SeriesUids
from IGTLMetaBrowserLib.metadata.providers.message_metadata import MessageMetadataProvider
from IGTLMetaBrowserLib.metadata.providers.slicer_database import SlicerDatabaseProvider
from IGTLMetaBrowserLib.metadata.registry import NOTHING


@pytest.fixture
def database(tmp_path, write_ct):
    database = Database()
    database.insert("1.2", write_ct(tmp_path / "1.dcm", SeriesInstanceUID="1.2"))
    return database


@pytest.fixture
def provider(providers, database):
    provider = SlicerDatabaseProvider(database, SeriesUids(providers))
    providers.add_provider(provider)
    return provider


def test_a_series_in_the_database_is_known(providers, provider):
    assert providers.get(PATIENT, "1.2").PatientID == "1CT1"
    assert providers.get(PATIENT, "1.3") is NOTHING


def test_an_image_is_found_by_the_uid_that_its_message_brought(providers, provider):
    messages = MessageMetadataProvider()
    messages.keep("A", {"SeriesInstanceUID": "1.2"})
    providers.add_provider(messages)
    assert providers.get(PATIENT, "A").PatientID == "1CT1"


def test_what_is_imported_later_is_seen(providers, provider, database, tmp_path, write_ct):
    assert providers.get(PATIENT, "1.3") is NOTHING
    database.insert("1.3", write_ct(tmp_path / "3.dcm", SeriesInstanceUID="1.3"))
    assert providers.get(PATIENT, "1.3").PatientID == "1CT1"
    database.insert("1.3", write_ct(tmp_path / "4.dcm", SeriesInstanceUID="1.3"))
    assert providers.get(SERIES_FILES, "1.3").NumberOfSeriesRelatedInstances == 2


def test_a_closed_database_knows_nothing_until_it_is_opened(providers, provider, database):
    assert providers.get(PATIENT, "1.2")
    database.closeDatabase()
    assert providers.get(PATIENT, "1.2") is NOTHING
    database.openDatabase()
    assert providers.get(PATIENT, "1.2")


def test_slicer_without_a_database(providers):
    provider = SlicerDatabaseProvider(None)
    providers.add_provider(provider)
    assert providers.get(PATIENT, "1.2") is NOTHING
    provider.close()


def test_after_close_the_provider_listens_no_longer(providers, provider, database):
    provider.close()
    assert providers.get(PATIENT, "1.2") is NOTHING
    changes = []
    provider.changed.connect(changes.append)
    database.databaseChanged.emit()
    assert changes == []
