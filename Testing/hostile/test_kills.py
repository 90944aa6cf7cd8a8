"""Commands that are ended by SIGKILL: a sample of ``dev.py hostile kills``."""

from __future__ import annotations

import signal

import pytest

from hostile import kills

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="Windows ends processes otherwise"
)


@pytest.mark.parametrize("kind", ["fetch", "index", "volumes-workers"])
def test_no_half_file_and_nothing_is_left_of_a_killed_command(kind: str):
    """Of the last, the process is ended that reads volumes for the server."""
    count, results = kills.do_undisturbed(kind)
    assert kills.try_kill(kind, count // 2, results) == ""


def test_a_half_file_would_be_found():
    """Given a command that writes in place, as none does."""
    with kills.in_folder("trajectories") as work:
        work.results = {"plan.mrk.json": b"the whole plan"}
        (work.folder / "plan.mrk.json").write_bytes(b"the whole")
        with pytest.raises(AssertionError, match="9 bytes"):
            work.check_killed()


def test_the_events_of_a_sample_are_spread_evenly():
    assert kills.evenly(100, 5) == [1, 26, 51, 75, 100]
    assert kills.evenly(3, 10) == [1, 2, 3]
