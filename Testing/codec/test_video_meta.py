"""VIDEOMETA: the matrix of a camera, and how the list is asked for."""

from __future__ import annotations

from IGTLMetaBrowserLib import codec


def test_the_matrix_has_the_axes_and_the_center_as_columns():
    item = codec.VideoMetaItem(matrix=(0, 0.25, 0, -0.5, 0, 0, 0, 0, 2, 10.5, -20, 30))
    assert item.to_matrix().tolist() == [[0, -0.5, 0, 10.5], [0.25, 0, 0, -20], [0, 0, 2, 30]]


def test_the_list_is_asked_for_under_a_shorter_name():
    query = codec.GetMessage("VMETA")
    assert codec.unpack(codec.pack(query)).type_name == "GET_VMETA"
