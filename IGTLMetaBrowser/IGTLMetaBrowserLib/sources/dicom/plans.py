"""Plans among DICOM files: Comprehensive 3D SR, TID 1500 (PS3.16), as trajectories.

Each trajectory is a group of measurements (TID 1410), as ``documents.plan_document`` writes it and
others may: its name is the tracking identifier, its points are SCOORD3D in the images' frame of
reference, entry point first, and its diameter is a measurement. What kind it is, says the finding.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import codec
from ...dicom_index.headers.limited_file import open_limited
from ...dicom_index.headers.uids import COMPREHENSIVE_3D_SR
from ...dicom_index.headers.whole_dataset import read_whole
from ...dicom_index.index import DicomIndex
from ...lengths import LONGEST
from ...net.source import SourceError
from .fields import cut_name, image_id
from .files import Frame, IndexedFile, documents
from .replaced_documents import (
    DocumentVersion,
    conflict_notices,
    document_version,
    notice_of_unread,
    replaced_keys,
    unread_version,
)
from .volumes.places import are_several_issuers
from .volumes.stacks import Stack

if TYPE_CHECKING:
    from pydicom import Dataset

_logger = logging.getLogger(__name__)


_Type = codec.TrajectoryType
FINDINGS = {
    _Type.ENTRY_AND_TARGET: ("TRAJECTORY", "Trajectory"),
    _Type.ENTRY: ("ENTRY", "Entry point of a trajectory"),
    _Type.TARGET: ("TARGET", "Target point of a trajectory"),
}
# By their codes in UCUM; documents of others may have any.
_MILLIMETERS = {"um": 1e-3, "mm": 1.0, "cm": 10.0, "m": 1e3}
_TYPES = {code: kind for kind, (code, _) in FINDINGS.items()}


@dataclass(frozen=True)
class Plan:
    """The trajectories of a document, their points in RAS mm, and what they belong to.

    ``frame_of_reference`` is that of their points; ``series`` are the images it was made in, and
    ``image`` is the SOPInstanceUID of the first of them; ``frames`` are those of multi-frame images
    that it names, by the SOPInstanceUIDs and from 0; ``notice`` says what is to be known of a plan
    that is valid, if anything.
    """

    trajectories: Sequence[codec.TrajectoryItem]
    frame_of_reference: str
    series: Sequence[str]
    version: DocumentVersion
    image: str = ""
    notice: str = ""
    frames: frozenset[tuple[str, int]] = frozenset()

    @property
    def uid(self) -> str:
        """The SOPInstanceUID of the document."""
        return self.version.uid

    @property
    def patient_id(self) -> str:
        """The ID of the patient whom it is of."""
        return self.version.patient_id

    @property
    def space(self) -> tuple[str, str]:
        """The patient's ID, and the frame of reference."""
        return self.patient_id, self.frame_of_reference


def read_plan(document: Dataset) -> Plan:
    """Return the trajectories of a document; there are none if it is of something else.

    Raises ``SourceError`` if it cannot be read.
    """
    if document.get("SOPClassUID") != COMPREHENSIVE_3D_SR:
        return Plan((), "", (), DocumentVersion())
    try:
        return _plan_of(document)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise SourceError(f"the document cannot be read: {error}") from error


def _plan_of(document: Dataset) -> Plan:
    found = list(_trajectories(measurement_groups(document)))
    frames = {frame for _, frame in found}
    if len(frames) > 1:
        raise SourceError("the document has points in several frames of reference")
    series = _referenced_series(document)
    uids = [str(one.SeriesInstanceUID) for one in series]
    images = [one for each in series for one in each.get("ReferencedSOPSequence") or []]
    owner = image_id(uids[0]) if uids else ""
    items = [codec.TrajectoryItem(**item, owner=owner) for item, _ in found]
    return Plan(
        items,
        next(iter(frames), ""),
        uids,
        document_version(document, is_empty=not items),
        str(images[0].ReferencedSOPInstanceUID) if images else "",
        frames=frozenset(_named_frames(document)),
    )


