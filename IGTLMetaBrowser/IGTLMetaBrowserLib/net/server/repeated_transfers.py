"""Which of the images that are sent to somebody are the same once more; for the audit trail."""

from __future__ import annotations

from dataclasses import replace

from .events import ServerEvent


class RepeatedTransfers:
    """Tells the first transfer of an image to somebody from those that follow, which are added up.

    There are never more sums than images that were offered to those who came.
    """

    def __init__(self) -> None:
        self._repeated: dict[tuple[str, ...], tuple[int, ServerEvent] | None] = {}

    def is_first(self, event: ServerEvent) -> bool:
        """Count a transfer; return whether it is the first since ``take``."""
        key = (event.host, event.certificate, event.data_type, event.device_name)
        if key not in self._repeated:
            self._repeated[key] = None
            return True
        count, before = self._repeated[key] or (0, replace(event, byte_count=0, seconds=0.0))
        total = before.byte_count + event.byte_count
        seconds = before.seconds + event.seconds
        self._repeated[key] = count + 1, replace(event, byte_count=total, seconds=seconds)
        return False

    def take(self) -> list[tuple[int, ServerEvent]]:
        """Begin anew; return how often what was sent again, with the sum of bytes and seconds."""
        found = [entry for entry in self._repeated.values() if entry is not None]
        self._repeated.clear()
        return found
