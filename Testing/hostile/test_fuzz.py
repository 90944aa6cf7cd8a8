"""The fuzzer: what it does with an input, and what it says of its jobs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import golden
from hostile import fuzz
from hostile.all_ways import read_all_ways
from hostile.dicom_files import read_header, small_files
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec.messages import base


@dataclass(eq=False)
class FragileMessage(codec.Message):
    """A message of a type whose author did not think of short contents."""

    wire_type: ClassVar[str] = "FRAGILE"

    def pack_content(self) -> list[bytes]:
        return [b"\1"]

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> FragileMessage:
        assert content[0] == 1
        return cls(**header_fields)


@pytest.fixture
def fragile_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(base._message_classes, "FRAGILE", FragileMessage)


class TestInputs:
    @pytest.mark.parametrize("name", golden.NAMES)
    def test_golden_messages_are_no_findings(self, name: str):
        read_all_ways(golden.golden_bytes(name))

    @settings(max_examples=300, deadline=None)
    @given(st.binary(max_size=300))
    def test_any_bytes_are_no_findings(self, data: bytes):
        read_all_ways(data)

    @pytest.mark.usefixtures("fragile_type")
    def test_an_error_of_another_class_is_a_finding(self):
        data = codec.pack(FragileMessage())
        read_all_ways(data)
        with pytest.raises(IndexError):
            read_all_ways(data[: codec.HEADER_SIZE])


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, about broken files
@pytest.mark.parametrize("change", [None, 0xFF, 0x00], ids=["whole", "all bits", "zero"])
def test_headers_of_dicom_files_are_no_findings(change: int | None):
    for name, data in small_files():
        place = len(name) * 37 % len(data)
        byte = b"" if change is None else bytes([change])
        read_header(data[:place] + byte + data[place + len(byte) :])


# What libFuzzer prints, in short; the argument is the part of its behavior that matters here.
JOB = """
import sys
from pathlib import Path
options = dict(argument[1:].split("=") for argument in sys.argv[1:] if argument[0] == "-")
print("#2\\tINITED cov: 5 ft: 6")
print("#300\\tNEW    cov: 7 ft: 8")
if FINDS:
    print("IndexError: out of range")
    path = options["artifact_prefix"] + "crash-12ab"
    Path(path).write_bytes(b"bad")
    print("Test unit written to " + path)
    sys.exit(77)
print("#1234\\tDONE   cov: 7 ft: 8")
"""


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the fuzzer write nothing into the checkout, and run ``job.py`` as its target."""
    monkeypatch.setattr(fuzz, "CORPUS", tmp_path / "corpus")
    monkeypatch.setattr(fuzz, "FINDINGS", tmp_path / "findings")
    monkeypatch.setattr(fuzz, "TARGET", tmp_path / "job.py")
    return tmp_path


class TestJobs:
    def test_it_says_how_many_inputs_all_jobs_tried(
        self, folders: Path, capsys: pytest.CaptureFixture
    ):
        (folders / "job.py").write_text(JOB.replace("FINDS", "False"))
        assert fuzz.main(["--minutes", "1", "--jobs", "2"]) == 0
        kept = len(list(golden.FOLDER.glob("*.bin")))
        assert capsys.readouterr().out == f"2,468 inputs tried, {kept} kept, no findings\n"

    def test_a_finding_is_shown_and_how_to_see_it_again(
        self, folders: Path, capsys: pytest.CaptureFixture
    ):
        (folders / "job.py").write_text(JOB.replace("FINDS", "True"))
        assert fuzz.main(["--minutes", "1"]) == 1
        output = capsys.readouterr().out
        assert "IndexError: out of range" in output
        finding = folders / "findings" / "crash-12ab"
        assert f"To see it again: python3 Testing/dev.py fuzz --target codec {finding}\n" in output
        assert output.splitlines()[-1].startswith("300 inputs tried, ")
        assert finding.read_bytes() == b"bad"

    def test_a_finding_is_tried_again(self, folders: Path):
        (folders / "job.py").write_text(
            "import sys; sys.exit(sys.argv[-1] == 'found' and '-timeout=10' in sys.argv and 77)"
        )
        assert fuzz.main(["found"]) == 77

    @pytest.mark.parametrize("arguments", [["--minutes", "0"], ["--minutes", "x"], ["--jobs", "0"]])
    def test_what_makes_no_sense_is_a_usage_error(self, arguments: list[str]):
        with pytest.raises(SystemExit, match="2"):
            fuzz.main(arguments)

    def test_a_second_of_fuzzing(
        self, folders: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
    ):
        pytest.importorskip("atheris", reason="python3 Testing/dev.py fuzz installs atheris")
        monkeypatch.setattr(fuzz, "TARGET", Path(fuzz.__file__).with_name("fuzz_target.py"))
        assert fuzz.main(["--minutes", "0.02"]) == 0
        assert capsys.readouterr().out.endswith("kept, no findings\n")
