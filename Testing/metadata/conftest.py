"""Fixtures for metadata: a registry, and what a server says of a CT image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.metadata.registry import MetadataProviders


@pytest.fixture
def providers() -> MetadataProviders:
    return MetadataProviders()


@pytest.fixture
def entry() -> codec.ImageMetaItem:
    """The line for image A in a server's list."""
    return codec.ImageMetaItem(
        name="CT head",
        id="A",
        modality="CT",
        patient_name="Phantom, Head",
        patient_id="P1",
        scan_time=codec.Timestamp.from_seconds(1_715_675_400.25),  # 2024-05-14 08:30:00.25 UTC
        size=(7, 5, 3),
        scalar_type=codec.ScalarType.INT16,
    )


@pytest.fixture
def image() -> codec.ImageMessage:
    """Image A: axial slices 2 mm apart, rows 0.5 mm and columns 0.25 mm apart."""
    return codec.ImageMessage.from_ijk_to_ras(
        np.zeros((3, 5, 7), np.int16),
        [[-0.25, 0, 0, 10], [0, -0.5, 0, 20], [0, 0, 2, 30], [0, 0, 0, 1]],
        device_name="A",
    )


@pytest.fixture
def ct() -> pydicom.Dataset:
    """pydicom's CT_small.dcm."""
    return pydicom.dcmread(get_testdata_file("CT_small.dcm"))


@pytest.fixture
def write_ct() -> Callable[..., Path]:
    """Writes CT_small.dcm with other attributes: ``write_ct(path, Modality="MR")``."""

    def write(path: Path, **attributes: object) -> Path:
        dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(path)
        return path

    return write
