"""Changes of nodes of which nobody is notified."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def unnoticed(node: Any) -> Iterator[None]:
    """Change a node, and notify nobody.

    That stays pending in the node, once for each kind of event.
    """
    before = node.GetDisableModifiedEvent()
    node.DisableModifiedEventOn()
    try:
        yield
    finally:
        node.SetDisableModifiedEvent(before)
