"""All browsers of this process: those of panels, and those of scripts."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .browser import Browser

_open: weakref.WeakSet[Browser] = weakref.WeakSet()


def add(browser: Browser) -> None:
    """Know of one until it is closed; it hides patients if another of its scene does."""
    beside = browsers_of(browser.scene)
    _open.add(browser)
    if any(one.patients.is_hidden for one in beside):
        browser.patients.hide()


def remove(browser: Browser) -> None:
    """Forget one that was closed."""
    _open.discard(browser)


def browsers_of(scene: Any) -> list[Browser]:
    """Return those that fill a scene."""
    return [one for one in _open if one.scene is scene]


def hide_patients(is_hidden: bool) -> None:
    """Hide the patients in all of them, or show them: they are seen on one screen."""
    for one in list(_open):
        one.patients.hide(is_hidden)
