"""What Slicer's DICOM database knows of a series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .dicom_series import DicomSeriesProvider, SeriesUids

# When these signals of ctkDICOMDatabase come, other files may be in the database.
_SIGNALS = ("databaseChanged", "opened", "closed")


class SlicerDatabaseProvider(DicomSeriesProvider):
    """Knows the files in a DICOM database; asked with a SeriesInstanceUID, or an image's id.

    ``database`` is ``slicer.dicomDatabase``, a ctkDICOMDatabase, or None if Slicer has none;
    it knows nothing while it is not open. Call ``close`` when the provider is no longer needed.
    """

    name = "Slicer's DICOM database"

    def __init__(self, database: Any, series_uids: SeriesUids | None = None) -> None:
        super().__init__(self._files_in_database, series_uids)
        self._database = database
        for signal in self._signals():
            signal.connect(self.files_changed)

    def close(self) -> None:
        """Listen to the database no longer."""
        for signal in self._signals():
            signal.disconnect(self.files_changed)
        self._database = None
        self.files_changed()

    def _signals(self) -> list[Any]:
        found = [getattr(self._database, name, None) for name in _SIGNALS]
        return [signal for signal in found if signal is not None]

    def _files_in_database(self, series_uid: str) -> Sequence[str]:
        if self._database is None or not self._database.isOpen:
            return ()
        return self._database.filesForSeries(series_uid)
