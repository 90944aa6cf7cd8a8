"""What happens to the scene that a browser fills."""

from __future__ import annotations

import weakref
from typing import Any

from vtkmodules.util.vtkConstants import VTK_OBJECT

from ..signal import Signal

_EVENTS = {
    "StartCloseEvent": "closing",
    "EndCloseEvent": "closed",
    "EndImportEvent": "imported",
    "EndUndoEvent": "undone",
    "EndRedoEvent": "undone",
    "NodeAddedEvent": "node_added",
    "NodeAboutToBeRemovedEvent": "node_removing",
    "NodeRemovedEvent": "node_removed",
}
_NODE_EVENTS = ("node_added", "node_removing", "node_removed")


class SceneEvents:
    """Emits what happens to ``scene`` until ``close``: it is the only one to observe it.

    Nodes that go while the scene is being closed do not count: ``closed`` is emitted for all.
    """

    def __init__(self, scene: Any) -> None:
        self.closing: Signal[[]] = Signal()
        self.closed: Signal[[]] = Signal()
        self.imported: Signal[[]] = Signal()
        self.undone: Signal[[]] = Signal()
        self.node_added: Signal[[Any]] = Signal()
        self.node_removing: Signal[[Any]] = Signal()
        self.node_removed: Signal[[Any]] = Signal()
        self._scene = scene
        callbacks = [_Callback(self, name) for name in _EVENTS.values()]
        self._tags = [
            scene.AddObserver(getattr(scene, event), callback)
            for event, callback in zip(_EVENTS, callbacks, strict=True)
        ]
        _alive[id(self)] = callbacks
        weakref.finalize(self, _alive.pop, id(self))

    def close(self) -> None:
        """Observe the scene no longer."""
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._tags = []
        scene_signals = self.closing, self.closed, self.imported, self.undone
        for signal in (*scene_signals, self.node_added, self.node_removing, self.node_removed):
            signal.disconnect_all()

    def emit(self, name: str, node: Any) -> None:
        """Emit the signal of a name."""
        if name not in _NODE_EVENTS:
            getattr(self, name).emit()
        elif not self._scene.IsClosing():
            getattr(self, name).emit(node)


class _Callback:
    """What ``scene`` calls; it does nothing when its ``SceneEvents`` is gone.

    The reference is weak because the scene keeps its callbacks, and the browser keeps the scene.
    """

    def __init__(self, events: SceneEvents, name: str) -> None:
        self._events = weakref.ref(events)
        self._name = name
        if name in _NODE_EVENTS:
            self.CallDataType = VTK_OBJECT  # vtkPythonCommand then gives the node

    def __call__(self, _caller: Any, _event: str, node: Any = None) -> None:
        events = self._events()
        if events is not None:
            events.emit(self._name, node)


# If nobody closes a browser, Python's garbage collector may find it and the scene in one cycle. The
# scene calls back while it is destroyed, and to call what has been taken apart by then crashes
# Python. What is kept here is no garbage; it goes when its ``SceneEvents`` has gone.
_alive: dict[int, list[_Callback]] = {}
