"""POSITION and TRANSFORM: pyigtl, a second implementation, against our codec."""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib import codec
from interop.pyigtl_messages import unpack_with_pyigtl

pyigtl = pytest.importorskip("pyigtl", reason="pip install pyigtl")

# A quarter turn about k, a scale along i, and a move.
MATRIX = np.array([[0.0, -1.0, 0, 10], [0.75, 0, 0, -20], [0, 0, 1, 30.5], [0, 0, 0, 1]])
TIME = 1715934600.75


class TestTransform:
    def test_we_read_what_it_packs(self):
        theirs = pyigtl.TransformMessage(MATRIX, TIME, "Needle")
        ours = codec.unpack(theirs.pack())
        assert np.array_equal(ours.matrix, MATRIX)
        assert ours.device_name == "Needle"
        assert ours.timestamp.seconds == pytest.approx(TIME, abs=1e-6)

    def test_it_reads_what_we_pack(self):
        ours = codec.TransformMessage(
            matrix=MATRIX,
            device_name="Needle",
            timestamp=codec.Timestamp.from_seconds(TIME),
        )
        theirs = unpack_with_pyigtl(codec.pack(ours))
        assert np.array_equal(theirs.matrix, MATRIX)
        assert theirs.device_name == "Needle"
        assert theirs.timestamp == pytest.approx(TIME, abs=1e-6)

    def test_both_pack_the_same_bytes(self):
        data = pyigtl.TransformMessage(MATRIX, TIME, "Needle").pack()
        assert codec.pack(codec.unpack(data)) == data

    def test_metadata_of_header_version_2_both_ways(self):
        theirs = pyigtl.TransformMessage(MATRIX, TIME, "Needle")
        theirs.header_version, theirs.message_id = 2, 77
        theirs.metadata = {"Status": "OK", "Größe": "182 cm"}
        ours = codec.unpack(theirs.pack())
        assert (ours.message_id, ours.metadata) == (77, theirs.metadata)
        again = unpack_with_pyigtl(codec.pack(ours))
        assert again.metadata == theirs.metadata
        assert np.array_equal(again.matrix, MATRIX)

    @pytest.mark.parametrize("seed", range(5))
    def test_any_matrix_of_float32_numbers(self, seed: int):
        matrix = np.eye(4)
        matrix[:3] = np.random.default_rng(seed).normal(size=(3, 4)).astype(np.float32) * 1000
        ours = codec.unpack(pyigtl.TransformMessage(matrix).pack())
        assert np.allclose(ours.matrix, matrix, rtol=1e-7)
        assert np.array_equal(unpack_with_pyigtl(codec.pack(ours)).matrix, ours.matrix)


class TestPosition:
    """Its POSITION is a list of points with quaternions, which the protocol does not know."""

    def test_we_refuse_what_it_packs_and_say_why(self):
        theirs = pyigtl.PositionMessage([1.0, 2.0, 3.0], [0.0, 0.0, 0.0, 1.0])
        with pytest.raises(codec.DecodeError, match="12, 24 or 28 bytes; 152 are there"):
            codec.unpack(theirs.pack())

    def test_it_finds_no_point_in_what_we_pack(self):
        ours = codec.PositionMessage((1.0, 2.0, 3.0), (0.0, 0.0, 0.0, 1.0))
        assert unpack_with_pyigtl(codec.pack(ours)).positions == []

    def test_it_reads_our_pose_as_a_transform(self):
        # What both understand: the same pose as a matrix.
        pose = codec.PositionMessage((10.0, -20.0, 30.5), (0.0, 0.0, 0.5**0.5, 0.5**0.5))
        theirs = unpack_with_pyigtl(codec.pack(codec.TransformMessage(matrix=pose.to_matrix())))
        quarter_turn = [[0, -1, 0, 10], [1, 0, 0, -20], [0, 0, 1, 30.5], [0, 0, 0, 1]]
        assert np.allclose(theirs.matrix, quarter_turn, atol=1e-6)
