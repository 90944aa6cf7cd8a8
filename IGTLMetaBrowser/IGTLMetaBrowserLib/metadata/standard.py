"""The providers that ship, put together in one registry."""

from __future__ import annotations

from collections.abc import Callable

from .. import codec
from .calibration import CalibrationProvider
from .computed import ComputedProvider
from .dicom_series import DicomDatasetProvider, SeriesUids
from .image_header import ImageHeaderProvider
from .image_meta import ImageMetaProvider
from .message_metadata import MessageMetadataProvider
from .providers import MetadataProviders, Priority
from .typed_values import TypedValuesProvider


class StandardProviders:
    """Adds to ``registry`` all providers that need nothing but messages and the user.

    ``entries`` finds the entry of an image's id in the server's list, or returns None. Folders of
    DICOM files and Slicer's database are added where there are any::

        folder = DicomFolder(path)
        provider = DicomSeriesProvider(folder.files_of_series, standard.series_uids)
        standard.registry.add_provider(provider, Priority.DICOM)
    """

    def __init__(
        self,
        registry: MetadataProviders,
        entries: Callable[[str], codec.ImageMetaItem | None],
    ) -> None:
        self.registry = registry
        self.series_uids = SeriesUids(registry)
        self.list = ImageMetaProvider(entries)
        self.headers = ImageHeaderProvider()
        self.messages = MessageMetadataProvider()
        self.datasets = DicomDatasetProvider(self.series_uids)
        self.calibration = CalibrationProvider()
        self.typed = TypedValuesProvider()
        registry.add_provider(ComputedProvider(registry), Priority.COMPUTED)
        registry.add_provider(self.list, Priority.LIST)
        registry.add_provider(self.datasets, Priority.DICOM)
        registry.add_provider(self.headers, Priority.MESSAGE)
        registry.add_provider(self.messages, Priority.MESSAGE)
        registry.add_provider(self.typed, Priority.USER)
        registry.add_provider(self.calibration, Priority.CALIBRATION)
