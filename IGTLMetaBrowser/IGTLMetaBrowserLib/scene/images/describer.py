"""What was written last onto a node: it may show another image by now.

As of another browser, or of an earlier one under its id, which a scene view has brought back.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

from ..hidden_patients.patient_marks import Patient, is_same_patient, patient_of
from .described_nodes import is_written_on
from .description import ImageDescription

_DESCRIBED_BY_ATTRIBUTE = "IGTLMetaBrowser.DescribedBy"


def sign(node: Any, description: ImageDescription) -> None:
    """Have a description be that of a node."""
    node.SetAttribute(_DESCRIBED_BY_ATTRIBUTE, description.mark)


def is_signed(node: Any, description: ImageDescription) -> bool:
    """Whether nothing else has been written onto a node since."""
    return node.GetAttribute(_DESCRIBED_BY_ATTRIBUTE) == description.mark


def take(node: Any, description: ImageDescription) -> Any:
    """Return a node if a description is its, also if another browser has written it; None if not.

    From then on it is the one that was written last.
    """
    if node is None or not (is_signed(node, description) or is_written_on(node, description)):
        return None
    sign(node, description)
    return node


def is_of_patient(node: Any, description: ImageDescription | None, patient: Patient) -> bool:
    """Whether a node, if there is one, shows an image of a patient.

    ``description`` is what was written onto it here. Another browser may have shown another one's
    there; a hidden one is known only here.
    """
    if node is None:
        return True
    shown = patient_of(node)
    is_known_here = description is not None and not shown[0] and is_signed(node, description)
    return is_same_patient(description.patient if is_known_here else shown, patient)


class Describer:
    """Knows the descriptions of nodes until it is closed.

    ``nodes``, a method, yields those that may still have them, with these.
    """

    def __init__(self, nodes: Callable[[], Iterator[tuple[Any, ImageDescription]]]) -> None:
        self._nodes = weakref.WeakMethod(nodes)
        _open.add(self)

    def signed_nodes(self) -> Iterator[Any]:
        """Yield the nodes that it describes."""
        nodes = self._nodes()
        yield from () if nodes is None else (node for node, one in nodes() if is_signed(node, one))

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
