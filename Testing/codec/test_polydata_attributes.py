"""The attributes of POLYDATA, in the document's way and in the C++ library's."""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib import codec

Type = codec.PolyDataAttributeType


def attributes_of(message: codec.PolyDataMessage) -> list[codec.PolyDataAttribute]:
    return codec.unpack(codec.pack(message)).attributes


def packed(**fields: object) -> bytes:
    """Return the content behind the header of a POLYDATA with one attribute."""
    attribute = {"type": Type.POINT_SCALAR, "name": "a", "data": np.ones((1, 2)), **fields}
    message = codec.PolyDataMessage(attributes=[codec.PolyDataAttribute(**attribute)])
    return codec.pack(message)[98:]


class TestLayout:
    def test_header_name_and_data(self):
        data = packed(name="T", type=Type.CELL_SCALAR)
        assert data[:6] == b"\x10\2" + b"\0\0\0\1"
        assert data[6:8] == b"T\0"
        assert data[8:] == np.ones(2, ">f4").tobytes()

    @pytest.mark.parametrize(("name", "size"), [("", 2), ("a", 2), ("ab", 4), ("abc", 4)])
    def test_names_take_an_even_number_of_bytes(self, name: str, size: int):
        assert packed(name=name)[6:-8] == name.encode().ljust(size, b"\0")

    def test_all_headers_come_first_then_all_names_then_all_data(self):
        attributes = [
            codec.PolyDataAttribute(Type.POINT_SCALAR, name, np.full((1, 1), value, np.float32))
            for name, value in [("a", 1.0), ("bb", 2.0)]
        ]
        data = codec.pack(codec.PolyDataMessage(attributes=attributes))[98:]
        headers = b"\0\1\0\0\0\1" * 2
        assert data == headers + b"a\0bb\0\0" + np.array([1, 2], ">f4").tobytes()


class TestFields:
    @pytest.mark.parametrize("type_", [*Type, 0x06, 0xFF])
    def test_any_type_comes_back(self, type_: int):
        attribute = codec.PolyDataAttribute(type_, "a", np.ones((2, 3), np.float32))
        (received,) = attributes_of(codec.PolyDataMessage(attributes=[attribute]))
        assert received == attribute
        assert isinstance(received.type, Type) == (type_ in set(Type))

    @pytest.mark.parametrize("shape", [(0, 3), (4, 0), (0, 0), (1, 255)])
    def test_data_of_any_shape_come_back(self, shape: tuple[int, int]):
        attribute = codec.PolyDataAttribute(Type.POINT_SCALAR, "a", np.zeros(shape, np.float32))
        assert attributes_of(codec.PolyDataMessage(attributes=[attribute])) == [attribute]

    @pytest.mark.parametrize("name", ["x" * 255, "Größe", "\udcff", ""])
    def test_a_name_comes_back(self, name: str):
        attribute = codec.PolyDataAttribute(Type.POINT_SCALAR, name, np.ones((1, 1), np.float32))
        assert attributes_of(codec.PolyDataMessage(attributes=[attribute])) == [attribute]

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"name": "x" * 256}, "the limit is 255"),
            ({"name": "a\0b"}, "NUL"),
            ({"name": None}, "attribute name is a text"),
            ({"type": 256}, "type of the attribute 'a' 256"),
            ({"type": None}, "type of the attribute 'a' None"),
            ({"data": np.zeros((1, 256))}, "components of the attribute 'a' 256"),
            ({"data": np.zeros(3)}, "have the shape"),
            ({"data": np.zeros((1, 1, 1))}, "have the shape"),
            ({"data": [["1"]]}, "are numbers"),
            ({"data": None}, "are numbers"),
            ({"data": [[1e39]]}, "too large for float32"),
            ({"data": [[1], [2, 3]]}, "data of the attribute 'a'"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, fields: dict, words: str):
        with pytest.raises(codec.EncodeError, match=words):
            packed(**fields)

    @pytest.mark.parametrize("attributes", [None, ["a"], [None]])
    def test_what_are_no_attributes_is_refused(self, attributes: list):
        with pytest.raises(codec.EncodeError, match="attributes of POLYDATA are"):
            codec.pack(codec.PolyDataMessage(attributes=attributes))

    def test_too_many_are_refused(self):
        attribute = codec.PolyDataAttribute(Type.POINT_SCALAR, "", np.zeros((0, 0), np.float32))
        with pytest.raises(codec.EncodeError, match="65536 attributes; a POLYDATA can hold 65535"):
            codec.pack(codec.PolyDataMessage(attributes=[attribute] * 65536))


class TestTheLibrarysWay:
    """The C++ library takes most attributes for tensors: 9 numbers for each entry."""

    @pytest.mark.parametrize("type_", [Type.POINT_RGBA, Type.CELL_RGBA])
    def test_two_colors_are_the_first_eight_of_eighteen_numbers(self, type_: Type):
        colors = [[1, 0.5, 0, 1], [0, 0.25, 1, 0.75]]
        attribute = codec.PolyDataAttribute.from_values(type_, "colors", colors)
        assert attribute.data.shape == (2, 9)
        assert attribute.data.ravel().tolist() == [1, 0.5, 0, 1, 0, 0.25, 1, 0.75, *[0] * 10]
        assert attribute.values().tolist() == colors

    @pytest.mark.parametrize("type_", [Type.POINT_VECTOR, Type.POINT_NORMAL])
    def test_vectors_and_normals_of_points_are_as_in_the_document(self, type_: Type):
        attribute = codec.PolyDataAttribute.from_values(type_, "v", [[1, 2, 3], [4, 5, 6]])
        assert attribute.data.tolist() == attribute.values().tolist() == [[1, 2, 3], [4, 5, 6]]

    @pytest.mark.parametrize("type_", [Type.POINT_TENSOR, Type.CELL_TENSOR])
    def test_so_are_tensors(self, type_: Type):
        attribute = codec.PolyDataAttribute.from_values(type_, "t", [range(9)])
        assert attribute.data.tolist() == attribute.values().tolist() == [list(range(9))]

    def test_so_are_scalars_of_points(self):
        attribute = codec.PolyDataAttribute.from_values(Type.POINT_SCALAR, "s", [1, 2, 3])
        assert attribute.data.tolist() == attribute.values().tolist() == [[1], [2], [3]]

    def test_scalars_of_cells_do_not_say_how_many_components_they_have(self):
        attribute = codec.PolyDataAttribute.from_values(Type.CELL_SCALAR, "s", [1, 2])
        assert attribute.data.tolist() == [[1, 2, 0, 0, 0, 0, 0, 0, 0], [0] * 9]
        assert attribute.values() is attribute.data
        assert attribute.values(1).tolist() == [[1], [2]]

    def test_what_a_peer_sent_as_in_the_document_is_not_cut(self):
        attribute = codec.PolyDataAttribute(Type.POINT_RGBA, "c", np.ones((2, 4), np.float32))
        assert attribute.values() is attribute.data

    @pytest.mark.parametrize(
        ("type_", "values"),
        [
            (Type.POINT_VECTOR, [[1, 2]]),
            (Type.CELL_NORMAL, [1, 2, 3]),
            (Type.POINT_TENSOR, [[1, 2, 3]]),
            (Type.CELL_RGBA, [[1, 2, 3]]),
            (Type.POINT_SCALAR, [[[1]]]),
        ],
    )
    def test_values_of_another_shape_are_refused(self, type_: Type, values: list):
        with pytest.raises(codec.EncodeError, match="have the shape"):
            codec.PolyDataAttribute.from_values(type_, "a", values)
