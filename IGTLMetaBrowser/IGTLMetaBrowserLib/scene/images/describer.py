"""Which browser has written onto a node what it shows: another may show another image in it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

from .description import ImageDescription

_DESCRIBED_BY_ATTRIBUTE = "IGTLMetaBrowser.DescribedBy"


class Describer:
    """Writes its mark onto nodes that it describes, until it is closed.

    ``nodes``, a method, yields those of which it still knows the descriptions.
    """

    def __init__(self, nodes: Callable[[], Iterator[Any]]) -> None:
        self._mark = uuid4().hex
        self._nodes = weakref.WeakMethod(nodes)
        _open.add(self)

    def sign(self, node: Any) -> None:
        """Have a node be described by this one."""
        node.SetAttribute(_DESCRIBED_BY_ATTRIBUTE, self._mark)

    def has_signed(self, node: Any) -> bool:
        """Whether nobody else has described a node since."""
        return node.GetAttribute(_DESCRIBED_BY_ATTRIBUTE) == self._mark

    def take(self, node: Any, description: ImageDescription) -> Any:
        """Return a node if a description is its, also if another has written it; None if not.

        From then on it is described by this one.
        """
        if node is None or not (self.has_signed(node) or description.is_written_on(node)):
            return None
        self.sign(node)
        return node

    def signed_nodes(self) -> Iterator[Any]:
        """Yield the nodes that it describes."""
        nodes = self._nodes()
        yield from () if nodes is None else filter(self.has_signed, nodes())

    def nodes_of_others(self) -> Iterator[Any]:
        """Yield the nodes that other open browsers describe."""
        for one in {*_open} - {self}:
            yield from one.signed_nodes()

    def close(self) -> None:
        """Describe no node any more."""
        _open.discard(self)


_open: weakref.WeakSet[Describer] = weakref.WeakSet()


def described_nodes() -> Iterator[Any]:
    """Yield the nodes that open browsers describe."""
    for one in [*_open]:
        yield from one.signed_nodes()
