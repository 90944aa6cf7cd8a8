"""The golden messages of ``Testing/data`` against the codec, and against the C++ library."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import cpp_library
from data import golden, make_golden
from IGTLMetaBrowserLib import codec

MADE_BY_CPP = ("image_meta", "trajectories", "image", "subvolume", "status", "get_image")


@pytest.mark.parametrize("name", golden.NAMES)
def test_unpack_gives_the_fields(name: str):
    assert codec.unpack(golden.golden_bytes(name)) == golden.golden_message(name)


@pytest.mark.parametrize("name", golden.NAMES)
def test_pack_gives_the_bytes(name: str):
    assert codec.pack(golden.golden_message(name)) == golden.golden_bytes(name)


@pytest.mark.parametrize("name", golden.NAMES)
def test_what_was_unpacked_packs_to_the_same_bytes(name: str):
    data = golden.golden_bytes(name)
    assert codec.pack(codec.unpack(data)) == data


def test_every_family_is_there_in_both_header_versions():
    families = ("image_meta", "trajectories", "image", "subvolume", "status", "get_image")
    for family in (*families, "rts_image"):
        assert {f"{family}_v1", f"{family}_v2"} <= set(golden.NAMES)


def test_the_files_are_what_the_script_makes():
    made = {name: (fields, data) for name, fields, data in make_golden.golden_messages()}
    assert sorted(made) == golden.NAMES
    for name, (fields, data) in made.items():
        assert golden.golden_bytes(name) == data
        text = (golden.FOLDER / f"{name}.json").read_text(encoding="utf-8")
        assert json.loads(text) == fields


@pytest.fixture(scope="module")
def made_by_cpp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the messages that the C++ library packs."""
    if reason := cpp_library.why_missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("golden")
    program = cpp_library.build(golden.FOLDER / "golden.cc", folder)
    subprocess.run([program, folder], check=True, timeout=30)
    return folder


@pytest.mark.parametrize("name", MADE_BY_CPP)
def test_the_cpp_library_packs_the_same_bytes(made_by_cpp: Path, name: str):
    data = (made_by_cpp / f"{name}_v1.bin").read_bytes()
    assert data == golden.golden_bytes(f"{name}_v1")
