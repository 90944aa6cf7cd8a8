"""Which of the messages that came at once are not worth showing, as newer ones came after them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ... import codec, net

# Each replaces the one before, under whatever device name it comes. Lists of images do not: they
# are not shown, and any of them may be the answer, see ``list_requests``.
_LISTS = ("LBMETA", "TRAJ", "POINT")


def newest_events(events: Sequence[net.ClientEvent]) -> tuple[list[net.ClientEvent], Counter[str]]:
    """Return the events without what is outdated, and how many images of each id these were.

    Of the images of one id, and of lists that come unasked, only the last is worth its rendering:
    a server can send faster than they can be shown.
    """
    kept: list[net.ClientEvent] = []
    skipped: Counter[str] = Counter()
    renewed: set[tuple[str, str]] = set()
    for event in reversed(events):
        message = event.message if isinstance(event, net.Unsolicited) else None
        key = _replaced_by_the_next(message)
        if key is not None and key in renewed:
            if isinstance(message, codec.ImageMessage):
                skipped[message.device_name] += 1
            continue
        # A part of a volume does not replace the frame before: both are needed.
        is_part = isinstance(message, codec.ImageMessage) and message.is_subvolume
        if key is not None and not is_part:
            renewed.add(key)
        kept.append(event)
    return kept[::-1], skipped


def _replaced_by_the_next(
    message: codec.Message | codec.Rejected | None,
) -> tuple[str, str] | None:
    """Return what a message has in common with those that replace it; None if none does."""
    if message is None or isinstance(message, codec.Rejected):
        return None
    type_name = message.type_name
    if type_name in _LISTS:
        return type_name, ""
    return (type_name, message.device_name) if type_name in ("IMAGE", "COLORT") else None
