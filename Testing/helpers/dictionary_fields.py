"""What the DICOM dictionary has of a dataset that pydicom has read."""

from __future__ import annotations

from pydicom import Dataset

from IGTLMetaBrowserLib.dicom_index.fields import fields_by_lookup


def dictionary_fields(dataset: Dataset) -> dict[str, str]:
    """Return the fields of a dataset, all but the computed ones."""
    return fields_by_lookup(dataset.get_item)