def read_plans(
    folder: Path, index: DicomIndex, known: Mapping[IndexedFile, Plan] | None = None
) -> dict[IndexedFile, Plan]:
    """Return the plans among the files of an index. What cannot be read is logged.

    Those of files that are ``known`` are not read again.
    """
    known = known or {}
    return {
        document: known[document]
        if document in known and not known[document].version.may_be_read_later
        else _plan_in(folder / document.name)
        for document in documents(index, COMPREHENSIVE_3D_SR)
    }


def _plan_in(path: Path) -> Plan:
    """Return the plan in a file; without trajectories if it cannot be read.

    What it says that it has replaced is not valid any more all the same.
    """
    version = DocumentVersion()
    try:
        with open_limited(path) as file:
            document = read_whole(file)
        version = document_version(document)
        return read_plan(document)
    except Exception as error:  # a broken file raises anything
        _logger.warning("a plan is not offered: %s", error)
        return Plan((), "", (), version if version.uid else unread_version(path, error))


def valid_plans(plans: Iterable[Plan], images: Mapping[str, Stack]) -> list[Plan]:
    """Return the plans in the space of an image that no other one of them has replaced.

    With their notices, and one of these images, which are by their ids, as their owner. Nobody's
    plans lie in another's images, or are taken away by another's.
    """
    known = list(plans)
    issuers: dict[tuple[str, str], set[str]] = {}
    for first in (stack.frames[0] for stack in images.values()):
        issuers.setdefault(_space(first), set()).add(first.get("IssuerOfPatientID"))
    found = [
        plan
        for plan in known
        if plan.frame_of_reference
        and any(
            not are_several_issuers((plan.version.issuer, issuer))
            for issuer in issuers.get(plan.space, ())
        )
    ]
    # One without trajectories has no points, and so no space, but replaces its patient's as well.
    replacing = [*found, *(plan for plan in known if not plan.trajectories)]
    versions = [plan.version for plan in replacing]
    replaced, notices = replaced_keys(versions), conflict_notices(versions, "plan")
    unread = notice_of_unread(versions)
    valid = [plan for plan in found if plan.version.key not in replaced]
    of_series = images_of_series(images, {uid for plan in valid for uid in plan.series})
    return [
        replace(
            _with_listed_owner(plan, of_series),
            notice="; ".join(filter(None, (notices.get(plan.version.key, ""), unread))),
        )
        for plan in valid
    ]


def images_of_series(
    images: Mapping[str, Stack], uids: Collection[str]
) -> dict[str, dict[str, Stack]]:
    """Return which of these images are of series of these UIDs: by these, and by their ids."""
    found: dict[str, dict[str, Stack]] = {}
    for key, stack in images.items() if uids else ():
        if (uid := stack.frames[0].get("SeriesInstanceUID")) in uids:
            found.setdefault(uid, {})[key] = stack
    return found


def _with_listed_owner(plan: Plan, of_series: Mapping[str, Mapping[str, Stack]]) -> Plan:
    """Return a plan whose owner is listed: a series of several images is not, under its own id.

    Of those in its space it is the one that a frame is of that the plan names, or else the first
    image, or else any. Of a plan whose images are not offered, the owner stays.
    """
    series = (of_series.get(uid, {}) for uid in plan.series)
    stacks = {
        key: one
        for each in series
        for key, one in each.items()
        if _space(one.frames[0]) == plan.space
    }
    by_frame = (key for key, one in stacks.items() if plan.frames and _names_a_frame(plan, one))
    by_image = (
        key
        for key, one in stacks.items()
        if any(frame.get("SOPInstanceUID") == plan.image for frame in one.frames)
    )
    owner = next(chain(by_frame, by_image, stacks), "")
    items = [replace(item, owner=owner or item.owner) for item in plan.trajectories]
    return replace(plan, trajectories=items)


def _names_a_frame(plan: Plan, stack: Stack) -> bool:
    return any((one.get("SOPInstanceUID"), one.index) in plan.frames for one in stack.frames)


def _space(frame: Frame) -> tuple[str, str]:
    return frame.get("PatientID"), frame.get("FrameOfReferenceUID")


