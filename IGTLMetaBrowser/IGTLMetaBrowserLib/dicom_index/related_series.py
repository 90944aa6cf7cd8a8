"""Which series belong together: an image, its structure sets, plans, doses and segmentations.

Series belong together where one refers to the other by a field of the dictionary (reference_ct,
reference_rs, reference_pl), directly or through others. References may run in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .index import DicomIndex
from .rows import SERIES

REFERENCES = ("reference_ct", "reference_rs", "reference_pl")


class Reference(NamedTuple):
    """What a series refers to: by which field, the UID it names, and whose series that is.

    ``series`` is empty where nothing in the folder has the UID.
    """

    field: str
    uid: str
    series: str


class Series(NamedTuple):
    """A series. Its facts are those of its first file; ``folder`` is where it is in the index's."""

    uid: str
    patient_id: str
    modality: str
    description: str
    instances: int
    folder: str
    references: tuple[Reference, ...]


def dicom_groups(index: DicomIndex) -> list[list[Series]]:
    """Return the groups of series that belong together, in the order of patient and study.

    A series that refers to something that is not in the folder is a group too; one that has nothing
    to do with any other is not. Memory grows with the number of series and of what they refer to.
    """
    references = {uid: tuple(found) for uid, found in _references(index).items()}
    series: dict[str, Series] = {}
    for row in index.rows(SERIES):
        uid = str(row["series"])
        if uid and uid not in series:
            series[uid] = Series(
                uid,
                str(row["patient_ID"]),
                str(row["modality"]),
                str(row["series_description"]),
                int(row["instances"]),
                str(row["folder"]),
                references.get(uid, ()),
            )
    joined = _joined(series, ((uid, r.series) for uid, found in references.items() for r in found))
    return [
        [series[uid] for uid in group]
        for group in joined
        if len(group) > 1 or series[group[0]].references
    ]


def _references(index: DicomIndex) -> dict[str, list[Reference]]:
    """Return what each series refers to; of all that is not in the folder, one for each field."""
    references: dict[str, dict[tuple[str, str], Reference]] = {}
    for field in REFERENCES:
        for uid, named in index.query(
            f"SELECT DISTINCT series, {field} FROM instances WHERE series != '' AND {field} != ''"
        ):
            series = _series_of(index, named)
            if series != uid:
                found = references.setdefault(uid, {})
                found.setdefault((field, series), Reference(field, named, series))
    return {uid: [*found.values()] for uid, found in references.items()}


def _series_of(index: DicomIndex, uid: str) -> str:
    """Return the series that a UID names, or that has the file it names; empty for none."""
    for column in ("series", "instance_uid"):
        statement = f"SELECT series FROM instances WHERE {column} = ? LIMIT 1"
        for (series,) in index.query(statement, uid):
            return series
    return ""


def _joined(nodes: Iterable[str], pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the nodes in groups of those that pairs join, all in the order of ``nodes``."""
    parent = {node: node for node in nodes}

    def root(node: str) -> str:
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    for one, other in pairs:
        if one in parent and other in parent:
            parent[root(one)] = root(other)
    groups: dict[str, list[str]] = {}
    for node in parent:
        groups.setdefault(root(node), []).append(node)
    return [*groups.values()]
