"""Planned trajectories as a DICOM document: Comprehensive 3D SR, TID 1500 (PS3.16), and back.

Each trajectory is a group of measurements (TID 1410): its name is the tracking identifier, its
points are SCOORD3D in the images' frame of reference, entry point first, and its diameter is a
measurement. What kind it is, says the finding. The document is highdicom's.

No archive deletes a document because a client asks for it. That nothing of a plan is planned any
more, says a successor without groups: of the container of measurements, which is required if there
is nothing else, all that can be in it is optional (PS3.16 TID 1500, rows 6 to 9). IHE has a Key
Object Selection for that, "Rejected for Quality Reasons" (Imaging Object Change Management), but to
archives without this profile it is a document as any other, and the plan stays in their lists.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import codec
from ..dicom_index.index import DicomIndex
from ..dicom_index.limited_file import open_limited
from ..dicom_index.plausible_numbers import LONGEST
from ..dicom_index.whole_dataset import read_whole
from ..net.source import SourceError
from .dicom_fields import cut_name, image_id
from .predecessor import CODING_SCHEME, check_predecessor, replaced_by

if TYPE_CHECKING:
    from pydicom import Dataset

_logger = logging.getLogger(__name__)

COMPREHENSIVE_3D_SR = "1.2.840.10008.5.1.4.1.1.88.34"

_Type = codec.TrajectoryType
_FINDINGS = {
    _Type.ENTRY_AND_TARGET: ("TRAJECTORY", "Trajectory"),
    _Type.ENTRY: ("ENTRY", "Entry point of a trajectory"),
    _Type.TARGET: ("TARGET", "Target point of a trajectory"),
}
_TYPES = {code: kind for kind, (code, _) in _FINDINGS.items()}
_REQUIRED = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
    "ReferringPhysicianName", "StudyID", "AccessionNumber",
)  # fmt: skip
_SERIES_NUMBER = 9000
_MANUFACTURER = "IGTLMetaBrowser"


@dataclass(frozen=True)
class Plan:
    """The trajectories of a document, their points in RAS mm, and what they belong to.

    ``frame_of_reference`` is that of their points; ``series`` are the images it was made in;
    ``uid`` is the document's, ``replaced`` are those of documents that are no longer valid.
    """

    trajectories: Sequence[codec.TrajectoryItem]
    frame_of_reference: str
    series: Sequence[str]
    patient_id: str
    uid: str = ""
    replaced: Sequence[str] = ()


def write_plan(
    trajectories: Sequence[codec.TrajectoryItem],
    images: Sequence[Dataset],
    predecessor: Dataset | None = None,
) -> Dataset:
    """Return the document of trajectories planned in these images, the instances of one series.

    ``predecessor`` is the document that it replaces; without trajectories, it says that those are
    no longer planned. Raises ``SourceError``.
    """
    from highdicom import UID
    from highdicom.sr import Comprehensive3DSR

    frame = check_images(images)
    if not trajectories and predecessor is None:
        raise SourceError("there are no trajectories to store")
    tracked = {} if predecessor is None else _tracked(predecessor, frame)
    report = _report([_group(item, frame, tracked) for item in trajectories])
    document = Comprehensive3DSR(
        evidence=[*map(with_required, images)],
        content=report,
        series_number=_SERIES_NUMBER,
        series_instance_uid=UID(),
        sop_instance_uid=UID(),
        instance_number=1,
        manufacturer=_MANUFACTURER,
        series_description="Planned trajectories",
        is_complete=True,
        is_final=False,  # nobody has verified it
        previous_versions=None if predecessor is None else [predecessor],
    )
    if predecessor is not None:
        check_predecessor(predecessor, document)
    document.SpecificCharacterSet = "ISO_IR 192"  # names of trajectories may be in any alphabet
    return document


def with_required(image: Dataset) -> Dataset:
    """Return an image with what documents take from it (type 2 in PS3.3 C.7.1.1 and C.7.2.1).

    Those attributes may be empty but not absent, and in many files they are.
    """
    from pydicom import Dataset

    # Not by update(), which decodes each of its elements: of 300 images, that takes seconds.
    complete = Dataset(dict(image.items()))
    complete.set_original_encoding(*image.original_encoding, image.original_character_set)
    for keyword in _REQUIRED:
        if keyword not in complete:
            setattr(complete, keyword, None)
    return complete


def read_plan(document: Dataset) -> Plan:
    """Return the trajectories of a document; there are none if it is of something else.

    Raises ``SourceError`` if it cannot be read.
    """
    if document.get("SOPClassUID") != COMPREHENSIVE_3D_SR:
        return Plan((), "", (), "")
    try:
        found = list(_trajectories(_groups(document)))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SourceError(f"the document cannot be read: {error}") from error
    frames = {frame for _, frame in found}
    if len(frames) > 1:
        raise SourceError("the document has points in several frames of reference")
    series = _referenced_series(document)
    owner = image_id(series[0]) if series else ""
    items = [codec.TrajectoryItem(**item, owner=owner) for item, _ in found]
    return Plan(
        items,
        next(iter(frames), ""),
        series,
        str(document.get("PatientID", "")),
        str(document.SOPInstanceUID),
        replaced_by(document),
    )


def read_plans(folder: Path, index: DicomIndex) -> tuple[Plan, ...]:
    """Return the plans among the files of an index. What cannot be read is logged."""
    statement = (
        "SELECT name FROM instances JOIN files ON files.id = instances.file WHERE sop_class = ?"
    )
    plans = []
    for (name,) in index.query(statement, COMPREHENSIVE_3D_SR):
        try:
            with open_limited(folder / os.fsdecode(name)) as file:
                plans.append(read_plan(read_whole(file)))
        except Exception as error:  # a broken file raises anything
            _logger.warning("a plan is not offered: %s", error)
    return tuple(plans)


def valid_plans(plans: Iterable[Plan], spaces: Container[tuple[str, str]]) -> list[Plan]:
    """Return the plans in these spaces that no other one of them has replaced.

    A space is a patient's ID with a frame of reference: nobody's plans lie in another's images, or
    are taken away by another's.
    """
    known = list(plans)
    found = [plan for plan in known if (plan.patient_id, plan.frame_of_reference) in spaces]
    # One without trajectories has no points, and so no space, but replaces its patient's as well.
    replacing = [*found, *(plan for plan in known if not plan.trajectories)]
    replaced = {(plan.patient_id, uid) for plan in replacing for uid in plan.replaced}
    return [plan for plan in found if (plan.patient_id, plan.uid) not in replaced]


def _report(groups: Sequence[Any]) -> Any:
    from highdicom import UID
    from highdicom.sr import (
        CodedConcept,
        DeviceObserverIdentifyingAttributes,
        MeasurementReport,
        MeasurementsAndQualitativeEvaluations,
        ObservationContext,
        ObserverContext,
        TrackingIdentifier,
    )
    from pydicom.sr.codedict import codes

    device = DeviceObserverIdentifyingAttributes(uid=UID(), name=_MANUFACTURER)
    observer = ObserverContext(codes.DCM.Device, device)
    # highdicom makes no report without groups.
    placeholder = MeasurementsAndQualitativeEvaluations(TrackingIdentifier(UID(), "none"))
    report = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=observer),
        procedure_reported=CodedConcept("363679005", "SCT", "Imaging procedure"),
        imaging_measurements=groups or [placeholder],
        title=codes.DCM.ImagingMeasurementReport,
    )
    if not groups:
        for container in _measurements(report[0]):
            del container.ContentSequence
    return report


def _measurements(report: Dataset) -> list[Dataset]:
    """Return the containers of measurements of a report (TID 1500, row 6)."""
    code = "126010"
    items = report.get("ContentSequence") or []
    return [item for item in items if item.ConceptNameCodeSequence[0].get("CodeValue") == code]


def _groups(document: Dataset) -> Sequence[Any]:
    """Return the groups of a report; highdicom does not read one that has none."""
    from highdicom.sr import Comprehensive3DSR

    if not any("ContentSequence" in item for item in _measurements(document)):
        return ()
    content = Comprehensive3DSR.from_dataset(document).content
    return content.get_planar_roi_measurement_groups()


def _tracked(predecessor: Dataset, frame: str) -> dict[str, str]:
    """Return by which UIDs the trajectories of a document are known, by their names.

    Raises ``SourceError`` if its points are not in this frame of reference.
    """
    plan = read_plan(predecessor)
    if plan.frame_of_reference not in ("", frame):
        raise SourceError("the document to be replaced is of another frame of reference")
    return {
        cut_name(str(group.tracking_identifier)): str(group.tracking_uid)
        for group in (_groups(predecessor) if plan.trajectories else ())
    }


def _group(item: codec.TrajectoryItem, frame: str, tracked: Mapping[str, str]) -> Any:
    from highdicom import UID
    from highdicom.sr import (
        CodedConcept,
        GraphicTypeValues3D,
        ImageRegion3D,
        Measurement,
        PlanarROIMeasurementsAndQualitativeEvaluations,
        TrackingIdentifier,
    )
    from pydicom.sr.codedict import codes

    if item.type not in _FINDINGS:
        raise SourceError(f"the trajectory {item.name!r} is of the unknown type {item.type}")
    kind = _Type(item.type)
    points = [item.entry] if kind is not _Type.TARGET else []
    points += [item.target] if kind is not _Type.ENTRY else []
    code, meaning = _FINDINGS[kind]
    diameter = Measurement(codes.SCT.Diameter, float(item.diameter), codes.UCUM.Millimeter)
    shape = GraphicTypeValues3D.POLYLINE if len(points) == 2 else GraphicTypeValues3D.POINT
    name = item.name or meaning
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=tracked.get(name) or UID(), identifier=name),
        referenced_region=ImageRegion3D(shape, _flipped(points), frame),
        finding_type=CodedConcept(code, CODING_SCHEME, meaning),
        measurements=[diameter] if item.diameter > 0 else None,
    )


def _trajectories(groups: Sequence[Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield what of the groups is a trajectory: a line or point, and its frame of reference."""
    from pydicom.sr.codedict import codes

    for group in groups:
        region = group.roi
        points = np.atleast_2d(region.value) if hasattr(region, "frame_of_reference_uid") else ()
        if len(points) not in (1, 2):
            continue
        finding = group.finding_type
        code = finding.value if finding is not None else ""
        default = _Type.ENTRY_AND_TARGET if len(points) == 2 else _Type.TARGET
        kind = _TYPES.get(code, default)
        if (kind is _Type.ENTRY_AND_TARGET) != (len(points) == 2):
            raise ValueError(f"{group.tracking_identifier!r} has {len(points)} points")
        lines = _flipped(points)
        diameters = group.get_measurements(codes.SCT.Diameter)
        diameter = float(diameters[0].value) if diameters else 0.0
        name = str(group.tracking_identifier)
        if not (np.abs(lines) <= LONGEST).all() or not 0 <= diameter <= LONGEST:
            raise ValueError(f"{cut_name(name)!r} has points or a diameter that cannot be")
        # Of documents of others it can be of any length: it would keep all from being sent.
        item = {"name": cut_name(name), "type": kind, "diameter": diameter}
        if kind is not _Type.TARGET:
            item["entry"] = tuple(map(float, lines[0]))
        if kind is not _Type.ENTRY:
            item["target"] = tuple(map(float, lines[-1]))
        yield item, str(region.frame_of_reference_uid)