def notices_of(plans: Iterable[Plan]) -> dict[str, str]:
    """Return what is to be known of plans, by their UIDs."""
    return {plan.uid: plan.notice for plan in plans if plan.notice}


def stored_name(name: str, meaning: str) -> str:
    """Return the name of a trajectory as a document has it, and as it comes back: the same.

    It has no control characters (of UT, PS3.5 6.2), nor blanks at its ends, which it would lose,
    and fits into an item of TRAJ. ``meaning`` is for one without a name.
    """
    seen = "".join(one if one.isprintable() else " " for one in name)
    return cut_name(seen.strip()) or meaning


def measurement_groups(document: Dataset) -> Sequence[Any]:
    """Return the groups of measurements of a report; highdicom does not read one that has none."""
    from highdicom.sr import Comprehensive3DSR

    if not any("ContentSequence" in item for item in measurements(document)):
        return ()
    content = Comprehensive3DSR.from_dataset(document).content
    return content.get_planar_roi_measurement_groups()


def measurements(report: Dataset) -> list[Dataset]:
    """Return the containers of measurements of a report (TID 1500, row 6)."""
    code = "126010"
    items = report.get("ContentSequence") or []
    return [item for item in items if item.ConceptNameCodeSequence[0].get("CodeValue") == code]


def _named_frames(item: Dataset) -> Iterator[tuple[str, int]]:
    """Yield the frames that a document names: the SOPInstanceUID of each image, and a number."""
    for one in item.get("ContentSequence") or []:
        for image in one.get("ReferencedSOPSequence") or []:
            numbers = image.get("ReferencedFrameNumber") or []
            for number in [numbers] if isinstance(numbers, int) else numbers:
                yield str(image.ReferencedSOPInstanceUID), int(number) - 1
        yield from _named_frames(one)


def _trajectories(groups: Sequence[Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield what of the groups is a trajectory: a line or point, and its frame of reference."""
    for group in groups:
        region = group.roi
        points = np.atleast_2d(region.value) if hasattr(region, "frame_of_reference_uid") else ()
        # Two locations that nothing connects (MULTIPOINT) are no line (PS3.3 C.18.9.1.2).
        if len(points) not in (1, 2) or region.graphic_type.value not in ("POINT", "POLYLINE"):
            continue
        finding = group.finding_type
        code = finding.value if finding is not None else ""
        default = _Type.ENTRY_AND_TARGET if len(points) == 2 else _Type.TARGET
        kind = _TYPES.get(code, default)
        # In documents of others, neither need be there.
        meaning = finding.meaning if finding is not None else FINDINGS[kind][1]
        name = stored_name(str(group.tracking_identifier or ""), meaning)
        if (kind is _Type.ENTRY_AND_TARGET) != (len(points) == 2):
            raise ValueError(f"{name!r} has {len(points)} points")
        lines = flip_points(points)
        diameter = _diameter(group)
        if not (np.abs(lines) <= LONGEST).all() or not 0 <= diameter <= LONGEST:
            raise ValueError(f"{name!r} has points or a diameter that cannot be")
        item = {"name": name, "type": kind, "diameter": diameter}
        if kind is not _Type.TARGET:
            item["entry"] = tuple(map(float, lines[0]))
        if kind is not _Type.ENTRY:
            item["target"] = tuple(map(float, lines[-1]))
        yield item, str(region.frame_of_reference_uid)


def _diameter(group: Any) -> float:
    """Return that of a group in mm, 0 if it has none. Raises ``KeyError`` if it is no length."""
    from pydicom.sr.codedict import codes

    found = group.get_measurements(codes.SCT.Diameter)
    return float(found[0].value) * _MILLIMETERS[found[0].unit.value] if found else 0.0


def flip_points(points: Sequence[Any]) -> np.ndarray:
    """Return points in LPS of such in RAS, and the other way round; shape (n, 3), mm."""
    return np.asarray(points, float) * (-1.0, -1.0, 1.0) + 0.0


def _referenced_series(document: Dataset) -> list[Dataset]:
    sequences = ("CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence")
    studies = [study for keyword in sequences for study in document.get(keyword) or []]
    return [series for study in studies for series in study.get("ReferencedSeriesSequence") or []]
