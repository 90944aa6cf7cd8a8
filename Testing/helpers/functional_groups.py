"""Functional groups of enhanced multi-frame files (PS3.3 C.7.6.16)."""

from __future__ import annotations

from collections.abc import Mapping

from pydicom import Dataset


def functional_groups(**macros: Mapping[str, object]) -> Dataset:
    """Return an item of the groups of all frames, or of one: attributes, by their sequence."""
    groups = Dataset()
    for keyword, attributes in macros.items():
        item = Dataset()
        for name, value in attributes.items():
            setattr(item, name, value)
        setattr(groups, keyword, [item])
    return groups
