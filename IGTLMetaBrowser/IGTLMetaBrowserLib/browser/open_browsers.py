"""All browsers of this process: those of panels, and those of scripts."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from ..privacy.hidden_patients import HiddenPatients
from ..scene.hidden_patients.covered_ids import cover_ids

if TYPE_CHECKING:
    from .base_browser import BaseBrowser
    from .images.scene_images import SceneImages

_open: weakref.WeakSet[BaseBrowser] = weakref.WeakSet()
_LeftHidden = list[tuple[HiddenPatients, "SceneImages"]]
"""Patients whom browsers that were closed have hidden, and the images in which they have."""
_left_hidden: weakref.WeakKeyDictionary[BaseBrowser, _LeftHidden] = weakref.WeakKeyDictionary()
"""By a browser of the same scene."""


def add(browser: BaseBrowser) -> None:
    """Know of one until it is closed; it hides patients if another of its scene does.

    They are known to all browsers of the scene, each of which hides those of whom one has heard.
    """
    beside = browsers_of(browser.scene)
    _open.add(browser)
    if beside:
        browser.patients.share(beside[0].patients)
    for heard in (browser.metadata.listed, browser.images.in_scene.image_shown):
        heard.connect(partial(_hide_more_in, browser.scene))
    browser.patients.hidden_changed.connect(partial(_on_hidden_changed, browser.scene))
    if any(one.patients.is_hidden for one in beside):
        browser.patients.hide()


def remove(browser: BaseBrowser) -> None:
    """Forget one that was closed.

    Patients whom it has hidden are shown when those of all others of its scene are, and until then
    it hides more of whom these hear; if there is no other one, they stay hidden.
    """
    _open.discard(browser)
    left = _left_hidden.pop(browser, [])
    if browser.patients.is_hidden:
        left.append((browser.patients, browser.images.in_scene))
    if left and (beside := browsers_of(browser.scene)):
        _left_hidden.setdefault(beside[0], []).extend(left)


def _on_hidden_changed(scene: Any, is_hidden: bool) -> None:
    beside = browsers_of(scene)
    if is_hidden:
        _hide_more_in(scene)  # of its list, the patients are known by now
    elif any(one.patients.is_hidden for one in beside):
        _hide_more_in(scene, is_all=True)  # it has shown what others have covered before it
    else:
        for patients, in_scene in [left for one in beside for left in _left_hidden.pop(one, ())]:
            patients.hide(False)
            in_scene.on_hidden_changed(False)


def _hide_more_in(scene: Any, *_image_id: str, is_all: bool = False) -> None:
    for one in browsers_of(scene):
        one.images.in_scene.hide_more(is_all)
        for _, left in _left_hidden.get(one, ()):
            left.hide_more(is_all)


def browsers_of(scene: Any) -> list[BaseBrowser]:
    """Return those that fill a scene."""
    return [one for one in _open if one.scene is scene]


def hide_patients(is_hidden: bool) -> None:
    """Hide the patients in all of them, or show them: they are seen on one screen."""
    for one in list(_open):
        one.patients.hide(is_hidden)


def know_patients() -> Iterator[None]:
    """Know with pauses whom ``hide_patients`` hides: of a million images at once that takes 0.3 s.

    What is not known by then is found as they are hidden.
    """
    for one in list(_open):
        yield from one.metadata.know_patients()


def cover(scene: Any, node: Any) -> None:
    """Cover what names a patient in the IDs on a node of a scene, if a browser of it hides them."""
    for one in browsers_of(scene):
        cover_ids(node, one.patients)