def _flipped(points: Sequence[Any]) -> np.ndarray:
    """Return points in LPS of such in RAS, and the other way round; shape (n, 3), mm."""
    return np.asarray(points, float) * (-1.0, -1.0, 1.0) + 0.0


def check_images(images: Sequence[Dataset]) -> str:
    """Return what the images' positions refer to, if a document can belong to them.

    Raises ``SourceError`` unless they are of one series, of one patient, and say so.
    """
    for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        if not all(image.get(keyword) for image in images):
            raise SourceError(f"the images cannot be referred to: they have no {keyword}")
    for keyword, what in (
        ("SeriesInstanceUID", "series"),
        ("StudyInstanceUID", "study"),
        ("PatientID", "patient"),
    ):
        found = {str(image.get(keyword) or "") for image in images}
        if len(found) != 1:
            raise SourceError(
                f"a document belongs to the images of one {what}, not of {len(found)}"
            )
    frames = {str(image.get("FrameOfReferenceUID") or "") for image in images}
    if len(frames) != 1 or "" in frames:
        raise SourceError("the images have no frame of reference, or several: nothing says where "
                          "the plan lies")  # fmt: skip
    return frames.pop()


def _referenced_series(document: Dataset) -> list[str]:
    sequences = ("CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence")
    studies = [study for keyword in sequences for study in document.get(keyword) or []]
    found = [series for study in studies for series in study.get("ReferencedSeriesSequence") or []]
    return [str(series.SeriesInstanceUID) for series in found]
