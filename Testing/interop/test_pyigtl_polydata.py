"""pyigtl's POLYDATA. It writes points and cells, but no attributes; and it cannot read any."""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib import codec

pyigtl = pytest.importorskip("pyigtl", reason="pip install pyigtl")

POINTS = np.array([[0, 0, 0], [1.5, 0, 0], [1.5, 1.5, -80.25], [0, 1.5, 1]], np.float32)
KINDS = {
    "lines": [[0, 1, 2], [2, 3]],
    "polygons": [[0, 1, 2], [0, 1, 2, 3]],
    "triangle_strips": [[0, 1, 3, 2]],
}
# What pyigtl calls cells is the wire's layout.
LEGACY = {kind: codec.CellArray.from_cells(cells).to_legacy() for kind, cells in KINDS.items()}


def test_we_read_what_it_packs():
    theirs = pyigtl.PolyDataMessage(points=POINTS, **LEGACY, timestamp=0.0, device_name="Skull")
    ours = codec.unpack(theirs.pack())
    assert np.array_equal(ours.points, POINTS)
    for kind, cells in KINDS.items():
        assert [cell.tolist() for cell in getattr(ours, kind)] == cells, kind
    assert len(ours.vertices) == len(ours.attributes) == 0
    assert ours.device_name == "Skull"


def test_we_pack_the_same_bytes():
    theirs = pyigtl.PolyDataMessage(points=POINTS, **LEGACY, timestamp=1715934600.75)
    kinds = {kind: codec.CellArray.from_cells(cells) for kind, cells in KINDS.items()}
    ours = codec.PolyDataMessage(POINTS, **kinds)
    assert codec.pack(ours)[codec.HEADER_SIZE :] == theirs.pack()[codec.HEADER_SIZE :]


def test_its_vertices_are_in_the_wrong_byte_order_and_refused():
    theirs = pyigtl.PolyDataMessage(points=POINTS, vertices=np.array([1, 0, 1, 3]), timestamp=0.0)
    with pytest.raises(codec.DecodeError, match="vertices of POLYDATA"):
        codec.unpack(theirs.pack())


def test_it_reads_none():
    # Should this fail one day, compare what it reads with what we packed.
    assert pyigtl.messages.MessageBase.create_message("POLYDATA") is None
