"""The C++ library packs the same bytes as we do, and reads what we pack, field by field.

For each family of types, the program ``exactness/FAMILY.cc`` packs the golden messages of
``data/layouts/FAMILY.py`` with the library, and prints what the library reads. It knows header
version 1 only.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import golden, make_golden
from helpers import cpp_library
from hostile import strategies
from IGTLMetaBrowserLib import codec
from interop.library_defects import NOT_DRAWN, NOT_KNOWN, NOT_PACKED, NOT_READ, differences

SOURCES = {source.stem: source for source in Path(__file__).parent.glob("exactness/*.cc")}
PROGRAM = Path(__file__).parent / "exactness" / "program.hpp"
# A program of its own, in which that is so of one type alone.
REPLACE_MALLOC = {name for name, path in SOURCES.items() if "* malloc(" in path.read_text("utf-8")}
GOLDEN = [
    pytest.param(family, name, id=name)
    for family in sorted(SOURCES)
    for name, *_ in make_golden.FAMILIES[family].CONTENTS
]
# Of the header, what version 1 does not have.
VERSION_2_FIELDS = ("header_version", "message_id", "metadata")

# Of 5 to 8 messages each; ``dev.py differential`` asks for more.
EXAMPLES = int(os.environ.get("DIFFERENTIAL_EXAMPLES", "5"))

Build = Callable[[str], Path]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return what builds the program of a family, once, and gives its path."""
    if reason := cpp_library.why_missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("exactness")
    programs: dict[str, Path] = {}

    def build(family: str) -> Path:
        if family not in programs:
            families = (
                [family] if family in REPLACE_MALLOC else sorted(set(SOURCES) - REPLACE_MALLOC)
            )
            source = folder / f"of_{family}.cc"
            source.write_text(joined(families))
            # Quickly built matters more here than quickly run.
            program = cpp_library.build(source, folder, "-O0")
            for one in families:
                programs[one] = folder / one
                programs[one].symlink_to(program)
        return programs[family]

    return build


def joined(families: list[str]) -> str:
    """Return the source of a program that is, by the name it is run by, that of a family.

    To compile what they share once takes a fourth of the time.
    """
    texts = [SOURCES[family].read_text(encoding="utf-8") for family in families]
    includes = sorted({line for text in texts for line in re.findall(r"^#include.*", text, re.M)})
    # In a namespace, what they include is there already, and ``main`` a function like any other.
    spaces = [f'namespace {one}_ {{\n#include "{SOURCES[one]}"\n}}' for one in families]
    calls = [f'  if (name == "{one}") return {one}_::main(argc, argv);' for one in families]
    return "\n".join(
        [
            *(line.replace('"program.hpp"', f'"{PROGRAM}"') for line in includes),
            *spaces,
            "int main(int argc, char** argv) {",
            "  const std::string path = argv[0], name = path.substr(path.rfind('/') + 1);",
            *calls,
            "  return 2;",
            "}",
        ]
    )


@pytest.fixture(scope="session")
def packed_by_library(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return what gives the folder with the golden messages that a program packs."""
    folders: dict[str, Path] = {}

    def packed(family: str) -> Path:
        if family not in folders:
            folder = tmp_path_factory.mktemp(family)
            subprocess.run([build(family), "pack", folder], check=True, timeout=30)
            folders[family] = folder
        return folders[family]

    return packed


def read_by_library(program: Path, file: Path, data: bytes) -> list[dict[str, Any]]:
    """Return the fields of each message in ``data`` as the library reads them."""
    file.write_bytes(data)
    result = subprocess.run([program, "unpack", file], capture_output=True, timeout=30, check=False)
    assert result.returncode == 0, result.stderr.decode(errors="replace")
    lines = result.stdout.decode("utf-8", "surrogateescape").split("\n")
    return [json.loads(line) for line in lines if line]


def fields_of(message: codec.Message) -> dict[str, Any]:
    """Return the fields of a message that header version 1 has."""
    fields = golden.plain(message)
    return {name: value for name, value in fields.items() if name not in VERSION_2_FIELDS}


def test_every_family_that_the_library_knows_has_a_program():
    assert set(make_golden.FAMILIES) - set(SOURCES) == set(NOT_KNOWN)


@pytest.mark.parametrize(("family", "name"), GOLDEN)
class TestGolden:
    def test_the_library_packs_the_same_bytes(
        self, packed_by_library: Build, family: str, name: str
    ):
        packed = packed_by_library(family) / f"{name}_v1.bin"
        if name in NOT_PACKED:
            assert not packed.exists()
            return
        assert packed.read_bytes() == golden.golden_bytes(f"{name}_v1")

    def test_the_library_reads_what_we_pack(
        self, build: Build, tmp_path: Path, family: str, name: str
    ):
        message = golden.made_anew(codec.unpack(golden.golden_bytes(f"{name}_v1")))
        (theirs,) = read_by_library(build(family), tmp_path / "packed", codec.pack(message))
        if name in NOT_READ:
            assert "error" in theirs
            return
        assert not list(differences(message.type_name, theirs, fields_of(message)))


def under_version_1(message: codec.Message) -> codec.Message:
    """Return the message with what header version 1 cannot hold left out."""
    message = golden.made_anew(message)
    message.header_version, message.message_id, message.metadata = 1, 0, {}
    return message


DRAWN = [
    pytest.param(family, strategy, id=f"{family}-{number}")
    for family in sorted(set(SOURCES) - set(NOT_DRAWN))
    for number, strategy in enumerate(strategies.FAMILIES[family])
]


@pytest.mark.parametrize(("family", "strategy"), DRAWN)
def test_the_library_reads_any_message_that_we_pack(
    build: Build,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    family: str,
    strategy: st.SearchStrategy[codec.Message],
):
    program = build(family)
    number_read = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow],
    )
    @given(st.lists(strategy.map(under_version_1), min_size=5, max_size=8))
    def check(messages: list[codec.Message]) -> None:
        nonlocal number_read
        data = b"".join(map(codec.pack, messages))
        read = read_by_library(program, tmp_path / "packed", data)
        for theirs, message in zip(read, messages, strict=True):
            assert not list(differences(message.type_name, theirs, fields_of(message)))
        number_read += len(messages)

    check()
    record_property("messages read", number_read)  # for --junitxml: what a long form compared
    assert number_read >= 5 * EXAMPLES
