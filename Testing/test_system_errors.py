"""What the system could not do, in its words, with what helps: that follows from the number."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from IGTLMetaBrowserLib import net, system_errors
from IGTLMetaBrowserLib.cli import deidentify_options
from IGTLMetaBrowserLib.cli.markups_file import write_markups
from IGTLMetaBrowserLib.dicom_index.index import DicomIndex
from IGTLMetaBrowserLib.net.connection_attempt import ConnectionAttempt
from IGTLMetaBrowserLib.net.recording.recording import RecordingWriter, read_recording
from IGTLMetaBrowserLib.net.server.audit import AuditFile
from IGTLMetaBrowserLib.sources.plain_volumes.folder import PlainVolumeSource
from IGTLMetaBrowserLib.sources.trajectory_file import read_trajectories
from IGTLMetaBrowserLib.system_errors import nobody_reads, reason_of, why_not_read, why_not_written


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "full; make room"),
        (errno.EROFS, "may not be written to (Read-only file system)"),
        (errno.EACCES, "change its permissions"),
        (errno.EFBIG, "may not become so large"),
        (errno.EEXIST, "there is one already"),
        (errno.EIO, "check the folder"),
    ],
)
def test_why_a_file_cannot_be_written(number: int, words: str) -> None:
    error = OSError(number, os.strerror(number), "plan.json")
    text = why_not_written(error, Path("plan.json"))
    assert words in text
    assert text.startswith("'plan.json' cannot be written: ")
    assert "choose another" in text


def test_a_file_that_another_process_is_writing_is_waited_for() -> None:
    error = OSError(errno.EAGAIN, os.strerror(errno.EAGAIN), ".a.csv.part")
    assert why_not_written(error, Path("a.csv")).endswith(
        "cannot be written: another process is writing it; wait until it has finished"
    )


def test_on_windows_a_pipe_that_nobody_reads_is_an_invalid_argument(monkeypatch) -> None:
    errors = [OSError(number, "") for number in (errno.EPIPE, errno.EINVAL, errno.ENOSPC)]
    assert [*map(nobody_reads, errors)] == [True, False, False]
    monkeypatch.setattr(system_errors, "os", SimpleNamespace(name="nt"))
    assert [*map(nobody_reads, errors)] == [True, True, False]


def test_a_file_that_may_not_be_written_to_itself_is_not_its_folders_fault(tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    audit.touch()
    error = PermissionError(errno.EACCES, "Permission denied", str(audit))
    assert "cannot be written: it may not be written to" in why_not_written(error, audit)


def test_who_may_not_read_a_file_is_not_told_to_check_its_path() -> None:
    words = why_not_read(PermissionError(errno.EACCES, "Permission denied"), Path("a"), "the key")
    assert words == "the key 'a' cannot be read: Permission denied; check who may read it"


def test_an_error_of_which_the_system_has_said_nothing_has_its_own_words_or_its_name() -> None:
    texts = [reason_of(error) for error in (ValueError("no text"), TimeoutError())]
    assert texts == ["no text", "TimeoutError"]


@pytest.fixture
def no_more_files() -> Iterator[None]:
    """``ulimit -n``: this process can open nothing more."""
    resource = pytest.importorskip("resource", reason="limits of processes are those of POSIX")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    os.close(lowest_free := os.dup(0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect(_: Path) -> None:
    ConnectionAttempt("127.0.0.1", 1, 0.0, 1.0, []).step(0.0)


@pytest.mark.parametrize(
    "use",
    [
        AuditFile,
        lambda path: DicomIndex(path).update(),
        PlainVolumeSource,
        RecordingWriter,
        connect,
        deidentify_options._read_key,
        lambda path: [*read_recording(path)],
        lambda path: net.ServerTLS(path).make_context(),
        lambda path: write_markups(path / "plan.mrk.json", []),
        read_trajectories,
    ],
)
def test_too_many_open_files_are_no_matter_of_folders_and_permissions(
    use: Callable[[Path], object], tmp_path: Path, no_more_files: None
) -> None:
    with pytest.raises(Exception, match="Too many open files") as caught:
        use(tmp_path)
    words = str(caught.value).removesuffix(". Nothing is served without it")
    assert words.endswith(": Too many open files; raise the limit of open files (ulimit -n)")
