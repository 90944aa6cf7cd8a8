"""How large the metadata of a list may be."""

from __future__ import annotations

# Bytes; the C++ library fails for messages with more metadata than 65,535 bytes.
_MOST = 60_000


def byte_count(text: str) -> int:
    """Return how many bytes a text has in a message."""
    return len(text.encode("utf-8", "surrogateescape"))


def first_of(metadata: dict[str, str]) -> dict[str, str]:
    """Return the entries up to the one with which they become too large."""
    kept, size = {}, 0
    for key, text in metadata.items():
        size += byte_count(key) + byte_count(text)
        if size > _MOST:
            break
        kept[key] = text
    return kept
