"""What the tests of the codec share."""

from __future__ import annotations

import sys

import pytest

from IGTLMetaBrowserLib import codec


@pytest.fixture(params=["numpy", "fastcrc"])
def each_crc_path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test twice: as if fastcrc were not installed, and with it."""
    if request.param == "fastcrc":
        pytest.importorskip("fastcrc", reason="pip install fastcrc")
    else:
        monkeypatch.setattr(sys.modules[codec.Crc64.__module__], "_fastcrc", None)
    return request.param
