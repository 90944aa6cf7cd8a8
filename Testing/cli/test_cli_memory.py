"""Commands for which there is too little memory say so, and do what they can."""

from __future__ import annotations

import struct
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from cli.command import igtlmeta, peer, served, shelf_of
from IGTLMetaBrowserLib import codec

PROBE = "IGTLMetaBrowserLib.net.probe.probe"
# Python itself runs it as it starts.
SITE = """
import resource, sys

class Limit:
    def find_spec(self, name, *_others):
        if name == {module!r}:
            sys.meta_path.remove(self)
            used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + {room},) * 2)

sys.meta_path.insert(0, Limit())
"""


def with_memory(folder: Path, room: int, module: str) -> dict[str, str]:
    """An environment in which a process may take so many bytes once it imports a module."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the size of a process is read from /proc")
    (folder / "sitecustomize.py").write_text(SITE.format(room=room, module=module))
    return {"PYTHONPATH": str(folder), "OPENBLAS_NUM_THREADS": "1"}


def test_an_image_that_there_is_no_memory_to_write_costs_that_image_alone(tmp_path: Path) -> None:
    shelf = shelf_of("large", "small")
    shelf.messages["large"] = codec.ImageMessage(np.zeros((64, 1024, 1024), np.uint8))
    # It is received, and cannot be copied.
    changes = with_memory(tmp_path, 112 << 20, "nrrd")
    with served(shelf) as address:
        result = igtlmeta("fetch", address, "large", "small", "-o", tmp_path, **changes)
    assert (result.returncode, result.stdout) == (1, f"{tmp_path / 'small.nrrd'}\n")
    assert result.stderr == "igtlmeta: large: no memory to write it; close other programs\n"
    assert [path.name for path in tmp_path.iterdir() if "nrrd" in path.name] == ["small.nrrd"]


def test_a_command_for_which_there_is_no_memory_says_so(tmp_path: Path) -> None:
    def claim_much(connection):
        connection.recv(1024)
        size = 1900 << 20
        connection.sendall(struct.pack(">H12s20sQQQ", 1, b"STATUS", b"", 0, size, 0) + bytes(100))
        with suppress(ConnectionResetError):
            connection.recv(1024)

    changes = with_memory(tmp_path, 512 << 20, PROBE)
    with peer(claim_much) as address:
        result = igtlmeta("probe", address, "--max-size", "8G", **changes)
    assert result.returncode == 1
    words = "the memory is used up; close other programs, or raise its limit (ulimit)"
    assert result.stderr == f"igtlmeta: {words}\n"
