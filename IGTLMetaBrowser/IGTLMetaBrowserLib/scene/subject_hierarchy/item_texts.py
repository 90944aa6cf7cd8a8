"""The UIDs and attributes of the items of the subject hierarchy, as Slicer can save them.

Slicer (5.12) writes all of an item into one text, with ``|`` between them, and escapes none: in a
scene that was saved, a patient's ID would be cut, and might be another one's.
"""

from __future__ import annotations

from typing import Any


def write_attribute(hierarchy: Any, item: int, name: str, text: str) -> None:
    """Write an attribute of an item."""
    hierarchy.SetItemAttribute(item, name, _savable(text))


def read_attribute(hierarchy: Any, item: int, name: str) -> str:
    """Return an attribute by ``write_attribute``, or an empty text."""
    return _read(hierarchy.GetItemAttribute(item, name))


def write_uid(hierarchy: Any, item: int, name: str, uid: str) -> None:
    """Give an item a UID, in place of the one that it has."""
    hierarchy.RemoveItemUID(item, name)  # or VTK would warn, and tell both
    hierarchy.SetItemUID(item, name, _savable(uid))


def read_uid(hierarchy: Any, item: int, name: str) -> str:
    """Return the UID by ``write_uid``, or an empty text."""
    return _read(hierarchy.GetItemUID(item, name))


def item_of_uid(hierarchy: Any, name: str, uid: str) -> int:
    """Return the item of a UID, or 0."""
    return hierarchy.GetItemByUID(name, _savable(uid)) if uid else 0


def _savable(text: str) -> str:
    is_savable = not any(mark in text for mark in ("|", "%7C", "%25"))
    return text if is_savable else text.replace("%", "%25").replace("|", "%7C")


def _read(saved: str) -> str:
    return saved.replace("%7C", "|").replace("%25", "%")
