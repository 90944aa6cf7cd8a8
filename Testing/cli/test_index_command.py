"""``igtlmeta index``: a folder's DICOM metadata dictionary as a file, and what belongs together."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pydicom.data
import pytest

from cli.command import (
    COMMAND,
    SECONDS,
    check_ended_quietly,
    environment,
    igtlmeta,
    open_terminal,
    started_until,
)
from helpers import radiotherapy as study
from helpers.index_file import rows_of, write_sums
from IGTLMetaBrowserLib.cli import main
from IGTLMetaBrowserLib.dicom_index.export import database_path
from IGTLMetaBrowserLib.dicom_index.index import DicomIndex
from IGTLMetaBrowserLib.sources.dicom.fields import image_id

TEST_FILES = Path(pydicom.data.__file__).parent / "test_files"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A patient's radiotherapy, a DICOMDIR, a text, and a file that is cut off."""
    folder = tmp_path_factory.mktemp("data")
    study.write_study(folder)
    shutil.copy(TEST_FILES / "dicomdirtests" / "DICOMDIR", folder)
    shutil.copy(TEST_FILES / "rtplan_truncated.dcm", folder / "ct")
    (folder / "notes.txt").write_text("not DICOM")
    return folder


def test_it_writes_a_file_and_says_what_it_found(folder: Path, tmp_path: Path):
    result = igtlmeta("index", folder, "-o", tmp_path / "index.csv")
    assert result.returncode == 0  # what cannot be read stops nothing
    assert result.stdout == f"{tmp_path}/index.csv\n"
    assert result.stderr.splitlines() == [
        "igtlmeta: 8 DICOM files; skipped: 1 that are not DICOM, 1 DICOMDIR",
        "igtlmeta: 1 could not be read:",
        "igtlmeta:   ct/rtplan_truncated.dcm: is cut off within (300A,00B0)",
    ]
    assert [row["modality"] for row in rows_of(tmp_path / "index.csv")] == [
        "CT", "RTSTRUCT", "RTPLAN", "RTDOSE", "PT", "SEG"
    ]  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.csv", "index.sqlite"]


def test_at_the_level_of_instances_each_file_has_a_row(folder: Path, tmp_path: Path):
    igtlmeta("index", folder, "-o", tmp_path / "index.csv", "--level", "instance")
    assert len(rows_of(tmp_path / "index.csv")) == 8


def test_it_writes_json_too(folder: Path, tmp_path: Path):
    igtlmeta("index", folder, "-o", tmp_path / "Index.JSON", "--jobs", "1")
    (series,) = json.loads((tmp_path / "Index.JSON").read_text())[study.PATIENT].values()
    assert series[study.SEG]["default"]["reference_ct"] == study.CT


def test_the_next_run_goes_by_what_it_finds_beside_the_file(folder: Path, tmp_path: Path):
    """That it reads nothing is seen by what it shows of files whose fields were changed there."""
    igtlmeta("index", folder, "-o", tmp_path / "index.csv")
    with DicomIndex(folder, database_path(tmp_path / "index.csv")) as index:
        index.query("UPDATE instances SET series_description = 'remembered'")
        write_sums(index)
    (tmp_path / "index.csv").unlink()
    igtlmeta("index", folder, "-o", tmp_path / "index.csv")
    assert {row["series_description"] for row in rows_of(tmp_path / "index.csv")} == {"remembered"}


def test_graph_prints_what_belongs_together(folder: Path):
    result = igtlmeta("index", folder, "--graph")
    headings, *lines = result.stdout.splitlines()
    assert headings.split() == [
        "group", "modality", "series", "files", "description", "patient", "ID", "folder", "refers",
        "to",
    ]  # fmt: skip
    assert [line.split()[:4] for line in lines] == [
        ["1", "CT", study.CT, "3"],
        ["1", "RTSTRUCT", study.RTSTRUCT, "1"],
        ["1", "RTPLAN", study.RTPLAN, "1"],
        ["1", "RTDOSE", study.RTDOSE, "1"],
        ["1", "PT", study.PT, "1"],
        ["1", "SEG", study.SEG, "1"],
    ]
    assert lines[2].endswith(f"reference_rs {study.RTSTRUCT}")


def test_graph_is_a_tree(folder: Path):
    """The CT, below it its structure set, below that what was planned with it."""
    lines = igtlmeta("index", folder, "--graph").stdout.splitlines()[1:]
    assert [line[7:19].rstrip(" 0123456789.") for line in lines] == [
        "CT",
        "  RTSTRUCT",
        "    RTPLAN",
        "    RTDOSE",
        "  PT",
        "  SEG",
    ]


def test_query_prints_series_of_some_modalities_that_belong_together(folder: Path):
    result = igtlmeta("index", folder, "--query", "ct,RTSTRUCT")
    lines = result.stdout.splitlines()[1:]
    assert [line.split()[:3] for line in lines] == [
        ["1", "CT", study.CT],
        ["1", "RTSTRUCT", study.RTSTRUCT],
    ]
    result = igtlmeta("index", folder, "--query", "CT,US")
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr.startswith("igtlmeta: no series of CT, US belong together\n")


def test_the_ids_are_those_that_serve_gives(folder: Path, tmp_path: Path):
    igtlmeta("index", folder, "-o", tmp_path / "index.csv")
    ids = {row["modality"]: row["image_id"] for row in rows_of(tmp_path / "index.csv")}
    assert ids["CT"] == image_id(study.CT)
    assert ids["RTSTRUCT"] == ""


def test_a_dask_cluster_that_does_not_answer_is_named(folder: Path, reserved_port: int):
    address = f"tcp://127.0.0.1:{reserved_port}"
    result = igtlmeta("index", folder, "--graph", "--dask", address)
    assert result.returncode == 1
    assert f"no Dask cluster answers at {address}" in result.stderr


