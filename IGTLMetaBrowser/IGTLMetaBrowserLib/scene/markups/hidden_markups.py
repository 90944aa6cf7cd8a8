"""Changes of markups that nobody sees, which must not cost what drawing them would."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import slicer
from vtkmodules.vtkCommonCore import vtkWeakReference

from ..nodes.unnoticed import unnoticed


class HiddenMarkups:
    """Lets nodes that are not visible be changed without anybody looking at them.

    Each change of a markups node makes every view work on it, visible or not: about 1 ms in a real
    Slicer. The node itself has what was written into it at once, for scripts and for saving. Those
    that observe it are notified when it becomes visible, through whichever button.

    ``on_visible``, a method, is called with each node that was changed or is watched, when it
    becomes visible, before those that observe it.
    """

    def __init__(self, on_visible: Callable[[Any], None]) -> None:
        # Weak: nodes keep their observers, and the owner of the method may keep the scene.
        self._on_visible = weakref.WeakMethod(on_visible)
        self._waiting: dict[str, _Waiting] = {}

    @contextmanager
    def changed(self, node: Any) -> Iterator[None]:
        """Notify nobody of changes until the node is visible; at once if it is."""
        if not is_hidden(node):
            yield
            return
        try:
            with unnoticed(node):
                yield
        finally:
            self.watch(node)

    def watch(self, node: Any) -> None:
        """Call ``on_visible`` with a node when it becomes visible."""
        address = node.GetAddressAsString("")
        # A node that is gone may have left its address to another one.
        if address not in self._waiting or self._waiting[address].node.Get() is not node:
            reference = vtkWeakReference()
            reference.Set(node)
            event = slicer.vtkMRMLDisplayableNode.DisplayModifiedEvent
            tag = node.AddObserver(event, self._on_display_modified)
            self._waiting[address] = _Waiting(reference, tag)

    def _on_display_modified(self, node: Any, _event: str) -> None:
        waiting = self._waiting.get(node.GetAddressAsString(""))
        if waiting is not None and node.GetDisplayVisibility():
            del self._waiting[node.GetAddressAsString("")]
            node.RemoveObserver(waiting.tag)
            on_visible = self._on_visible()
            if on_visible is not None:
                on_visible(node)
            # Not InvokePendingModifiedEvent: a line would be drawn where it was before.
            node.EndModify(node.StartModify())


def is_hidden(node: Any) -> bool:
    """Whether there is a node, and it could be seen, and is not."""
    if node is None or node.GetDisplayNode() is None:
        return False
    return not node.GetDisplayVisibility()


class _Waiting(NamedTuple):
    node: vtkWeakReference
    tag: int
