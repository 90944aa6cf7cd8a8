"""Volumes whose voxels are text: the readers take what is no number of their type for another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.plain_volumes.folder import PlainVolumeSource

NRRD = """NRRD0005
type: {}
dimension: 3
sizes: 2 2 1
encoding: {}
space: LPS
space directions: (1,0,0) (0,1,0) (0,0,1)
space origin: (0,0,0)
"""
META = """ObjectType = Image
NDims = 3
DimSize = 2 2 1
ElementSpacing = 1 1 1
Offset = 0 0 0
ElementType = MET_{}
BinaryData = False
ElementDataFile = LOCAL
"""


def image_of(path: Path, text: str) -> np.ndarray:
    path.write_text(text)
    return PlainVolumeSource(path.parent).image("a").pixels.ravel()


@pytest.mark.parametrize("encoding", ["ascii", "Text", "txt"])
@pytest.mark.parametrize(
    ("kind", "text"),
    [("short", "1 -2\n\t3 32767\n"), ("uchar", "1, 2, 3, 255"), ("float", "1e3 .1 -1.7 nan\n")],
)
def test_voxels_of_nrrd_that_are_text_are_read(tmp_path: Path, encoding, kind, text):
    voxels = image_of(tmp_path / "a.nrrd", NRRD.format(kind, encoding) + "\n" + text)
    np.testing.assert_allclose(voxels, np.array(text.replace(",", " ").split(), float))


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_vectors_whose_components_lie_apart_in_the_text_are_read(tmp_path: Path, axis: int):
    """NRRD may have them along any axis, and ITK puts those of one place beside each other."""
    values = np.arange(24).reshape([3 if axis == 3 - k else 2 for k in range(4)])
    header = NRRD.format("short", "ascii").replace("dimension: 3", "dimension: 4")
    header = header.replace("2 2 1", " ".join(map(str, values.shape[::-1])))
    directions, kinds = ["(1,0,0)", "(0,1,0)", "(0,0,1)"], ["domain"] * 3
    directions.insert(axis, "none")
    kinds.insert(axis, "vector")
    header = header.replace("(1,0,0) (0,1,0) (0,0,1)", " ".join(directions))
    header += f"kinds: {' '.join(kinds)}\n\n"
    voxels = image_of(tmp_path / "a.nrrd", header + " ".join(map(str, values.ravel())))
    assert [*voxels] == [*np.moveaxis(values, 3 - axis, -1).ravel()]


def test_voxels_of_a_metaimage_that_are_text_are_read(tmp_path: Path):
    assert [*image_of(tmp_path / "a.mha", META.format("SHORT") + "1 -2 3 4\n")] == [1, -2, 3, 4]


def test_text_of_several_pieces_is_read(tmp_path: Path):
    values = np.arange(400_000) % 30_000
    header = NRRD.format("short", "ascii").replace("2 2 1", "1000 400 1")
    voxels = image_of(tmp_path / "a.nrrd", header + "\n" + " ".join(map(str, values)))
    np.testing.assert_array_equal(voxels, values)


@pytest.mark.parametrize("wrong", ["70000", "-5", "1.7", "1e3", "256"])
@pytest.mark.parametrize("is_nrrd", [True, False], ids=["NRRD", "MetaImage"])
def test_a_number_that_a_voxel_cannot_have_is_not_made_another(tmp_path: Path, wrong, is_nrrd):
    """Of 70000, as 8 bits, the readers make 112."""
    header = NRRD.format("uchar", "ascii") + "\n" if is_nrrd else META.format("UCHAR")
    with pytest.raises(SourceError, match="numbers that voxels of their type cannot have"):
        image_of(tmp_path / ("a.nrrd" if is_nrrd else "a.mha"), f"{header}1 2 {wrong} 4\n")


@pytest.mark.parametrize("field", ["data file: a.txt", "line skip: 1", "byte skip: 9"])
def test_text_that_is_not_behind_its_header_is_refused(tmp_path: Path, field: str):
    (tmp_path / "a.txt").write_text("1 2 3 4\n")
    header = NRRD.format("uchar", "ascii") + field + "\n\n"
    with pytest.raises(SourceError, match="text, and not behind its header"):
        image_of(tmp_path / "a.nrrd", header + "a comment\n1 2 3 4\n")
