"""Which series belong together: an image, its structure sets, plans, doses and segmentations.

Series belong together if one refers to the other by a field of the dictionary (reference_ct,
reference_rs, reference_pl), directly or through others; references may run in a circle. A structure
set that names no series belongs to the images in its frame of reference. Files of one
SeriesInstanceUID with different modalities are different series here: some planning systems give a
structure set the UID of its CT.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .index import DicomIndex
from .rows import SERIES

REFERENCES = ("reference_ct", "reference_rs", "reference_pl")
FRAME = "reference_frame"
_STRUCTURE_SET = "RTSTRUCT"
_IMAGES = ("CT", "MR", "PT")  # that structures are drawn in
# By which of its references a series hangs on another in a tree, the best first.
_PARENTS = ("reference_rs", "reference_pl", "reference_ct", FRAME)

Key = tuple[str, str]
"""SeriesInstanceUID and modality."""


class Reference(NamedTuple):
    """What a series refers to: by which field, the UID it names, and whose series that is.

    ``series`` and ``modality`` are empty if nothing in the folder has the UID.
    """

    field: str
    uid: str
    series: str
    modality: str = ""


class IndexedSeries(NamedTuple):
    """A series. Its facts are those of its first file; ``folder`` is where it is in the index's."""

    uid: str
    patient_id: str
    modality: str
    description: str
    instances: int
    folder: str
    references: tuple[Reference, ...]

    @property
    def key(self) -> Key:
        """What tells the series from others."""
        return (self.uid, self.modality)


class Branch(NamedTuple):
    """A series of a tree, and how many others it hangs on, one on the other."""

    series: IndexedSeries
    depth: int


def dicom_groups(index: DicomIndex) -> list[list[IndexedSeries]]:
    """Return the groups of series that belong together, in the order of patient and study.

    A series that refers to something that is not in the folder is a group too; one that has nothing
    to do with any other is not. Memory grows with the number of series and of what they refer to.
    """
    references = _references(index)
    series: dict[Key, IndexedSeries] = {}
    for row in index.rows(SERIES):
        key = (str(row["series"]), str(row["modality"]))
        if key[0] and key not in series:
            series[key] = IndexedSeries(
                key[0],
                str(row["patient_ID"]),
                key[1],
                str(row["series_description"]),
                int(row["instances"]),
                str(row["folder"]),
                tuple(references.get(key, ())),
            )
    joined = _joined(
        series, ((key, (r.series, r.modality)) for key, found in references.items() for r in found)
    )
    return [
        [series[key] for key in group]
        for group in joined
        if len(group) > 1 or series[group[0]].references
    ]


def tree(group: Sequence[IndexedSeries]) -> list[Branch]:
    """Return a group as a tree: an image, below it what refers to it, and so on."""
    members = {series.key: series for series in group}
    children: dict[Key | None, list[Key]] = {}
    for series in group:
        children.setdefault(_parent(series, members), []).append(series.key)
    branches: dict[Key, Branch] = {}
    for root in [*children.get(None, ()), *members]:
        waiting = [(root, 0)]  # a chain may be longer than Python calls functions in each other
        while waiting:
            key, depth = waiting.pop()
            if key not in branches:  # references may run in a circle
                branches[key] = Branch(members[key], depth)
                waiting += [(child, depth + 1) for child in reversed(children.get(key, ()))]
    return [*branches.values()]


def having(
    groups: Iterable[Sequence[IndexedSeries]], modalities: Sequence[str]
) -> list[list[IndexedSeries]]:
    """Return of each group that has all these modalities its series of them."""
    return [
        [series for series in group if series.modality in modalities]
        for group in groups
        if {*modalities} <= {series.modality for series in group}
    ]


def _parent(series: IndexedSeries, members: dict[Key, IndexedSeries]) -> Key | None:
    for field in _PARENTS:
        for reference in series.references:
            key = (reference.series, reference.modality)
            if reference.field == field and key in members and key != series.key:
                return key
    return None


def _references(index: DicomIndex) -> dict[Key, list[Reference]]:
    """Return what each series refers to; of all that is not in the folder, one for each field."""
    references: dict[Key, dict[tuple[str, str, str], Reference]] = {}
    for field in REFERENCES:
        for uid, modality, named in index.query(
            f"SELECT DISTINCT series, modality, {field} FROM instances"
            f" WHERE series != '' AND {field} != ''"
        ):
            key = (uid, modality)
            found = _series_of(index, named, key)
            if found != key:
                reference = Reference(field, named, *found)
                references.setdefault(key, {}).setdefault((field, *found), reference)
    for key, reference in _by_frame(index):
        if not any(known.field == "reference_ct" for known in references.get(key, {}).values()):
            where = (FRAME, reference.series, reference.modality)
            references.setdefault(key, {})[where] = reference
    return {key: [*found.values()] for key, found in references.items()}


def _by_frame(index: DicomIndex) -> Iterator[tuple[Key, Reference]]:
    """Yield structure sets that name no image, with images in their frame of reference.

    Those of the same study, if there are any; no localizers, on which nobody draws.
    """
    marks = ",".join("?" * len(_IMAGES))
    for uid, study, patient, frame in index.query(
        "SELECT DISTINCT series, study, patient_ID, reference_frame FROM instances"
        " WHERE modality = ? AND reference_ct = '' AND reference_frame != '' AND series != ''",
        _STRUCTURE_SET,
    ):
        found = index.query(
            f"SELECT DISTINCT series, modality, study = ? FROM instances"
            " LEFT JOIN images ON images.file = instances.file"
            " LEFT JOIN headers ON headers.id = images.header"
            f" WHERE reference_frame = ? AND patient_ID = ? AND modality IN ({marks})"
            " AND series != '' AND IFNULL(headers.header, '') NOT LIKE '%LOCALIZER%'",
            study, frame, patient, *_IMAGES,
        )  # fmt: skip
        in_study = [entry for entry in found if entry[2]]
        for series, modality, _ in in_study or found:
            yield (uid, _STRUCTURE_SET), Reference(FRAME, frame, series, modality)


def _series_of(index: DicomIndex, uid: str, referring: Key) -> Key:
    """Return the series that a UID names, or that has the file it names; empty texts for none.

    Rather another one than the one that refers to it.
    """
    for column in ("series", "instance_uid"):
        for found in index.query(
            f"SELECT series, modality FROM instances WHERE {column} = ?"
            " ORDER BY series = ? AND modality = ? LIMIT 1",
            uid,
            *referring,
        ):
            return found
    return ("", "")


def _joined(nodes: Iterable[Key], pairs: Iterable[tuple[Key, Key]]) -> list[list[Key]]:
    """Return the nodes in groups of those that pairs join, all in the order of ``nodes``."""
    parent = {node: node for node in nodes}

    def root(node: Key) -> Key:
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    for one, other in pairs:
        if one in parent and other in parent:
            parent[root(one)] = root(other)
    groups: dict[Key, list[Key]] = {}
    for node in parent:
        groups.setdefault(root(node), []).append(node)
    return [*groups.values()]
