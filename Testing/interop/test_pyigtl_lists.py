"""pyigtl's STRING and POINT against ours: what one packs, the other unpacks.

pyigtl 0.3.4 reads texts that are not ASCII, but does not pack them in STRING and metadata.
"""

from __future__ import annotations

import pytest

from IGTLMetaBrowserLib import codec
from interop.pyigtl_messages import unpack_with_pyigtl

pyigtl = pytest.importorskip("pyigtl", reason="pip install pyigtl")

ASCII_TEXTS = ["", "Needle at target", "x" * 65535]
TEXTS = [*ASCII_TEXTS, "Größe 頭部 \N{GRINNING FACE}"]


class TestString:
    @pytest.mark.parametrize("text", ASCII_TEXTS)
    def test_we_read_what_it_packs(self, text: str):
        data = pyigtl.StringMessage(text, device_name="Console").pack()
        ours = codec.unpack(data)
        assert (ours.string, ours.device_name) == (text, "Console")
        assert codec.pack(ours) == data

    @pytest.mark.parametrize("text", TEXTS)
    def test_it_reads_what_we_pack(self, text: str):
        theirs = unpack_with_pyigtl(codec.pack(codec.StringMessage(text, device_name="Console")))
        assert (theirs.string, theirs.device_name) == (text, "Console")

    @pytest.mark.parametrize("text", ASCII_TEXTS)
    def test_we_pack_the_same_bytes(self, text: str):
        theirs = pyigtl.StringMessage(text, device_name="Console", timestamp=1715934600.75).pack()
        ours = codec.StringMessage(text, device_name="Console")
        assert codec.pack(ours)[codec.HEADER_SIZE :] == theirs[codec.HEADER_SIZE :]


ITEMS = [
    codec.PointItem("Nasion", "Landmark", (255, 0, 0, 255), (-41.5, 80.25, 62.0), 2.5, "IMAGE_0"),
    codec.PointItem("Zähne 歯", "Größe", (0, 128, 255, 0), (0.0, 0.125, -1e6), 0.0, "Ö" * 10),
    codec.PointItem("N" * 64, "G" * 32, (1, 2, 3, 4), (1.0, 2.0, 3.0), 1.5, "O" * 20),
]


def with_pyigtl(items: list[codec.PointItem]):
    """Return the same points as pyigtl has them."""
    return pyigtl.PointMessage(
        positions=[item.position for item in items],
        names=[item.name for item in items],
        groups=[item.group for item in items],
        rgba_colors=[item.rgba for item in items],
        diameters=[item.diameter for item in items],
        owners=[item.owner for item in items],
        device_name="Pointer",
    )


class TestPoint:
    @pytest.mark.parametrize("items", [ITEMS, ITEMS[:1]], ids=["three", "one"])
    def test_we_read_what_it_packs(self, items: list[codec.PointItem]):
        data = with_pyigtl(items).pack()
        ours = codec.unpack(data)
        assert isinstance(ours, codec.PointMessage)
        assert ours.items == items
        assert ours.device_name == "Pointer"
        assert codec.pack(ours) == data

    @pytest.mark.parametrize("items", [ITEMS, ITEMS[:1]], ids=["three", "one"])
    def test_it_reads_what_we_pack(self, items: list[codec.PointItem]):
        theirs = unpack_with_pyigtl(codec.pack(codec.PointMessage(items, device_name="Pointer")))
        assert theirs.names == [item.name for item in items]
        assert theirs.groups == [item.group for item in items]
        assert theirs.rgba_colors == [item.rgba for item in items]
        assert theirs.positions == [item.position for item in items]
        assert theirs.diameters == [item.diameter for item in items]
        assert theirs.owners == [item.owner for item in items]

    def test_we_pack_the_same_bytes(self):
        ours = codec.pack(codec.PointMessage(ITEMS))[codec.HEADER_SIZE :]
        assert ours == with_pyigtl(ITEMS).pack()[codec.HEADER_SIZE :]

    def test_what_it_leaves_out_is_what_ours_is_made_with(self):
        ours = codec.unpack(pyigtl.PointMessage([1.0, 2.0, 3.0], device_name="Pointer").pack())
        assert ours.items == [codec.PointItem(position=(1.0, 2.0, 3.0))]


def test_metadata_of_a_string():
    theirs = pyigtl.StringMessage("hello", device_name="Console")
    theirs.header_version = 2
    theirs.metadata = {"Modality": "CT", "empty": ""}
    data = theirs.pack()
    ours = codec.unpack(data)
    assert (ours.string, ours.metadata) == ("hello", theirs.metadata)
    assert codec.pack(ours) == data
    ours.metadata["Sprache"] = "Grüße"
    assert unpack_with_pyigtl(codec.pack(ours)).metadata == ours.metadata
