"""Files that are written as a whole: kills, full disks, folders that may not be written to."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import windows
from IGTLMetaBrowserLib import whole_file
from IGTLMetaBrowserLib.whole_file import replaced_at_end

SOURCES = Path(whole_file.__file__).parents[1]
WRITE_AND_WAIT = """
import sys
from pathlib import Path
from IGTLMetaBrowserLib.whole_file import replaced_at_end
with replaced_at_end(Path(sys.argv[1])) as part:
    part.write_text("half of it")
    print("written", flush=True)
    sys.stdin.read()
"""


def write(path: Path, text: str) -> None:
    with replaced_at_end(path) as part:
        part.write_text(text)


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    path.write_text("the older plan")
    return path


@pytest.fixture
def other_process(plan: Path):
    """Writes to the same file, and is not done."""
    command = [sys.executable, "-c", WRITE_AND_WAIT, str(plan)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout.readline().strip() == b"written"
        yield process
        process.kill()


def test_the_file_is_there_when_the_block_ends_and_not_before(plan):
    with replaced_at_end(plan) as part:
        part.write_text("the new plan")
        assert plan.read_text() == "the older plan"
    assert plan.read_text() == "the new plan"
    assert list(plan.parent.iterdir()) == [plan]


def test_a_block_that_fails_leaves_the_older_file_and_nothing_else(plan):
    def fail() -> None:
        with replaced_at_end(plan) as part:
            part.write_text("half of it")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert plan.read_text() == "the older plan"
    assert list(plan.parent.iterdir()) == [plan]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows ends processes otherwise")
def test_what_a_killed_process_left_is_removed_by_the_next(plan, other_process):
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    assert plan.read_text() == "the older plan"
    assert len(list(plan.parent.iterdir())) == 2
    other_plan = plan.with_name("other.json")
    write(other_plan, "another plan")
    assert sorted(plan.parent.iterdir()) == [other_plan, plan]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="tells which files are open")
def test_on_windows_it_is_removed_too_which_removes_no_open_files(plan, other_process):
    other_process.kill()
    other_process.wait()
    write_on_windows = f"{windows.FILES}{WRITE_AND_WAIT}"
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    other_plan = plan.with_name("other.json")
    subprocess.run(
        [sys.executable, "-c", write_on_windows, str(other_plan)],
        input=b"",
        env=environment,
        check=True,
    )
    assert other_plan.read_text() == "half of it"
    assert sorted(plan.parent.iterdir()) == [other_plan, plan]


def test_what_another_process_is_writing_stays(plan, other_process):
    write(plan, "the new plan")
    other_process.communicate()  # it goes on, and ends
    assert other_process.returncode == 0
    assert plan.read_text() == "half of it"
    assert list(plan.parent.iterdir()) == [plan]


def test_two_processes_of_one_number_write_the_same_file(plan, other_process, monkeypatch):
    """Containers that share a folder have the same process numbers."""
    monkeypatch.setattr(os, "getpid", lambda: other_process.pid)
    write(plan, "the new plan")
    assert plan.read_text() == "the new plan"
    other_process.communicate()
    assert other_process.returncode == 0
    assert plan.read_text() == "half of it"
    assert list(plan.parent.iterdir()) == [plan]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")
def test_a_part_of_a_certain_name_is_left_to_who_writes_it(plan):
    part = plan.with_name(".plan.json.part")
    with replaced_at_end(plan, part):
        part.write_text("the new plan")
        with pytest.raises(BlockingIOError), replaced_at_end(plan, part):
            pass
        assert part.read_text() == "the new plan"
    assert plan.read_text() == "the new plan"
    part.write_text("left by a process that was killed")
    with replaced_at_end(plan, part):
        assert part.read_text() == ""


WRITE_TWICE_ON_WINDOWS = f"""{windows.FILES}
from pathlib import Path
from IGTLMetaBrowserLib.whole_file import replaced_at_end
plan, part = map(Path, sys.argv[1:])
with replaced_at_end(plan, part):
    part.write_text("the new plan")
    try:
        with replaced_at_end(plan, part):
            pass
    except BlockingIOError:
        print("another process is writing it")
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="tells which files are open")
def test_so_it_is_on_windows_which_has_no_such_locks(plan):
    part = plan.with_name(".plan.json.part")
    part.write_text("left by a process that was killed")
    result = subprocess.run(
        [sys.executable, "-c", WRITE_TWICE_ON_WINDOWS, plan, part],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        check=True,
    )
    assert result.stdout == "another process is writing it\n"
    assert plan.read_text() == "the new plan"
    assert [*plan.parent.iterdir()] == [plan]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")