def test_graph_names_what_is_missing(tmp_path: Path):
    study.plan().save_as(tmp_path / "plan", enforce_file_format=True)
    missing = study.instance_of(study.RTSTRUCT)
    result = igtlmeta("index", tmp_path, "--graph")
    assert result.stdout.endswith(f"reference_rs {missing} (not in the folder)\n")


def test_graph_without_references_says_so(tmp_path: Path):
    result = igtlmeta("index", tmp_path, "--graph")
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr.startswith("igtlmeta: no series refers to another\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["index"], "the following arguments are required: DIR"),
        (["index", "d"], "give a file to write with -o, or --graph, or --query"),
        (["index", "d", "-o", "i.txt"], "'i.txt' must end in .csv or .json"),
        (["index", "d", "-o", "i.csv", "--jobs", "0"], "'0' is not a number of processes from 1"),
        (["index", "d", "-o", "i.csv", "--level", "study"], "invalid choice: 'study'"),
    ],
)
def test_wrong_usage_is_explained(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit) as exit_info:
        main.main(arguments)
    assert exit_info.value.code == 2
    assert words in capsys.readouterr().err


def test_it_has_help_and_is_named_in_the_others(capsys: pytest.CaptureFixture[str]):
    for arguments in (["index", "--help"], ["--help"]):
        with pytest.raises(SystemExit) as exit_info:
            main.main(arguments)
        assert exit_info.value.code == 0
        assert "index" in capsys.readouterr().out


def test_a_missing_folder_is_named(tmp_path: Path):
    result = igtlmeta("index", tmp_path / "none", "-o", tmp_path / "index.csv")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"igtlmeta: there is no folder '{tmp_path}/none'; check the path\n"


def test_a_package_that_is_missing_is_named_before_all_files_are_read(folder: Path, tmp_path: Path):
    (tmp_path / "pyarrow.py").write_text("raise ImportError('pyarrow is not installed')")
    result = igtlmeta("index", folder, "-o", tmp_path / "index.parquet", PYTHONPATH=str(tmp_path))
    assert result.stderr == (
        "igtlmeta: writing .parquet needs pyarrow; pip install pyarrow, or choose .csv\n"
    )
    assert not (tmp_path / "index.sqlite").exists()


@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("pydicom.py", "raise ImportError('it cannot be loaded')"),
        ("sitecustomize.py", "import sys; sys.modules['pydicom'] = None  # it is not there"),
    ],
)
def test_without_pydicom_nothing_is_written(folder: Path, tmp_path: Path, module: str, code: str):
    (tmp_path / module).write_text(code)
    result = igtlmeta("index", folder, "-o", tmp_path / "index.csv", PYTHONPATH=str(tmp_path))
    assert (result.returncode, result.stdout) == (1, "")
    assert 'not installed, or too old. Install it: pip install "pydicom>=3"' in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "index.csv").exists()


def test_a_place_that_cannot_be_written_to_is_named(folder: Path, tmp_path: Path):
    result = igtlmeta("index", folder, "-o", tmp_path / "none" / "index.csv")
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert "none/index.sqlite': unable to open database file" in line


def test_numpy_is_not_loaded_for_it(folder: Path, tmp_path: Path):
    """Loading it would take longer than to see that nothing has changed."""
    igtlmeta("index", folder / "ct", "-o", tmp_path / "index.csv")
    code = (
        "import sys; from IGTLMetaBrowserLib.cli.main import main;"
        f"main(['index', {str(folder / 'ct')!r}, '-o', {str(tmp_path / 'index.csv')!r}]);"
        "sys.exit('numpy' in sys.modules or 'pydicom' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], env=environment(), timeout=SECONDS)
    assert result.returncode == 0


def test_ctrl_c_leaves_an_index_of_what_was_read(tmp_path: Path):
    """As in a terminal: the progress bar is there, and Ctrl-C goes to all processes."""
    folder = tmp_path / "many"
    folder.mkdir()
    shutil.copy(TEST_FILES / "CT_small.dcm", folder / "0")
    for number in range(1, 4000):
        os.link(folder / "0", folder / str(number))
    output = tmp_path / "index.csv"
    command = [*COMMAND, "index", folder, "-o", output, "--level", "instance", "--jobs", "2"]
    screen, terminal = open_terminal()
    settings = environment(TERM="xterm", COLUMNS="100")
    with subprocess.Popen(
        [*map(str, command)],
        stdout=subprocess.PIPE,
        stderr=terminal,
        start_new_session=True,
        env=settings,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        os.close(terminal)
        shown = read_until(screen, rb"[1-9]\d*/4000")
        os.killpg(process.pid, signal.SIGINT)
        shown += read_until(screen, rb"files have not been read yet")
        assert process.wait(SECONDS) == 130
    os.close(screen)
    assert b"Traceback" not in shown
    assert b"interrupted; run it again to continue" in shown
    read = len(rows_of(output))
    assert 0 < read < 4000
    assert f"{4000 - read} files have not been read yet".encode() in shown
    with DicomIndex(folder, database_path(output)) as index:
        assert len([*index.rows()]) == read


def test_ctrl_c_while_modules_are_loaded_is_no_traceback(tmp_path: Path):
    first_of_argparse = "gettext"
    with started_until(first_of_argparse, "index", tmp_path, "--graph") as process:
        process.send_signal(signal.SIGINT)
        check_ended_quietly(process, 130)


def read_until(screen: int, pattern: bytes) -> bytes:
    """Read from a pseudo-terminal until it has shown this, or is closed."""
    shown = b""
    while not re.search(pattern, shown):
        try:
            shown += os.read(screen, 65536)
        except OSError:  # nobody writes to it any more
            break
    return shown
