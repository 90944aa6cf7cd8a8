"""The providers that ship, put together in one registry."""

from __future__ import annotations

from collections.abc import Callable, Set

from ... import codec
from ..registry import MetadataProviders, Priority, Provider
from .calibration import CalibrationProvider
from .computed import ComputedProvider
from .dicom_series import DicomDatasetProvider, SeriesUids
from .image_header import ImageHeaderProvider
from .image_list import ImageMetaProvider
from .message_metadata import MessageMetadataProvider
from .typed_values import TypedValuesProvider


class StandardProviders:
    """Adds to ``registry`` all providers that need nothing but messages and the user.

    ``entries`` finds the entry of an image's id in the server's list, or returns None. Whoever
    knows more is added to the registry, such as Slicer's DICOM database::

        provider = SlicerDatabaseProvider(slicer.dicomDatabase, standard.series_uids)
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
        self._of_images = (self.calibration, self.typed, self.messages, self.headers)
        self._priorities: dict[Provider, Priority] = {
            # As the others, or one more would stay for each server, and they ask each other.
            self.series_uids: Priority.LIST,
            ComputedProvider(registry): Priority.COMPUTED,
            self.list: Priority.LIST,
            self.datasets: Priority.DICOM,
            self.headers: Priority.MESSAGE,
            self.messages: Priority.MESSAGE,
            self.typed: Priority.USER,
            self.calibration: Priority.CALIBRATION,
        }
        self.add_to_registry()

    @property
    def ids(self) -> Set[str]:
        """The ids of the images of which more is known than their list says."""
        return frozenset().union(*(provider.ids for provider in self._of_images))

    def forget(self, image_id: str) -> None:
        """Know no more of an image than its list says."""
        for provider in self._of_images:
            provider.forget(image_id)

    def add_to_registry(self) -> None:
        """Add these providers; if they are there already, nothing changes."""
        for provider, priority in self._priorities.items():
            self.registry.add_provider(provider, priority)

    def remove_from_registry(self) -> None:
        """Remove these providers: what they know stays with them, and can be added again."""
        for provider in self._priorities:
            self.registry.remove_provider(provider)
