"""Slices that are tiles of one picture: Siemens mosaics, and the grids of UIH."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from pydicom import Dataset

from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

ROWS, COLUMNS, COUNT, ACROSS = 5, 7, 3, 2  # of a tile, and how many


def mosaic_pixels() -> np.ndarray:
    """Tiles that hold their number, from left to right and top to bottom; the last is empty."""
    tiles = [np.full((ROWS, COLUMNS), n if n < COUNT else 99, np.uint16) for n in range(4)]
    return np.block([tiles[:2], tiles[2:]])


def csa_header(**tags: list[float]) -> bytes:
    """A CSA2 header as syngo writes it, with numbers as its only tags."""
    parts = [b"SV10", b"\4\3\2\1", struct.pack("<2I", len(tags), 77)]
    for name, values in tags.items():
        parts.append(struct.pack("<64si4s3i", name.encode(), len(values), b"FD\0\0", 3, 6, 77))
        for value in [*values, *[None] * (6 - len(values))]:
            text = b"" if value is None else f"{value:.8f}".encode() + b"\0"
            parts.append(struct.pack("<4i", len(text), len(text), 77, len(text)))
            parts.append(text + bytes(-len(text) % 4))
    return b"".join(parts)


@pytest.fixture
def make_mosaic(make_slice):
    """Makes a mosaic whose slices follow each other along +z from (-10, -20, 30), 4 mm apart."""

    def make(csa: bytes | None = None, count: int | None = COUNT) -> Dataset:
        # The position of a slice as large as the mosaic, about the same center.
        position = (-10 - 0.25 * COLUMNS / 2, -20 - 0.5 * ROWS / 2, 30)
        dataset = make_slice(position, SpacingBetweenSlices=4, Modality="MR")
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]
        dataset.set_pixel_data(mosaic_pixels(), "MONOCHROME2", 12, generate_instance_uid=False)
        if count is not None:
            dataset.private_block(0x19, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", count)
        if csa is not None:
            block = dataset.private_block(0x29, "SIEMENS CSA HEADER", create=True)
            block.add_new(0x10, "OB", csa + bytes(len(csa) % 2))
        return dataset

    return make


@pytest.mark.parametrize("direction", [1, -1])
def test_a_mosaic_is_the_volume_of_its_tiles(tmp_path, make_mosaic, direction):
    csa = csa_header(SliceNormalVector=[0, 0, direction])
    make_mosaic(csa).save_as(tmp_path / "0", enforce_file_format=True)
    source = DicomFolderSource(tmp_path)
    (item,) = source.images()
    assert item.size == (COLUMNS, ROWS, COUNT)
    image = source.image(item.id)
    values = [0, 1, 2] if direction > 0 else [2, 1, 0]
    assert image.pixels[:, 2, 2].tolist() == values
    for k, value in enumerate(values):
        place = image.ijk_to_ras() @ (0, 0, k, 1)
        assert place == pytest.approx([10, 20, 30 + 4 * direction * value, 1])


def test_mosaics_of_several_times_are_volumes(tmp_path, make_mosaic):
    for time in range(4):
        dataset = make_mosaic(csa_header(SliceNormalVector=[0, 0, 1]))
        dataset.InstanceNumber = time + 1
        dataset.AcquisitionTime = f"10000{2 * time}"
        dataset.save_as(tmp_path / str(time), enforce_file_format=True)
    source = DicomFolderSource(tmp_path)
    assert [item.name for item in source.images()] == [
        f"Thin slices t={2 * time} s" for time in range(4)
    ]
    assert {item.size for item in source.images()} == {(COLUMNS, ROWS, COUNT)}


@pytest.mark.parametrize(
    ("csa", "reason"),
    [
        (None, "it has no CSA header (0029,1010)"),
        (b"SV10 and nonsense", "its CSA header cannot be read"),
        (csa_header(Other=[1.0]), "its CSA header has no SliceNormalVector"),
        (csa_header(SliceNormalVector=[1, 0, 0]), "normal or distance makes no sense"),
    ],
)
def test_a_mosaic_that_cannot_be_split_is_refused(tmp_path, make_mosaic, csa, reason):
    """It is never offered as a slice: one tiled plane would be a wrong image."""
    make_mosaic(csa).save_as(tmp_path / "0", enforce_file_format=True)
    source = DicomFolderSource(tmp_path)
    assert not source.images()
    ((name, words),) = source.refused
    assert name == "0"
    assert words.startswith("its slices are tiles of one picture, which cannot be split: ")
    assert reason in words


def test_a_grid_of_uih_has_a_position_for_each_tile(tmp_path, make_slice):
    dataset = make_slice((0, 0, 0), Modality="MR")
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "VFRAME"]
    dataset.set_pixel_data(mosaic_pixels(), "MONOCHROME2", 12, generate_instance_uid=False)
    block = dataset.private_block(0x65, "Image Private Header", create=True)
    block.add_new(0x50, "DS", str(COUNT))
    frames = []
    for k in range(COUNT):
        frame = Dataset()
        frame.ImagePositionPatient = [-10, -20, 30 + 4 * k]
        frames.append(frame)
    block.add_new(0x51, "SQ", frames)
    dataset.save_as(tmp_path / "0", enforce_file_format=True)
    source = DicomFolderSource(tmp_path)
    image = source.image(source.images()[0].id)
    assert image.pixels[:, 2, 2].tolist() == [0, 1, 2]
    assert image.ijk_to_ras() @ (0, 0, 2, 1) == pytest.approx([10, 20, 38, 1])
