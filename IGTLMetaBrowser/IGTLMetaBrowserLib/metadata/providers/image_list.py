"""What the server's listing (IMGMETA) says of an image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import codec
from ..image_modules import GeneralImage, ImagePixel, VolumeGeometry
from ..modules import GENERAL_IMAGE, GENERAL_SERIES, IMAGE_PIXEL, PATIENT, VOLUME_GEOMETRY
from ..observable import ObservableProvider
from ..registry import NOTHING
from ..study_modules import GeneralSeries, Patient
from ..values import is_known, module_items


class ImageMetaProvider(ObservableProvider):
    """Knows the entries of a list; asked with an image's id.

    ``entries`` finds the entry of an id, or returns None. Call ``entries_changed`` whenever it
    answers in another way than before.
    """

    name = "image list"

    def __init__(self, entries: Callable[[str], codec.ImageMetaItem | None]) -> None:
        super().__init__()
        self._entries = entries

    def entries_changed(self) -> None:
        """Note that there is another list."""
        self.notify_changed()

    def __call__(self, type_: str, image_id: str) -> Any:
        """Return the patient, series, image, pixel or geometry module of an image."""
        make = _MAKERS.get(type_)
        entry = self._entries(image_id) if make else None
        if make is None or entry is None:
            return NOTHING
        module = make(entry)
        return module if any(is_known(value) for _, value in module_items(module)) else NOTHING


def pixel_module(columns: int, rows: int, scalar_type: codec.ScalarType | int) -> ImagePixel:
    """Return what a scalar type and the voxels along i and j tell of the pixels."""
    if not isinstance(scalar_type, codec.ScalarType):
        return ImagePixel(Rows=rows, Columns=columns)
    dtype = scalar_type.dtype
    return ImagePixel(
        Rows=rows,
        Columns=columns,
        BitsAllocated=8 * dtype.itemsize,
        PixelRepresentation={"u": 0, "i": 1}.get(dtype.kind),
    )


def _patient(entry: codec.ImageMetaItem) -> Patient:
    return Patient(entry.patient_name, entry.patient_id)


def _series(entry: codec.ImageMetaItem) -> GeneralSeries:
    return GeneralSeries(entry.modality, entry.name)


def _image(entry: codec.ImageMetaItem) -> GeneralImage:
    moment = entry.scan_time.to_datetime()
    if moment is None:
        return GeneralImage()
    return GeneralImage(AcquisitionDateTime=f"{moment:%Y%m%d%H%M%S.%f%z}")


def _pixels(entry: codec.ImageMetaItem) -> ImagePixel:
    if not any(entry.size):
        return ImagePixel()
    return pixel_module(entry.size[0], entry.size[1], entry.scalar_type)


def _geometry(entry: codec.ImageMetaItem) -> VolumeGeometry:
    return VolumeGeometry(Size=entry.size if any(entry.size) else None)


_MAKERS: dict[str, Callable[[codec.ImageMetaItem], Any]] = {
    PATIENT: _patient,
    GENERAL_SERIES: _series,
    GENERAL_IMAGE: _image,
    IMAGE_PIXEL: _pixels,
    VOLUME_GEOMETRY: _geometry,
}
