"""Processes of this computer, other than this one."""

from __future__ import annotations

from pathlib import Path


def is_there(process_id: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
