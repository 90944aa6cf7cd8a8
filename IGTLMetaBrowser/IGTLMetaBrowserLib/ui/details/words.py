"""DICOM keywords and the names of providers in words that a user reads."""

from __future__ import annotations

from functools import lru_cache

import qt
from slicer.i18n import tr as _

from ...metadata.modules import IMAGE_PLANE
from ...metadata.providers.calibration import CalibrationProvider
from ...metadata.providers.computed import ComputedProvider
from ...metadata.providers.dicom_series import DicomDatasetProvider, DicomSeriesProvider
from ...metadata.providers.image_header import ImageHeaderProvider
from ...metadata.providers.image_list import ImageMetaProvider
from ...metadata.providers.message_metadata import MessageMetadataProvider
from ...metadata.providers.slicer_database import SlicerDatabaseProvider
from ...metadata.providers.typed_values import TypedValuesProvider

# Attributes of ours that are not in DICOM's dictionary (PS3.6).
_OWN_WORDS = {
    "IjkToRas": "IJK to RAS matrix",
    "VolumeOrientation": "Volume orientation",
    "SlicePlane": "Slice plane",
    "FirstFile": "First file",
}


@lru_cache(maxsize=1000)
def wordsOf(keyword):
    """Return what an attribute is called: ``Pixel spacing`` for ``PixelSpacing``.

    These are the names of DICOM (PS3.6), in sentence case; a keyword that is not in it, such as
    one that only the server knows, stays as it is.
    """
    from pydicom.datadict import dictionary_description, tag_for_keyword

    tag = tag_for_keyword(keyword)
    if tag is None:
        return _OWN_WORDS.get(keyword, keyword)
    name = dictionary_description(tag).replace("'s ", " ").replace("DateTime", "Date and Time")
    first, *others = name.split(" ")
    return " ".join([first, *(word if word.isupper() else word.lower() for word in others)])


@lru_cache(maxsize=1000)
def isPersonName(keyword):
    """Whether the values of an attribute are names of people (VR PN)."""
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    tag = tag_for_keyword(keyword)
    return tag is not None and dictionary_VR(tag) == "PN"


class DetailSources:
    """Who knows a value: a word or two, and an icon."""

    def __init__(self):
        style = qt.QApplication.style()
        network, file, folder, computer, user = (
            style.standardIcon(icon)
            for icon in (
                qt.QStyle.SP_DriveNetIcon,
                qt.QStyle.SP_FileIcon,
                qt.QStyle.SP_DirIcon,
                qt.QStyle.SP_ComputerIcon,
                qt.QStyle.SP_FileDialogDetailedView,
            )
        )
        self.warning = style.standardIcon(qt.QStyle.SP_MessageBoxWarning)
        self._shown = {
            ImageMetaProvider.name: (_("Image list"), network),
            ImageHeaderProvider.name: (_("Image header"), network),
            MessageMetadataProvider.name: (_("Metadata"), network),
            DicomDatasetProvider.name: (_("DICOM"), file),
            DicomSeriesProvider.name: (_("DICOM files"), file),
            SlicerDatabaseProvider.name: (_("DICOM database"), folder),
            ComputedProvider.name: (_("Computed"), computer),
            CalibrationProvider.name: (_("Calibration"), user),
            TypedValuesProvider.name: (_("Typed in"), user),
        }
        self._others = computer
        self._othersDiffer = _("{source} (others differ)")

    def text(self, detail):
        """Return who knows a value."""
        text, _icon = self._shown.get(detail.provider, (detail.provider, None))
        text = text[:1].upper() + text[1:]
        return self._othersDiffer.format(source=text) if detail.conflicts else text

    def icon(self, detail):
        """Return the icon for it."""
        _text, icon = self._shown.get(detail.provider, ("", self._others))
        return icon


def isCalibrated(detail):
    """Whether a value is a pixel spacing that the user has calibrated."""
    return detail.provider == CalibrationProvider.name and detail.module == IMAGE_PLANE
