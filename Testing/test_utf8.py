"""Texts that came as bytes of any kind."""

from __future__ import annotations

import pytest

from IGTLMetaBrowserLib.utf8 import utf8


@pytest.mark.parametrize(
    ("came", "written"),
    [
        (b"Liver", "Liver"),
        ("Größe".encode(), "Größe"),
        ("Größe".encode("latin-1"), r"Gr\xf6\xdfe"),
        (b"\xc3", r"\xc3"),
        (b"", ""),
    ],
)
def test_bytes_that_are_not_utf_8_can_be_told(came: bytes, written: str) -> None:
    text = came.decode("utf-8", "surrogateescape")
    assert utf8(text) == written
