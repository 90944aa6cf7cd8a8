"""Files that cannot be written: why is said in words, older files stay, other images are tried."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from cli.command import COMMAND, SECONDS, environment, served, shelf_of
from helpers.peers import TRAJECTORY
from IGTLMetaBrowserLib import codec

resource = pytest.importorskip("resource", reason="limits of processes are those of POSIX")
LARGE = codec.ImageMessage(np.ones((64, 64, 64), np.uint8))


def limited(size: int) -> Callable[[], None]:
    """Let no file become larger than that, as on a disk that is full."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def run(*arguments: object, before: Callable[[], None]) -> subprocess.CompletedProcess[str]:
    """Run the command in a process that calls ``before`` first."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
        env=environment(),
        preexec_fn=before,
    )


@pytest.fixture
def address() -> Iterator[str]:
    """A server of a small image, a large one, another small one, and a trajectory."""
    shelf = shelf_of("small", "large", "other")
    shelf.messages["large"] = LARGE
    shelf.lines.append(TRAJECTORY)
    with served(shelf) as address:
        yield address


def mounted(folder: Path, options: str) -> Iterator[Path]:
    """Mount a disk in memory."""
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this process may not mount a disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    yield from mounted(tmp_path, "size=64k")


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that may not be written to."""
    if os.geteuid() == 0:  # whom no permissions stop
        yield from mounted(tmp_path, "ro")
    else:
        tmp_path.chmod(0o555)
        yield tmp_path
        tmp_path.chmod(0o755)


def test_a_file_that_may_not_become_so_large_costs_that_image_alone(address, tmp_path):
    result = run("fetch", address, "--all", "-o", tmp_path, before=limited(50_000))
    assert result.returncode == 1
    assert "large" in result.stderr
    assert "may not become so large" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"small.nrrd", "other.nrrd"}


def test_a_full_disk_costs_that_image_alone(address, small_disk):
    result = run("fetch", address, "--all", "-o", small_disk, before=lambda: None)
    assert result.returncode == 1
    assert "is full; make room, or choose another folder" in result.stderr
    assert {path.name for path in small_disk.iterdir()} == {"small.nrrd", "other.nrrd"}


def test_a_folder_that_may_not_be_written_to_is_named_for_each_image(address, read_only):
    result = run("fetch", address, "--all", "-o", read_only, before=lambda: None)
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    assert all(f"the folder {str(read_only)!r} may not be written to" in line for line in lines)


def test_an_older_plan_stays_if_the_new_one_cannot_be_written(address, tmp_path):
    plan = tmp_path / "plan.mrk.json"
    plan.write_text("the older plan")
    result = run("trajectories", address, "-o", plan, before=limited(100))
    assert result.returncode == 1
    assert "may not become so large" in result.stderr
    assert plan.read_text() == "the older plan"
    assert list(tmp_path.iterdir()) == [plan]