@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_there_are_no_locks_files_are_written_without(plan, monkeypatch, number):
    """As on Lustre, mounted without ``flock``, or on NFS without its lock service."""
    left = plan.with_name(".plan.json.1234.0a1b2c3d.part")
    left.write_text("of a process that may be alive")
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    write(plan, "the new plan")
    assert plan.read_text() == "the new plan"
    assert sorted(plan.parent.iterdir()) == [left, plan]


def test_where_nothing_can_be_synced_files_are_written_and_full_disks_are_said(plan, monkeypatch):
    numbers = iter([errno.EINVAL, errno.ENOSPC])

    def refuse(_: int) -> None:
        raise OSError(number := next(numbers), os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    monkeypatch.setattr(whole_file, "_sync_folder", lambda _: None)
    write(plan, "the new plan")
    with pytest.raises(OSError, match="No space left"):
        write(plan, "a plan for which there is no room")
    assert plan.read_text() == "the new plan"


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
@pytest.mark.parametrize("mode", [0o600, 0o440, 0o664])
def test_a_file_that_replaces_another_has_its_permissions(plan, mode):
    plan.chmod(mode)
    with replaced_at_end(plan) as part:
        part.write_text("the new plan")
        assert not stat.S_IMODE(part.stat().st_mode) & 0o077  # nobody else reads half of it
    assert stat.S_IMODE(plan.stat().st_mode) == mode
    assert plan.read_text() == "the new plan"


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_a_file_that_replaces_another_keeps_its_owner_and_group(plan):
    """As far as the system allows: here, as root, or for a group of one's own."""
    owner, group = (1234, 5678) if os.geteuid() == 0 else (-1, os.getgroups()[-1])
    os.chown(plan, owner, group)
    plan.chmod(0o440)
    before = plan.stat()
    write(plan, "the new plan")
    after = plan.stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (
        before.st_uid,
        before.st_gid,
        before.st_mode,
    )


def symbolic_link(link: Path, target: str) -> None:
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("only some users may make links on Windows")


@pytest.mark.parametrize("is_there", [True, False])
def test_of_a_link_the_file_is_replaced_that_it_leads_to(tmp_path: Path, is_there: bool):
    """Whoever reads the plan where it is would go on with the older one."""
    share = tmp_path / "share"
    share.mkdir()
    if is_there:
        (share / "plan.json").write_text("the older plan")
    link = tmp_path / "plan.json"
    symbolic_link(link, "share/plan.json")
    write(link, "the new plan")
    assert link.readlink() == Path("share/plan.json")
    assert (share / "plan.json").read_text() == "the new plan"
    assert [*share.iterdir()] == [share / "plan.json"]


def test_a_link_that_leads_nowhere_is_left(tmp_path: Path):
    link = tmp_path / "plan.json"
    symbolic_link(link, "plan.json")
    with pytest.raises(OSError, match=r"plan\.json"):
        write(link, "the new plan")
    assert link.readlink() == link.relative_to(tmp_path)
    assert [*tmp_path.iterdir()] == [link]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes in folders")
def test_a_pipe_is_not_replaced(tmp_path: Path):
    pipe = tmp_path / "plan.json"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="a pipe or a device"):
        write(pipe, "the new plan")
    assert pipe.is_fifo()
    assert [*tmp_path.iterdir()] == [pipe]


def test_files_of_others_stay(plan):
    names = (
        ".x.json.part",
        ".x.json.1.part",
        ".x.json.12.0a1b2c3d.parts",
        "x.json.1.0a1b2c3d.part",
    )
    others = {plan.with_name(name) for name in names}
    for path in others:
        path.touch()
    write(plan, "the new plan")
    assert {*plan.parent.iterdir()} == {plan, *others}
