"""What stands for Slicer's DICOM database in tests.

There is no ctkDICOMDatabase outside Slicer. This is a QObject with those of its methods, properties
and signals that the provider uses (ctkDICOMDatabase.h).
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal


class Database(QObject):
    databaseChanged = Signal()  # noqa: N815
    opened = Signal()
    closed = Signal()

    def __init__(self):
        super().__init__()
        self.isOpen = True
        self.files = {}

    def filesForSeries(self, series_uid, hits=-1):  # noqa: N802
        return tuple(self.files.get(series_uid, ()))

    def insert(self, series_uid, path):
        self.files.setdefault(series_uid, []).append(str(path))
        self.databaseChanged.emit()

    def closeDatabase(self):  # noqa: N802
        self.isOpen = False
        self.closed.emit()

    def openDatabase(self):  # noqa: N802
        self.isOpen = True
        self.opened.emit()
