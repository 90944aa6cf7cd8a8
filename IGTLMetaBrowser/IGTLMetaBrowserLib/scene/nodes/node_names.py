"""Names of nodes and colors with which a scene can be saved, and be loaded again."""

from __future__ import annotations

from typing import Any

from ...codec import printable
from ...privacy.hidden_patients import HiddenPatients
from ..hidden_patients.covered_texts import name_now
from .unnoticed import unnoticed

_UNSAVABLE = str.maketrans({"&": "+"})
_GIVEN_NAME_ATTRIBUTE = "IGTLMetaBrowser.Name"
_USERS_NAME_ATTRIBUTE = "IGTLMetaBrowser.UsersName"
"""What the user calls a node that is called otherwise while patients are hidden, and how, see
``covered_texts``."""
_UNSAVABLE_COLOR = str.maketrans({'"': "'", "\\": "/"})
_UNSAVABLE_INDEX = str.maketrans({"&": "+", "<": "(", ">": ")", '"': "'"})


def savable_name(name: str) -> str:
    """Return the name of a node as Slicer can save it: with ``+`` for each ``&``.

    Slicer (5.12) names the file of a node after it, and writes that into the scene without escaping
    its ``&``: no XML parser, nor Slicer itself, would read the scene again.
    """
    return name.translate(_UNSAVABLE)


def set_name(node: Any, name: str, shown: str | None = None) -> None:
    """Call a node as its server does, by a name that may be seen, or else as is ``shown``."""
    if shown is None:
        node.RemoveAttribute(_USERS_NAME_ATTRIBUTE)
    node.SetName(savable_name(name) if shown is None else shown)
    node.SetAttribute(_GIVEN_NAME_ATTRIBUTE, savable_name(name))


def is_users_name(node: Any) -> bool:
    """Whether the user has named a node otherwise than ``set_name``."""
    return node.GetName() != given_name(node) or bool(node.GetAttribute(_USERS_NAME_ATTRIBUTE))


def users_name(node: Any, patients: HiddenPatients, given: str = "") -> str:
    """Return how a node may be called that the user has named, while patients are hidden or not.

    ``given`` is how the server calls it, if that is known.
    """
    shown, covered = _users_name(node, patients, given)
    if covered != node.GetAttribute(_USERS_NAME_ATTRIBUTE):
        with unnoticed(node):
            node.SetAttribute(_USERS_NAME_ATTRIBUTE, covered)
    return shown


def _users_name(node: Any, patients: HiddenPatients, given: str) -> tuple[str, str | None]:
    text, seen = node.GetAttribute(_USERS_NAME_ATTRIBUTE), given_name(node) if given else ""
    return name_now(node.GetName(), text, patients, (savable_name(given), seen))


def name_when_shown(node: Any, patients: HiddenPatients, given: str) -> str:
    """Return how a node is called while patients are not hidden; ``given`` by its server."""
    shown = patients.opposite() if patients.is_hidden else patients
    return _users_name(node, shown, given)[0]


def given_name(node: Any) -> str:
    """Return the name by ``set_name``, whatever the user calls a node."""
    return node.GetAttribute(_GIVEN_NAME_ATTRIBUTE) or node.GetName()


def name_to_show(node: Any, name: str) -> str:
    """Return what to call a node whose image has come again, under a ``name``; it may be None.

    That is what the user calls it, as long as the server has the name that it had: under another
    one it may be another image.
    """
    is_same = node is not None and node.GetAttribute(_GIVEN_NAME_ATTRIBUTE) == savable_name(name)
    return node.GetName() if is_same else savable_name(name)


def savable_index_text(text: str) -> str:
    """Return the name or unit of a sequence's index as Slicer can save it: it escapes nothing."""
    return printable(text).translate(_UNSAVABLE_INDEX)


def savable_color_name(name: str) -> str:
    """Return the name of a color as Slicer can save it: its tables (5.12) escape no quotes."""
    return name.translate(_UNSAVABLE_COLOR)
