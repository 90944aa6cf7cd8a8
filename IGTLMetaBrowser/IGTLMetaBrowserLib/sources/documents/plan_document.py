"""Planned trajectories as a DICOM document: Comprehensive 3D SR, TID 1500 (PS3.16).

Each trajectory is a group of measurements (TID 1410): its name is the tracking identifier, its
points are SCOORD3D in the images' frame of reference, entry point first, and its diameter is a
measurement. What kind it is, says the finding. The document is highdicom's, and
``dicom.plans`` reads it.

Of TID 1500 it has the title (row 1), the language (row 2), the observer, which is this program
(row 3), the procedure (row 4), and the measurements (row 6). The Image Library (row 5) is optional,
as in DCMTK's ``tid1500.cc``: the images are named as evidence. It is there if a multi-frame file
has several volumes, and names the first frame of the one that the plan was made in. A line is a
POLYLINE, whose points have an order (PS3.3 C.18.9.1.2).

No archive deletes a document because a client asks for it. That nothing of a plan is planned any
more, says a successor without groups: of the container of measurements, which is required if there
is nothing else, all that can be in it is optional (PS3.16 TID 1500, rows 6 to 9). IHE has a Key
Object Selection for that, "Rejected for Quality Reasons" (Imaging Object Change Management), but to
archives without this profile it is a document as any other, and the plan stays in their lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ... import codec
from ...dicom_index.fields import without_padding
from ...net.source import SourceError
from ...person_names import are_several_names
from ..dicom.plans import (
    FINDINGS,
    flip_points,
    measurement_groups,
    measurements,
    read_plan,
    stored_name,
)
from ..dicom.replaced_documents import CODING_SCHEME
from ..dicom.volumes.places import are_several_issuers
from .patient_and_study import CHARACTER_SET, with_required
from .predecessor import check_predecessor

if TYPE_CHECKING:
    from pydicom import Dataset

_Type = codec.TrajectoryType
_SERIES_NUMBER = 9000
_MANUFACTURER = "IGTLMetaBrowser"


def write_plan(
    trajectories: Sequence[codec.TrajectoryItem],
    images: Sequence[Dataset],
    predecessor: Dataset | None = None,
    frame_number: int = 0,
) -> Dataset:
    """Return the document of trajectories planned in these images, the instances of one series.

    ``predecessor`` is the document that it replaces; without trajectories, it says that those are
    no longer planned. ``frame_number`` is that of the first frame, from 1, of the volume that they
    were planned in, if the first image has several volumes. Raises ``SourceError``.
    """
    frame = check_images(images)
    if not trajectories and predecessor is None:
        raise SourceError("there are no trajectories to store")
    tracked = {} if predecessor is None else _tracked(predecessor, frame)
    report = _report([_group(item, frame, tracked) for item in trajectories])
    if frame_number:
        report[0].ContentSequence.insert(-1, _image_library(images[0], frame_number))
    document = _document(images, report, predecessor)
    if predecessor is not None:
        check_predecessor(predecessor, document)
    document.SpecificCharacterSet = CHARACTER_SET
    return document


def _document(images: Sequence[Dataset], report: Any, predecessor: Dataset | None) -> Dataset:
    from highdicom import UID
    from highdicom.sr import Comprehensive3DSR
    from pydicom.uid import CTImageStorage

    evidence = [*map(with_required, images)]
    # By its class, highdicom looks up what images say of patient and study: the same for all, but
    # it does not know all, such as those of nuclear medicine.
    evidence[0].add_new("SOPClassUID", "UI", CTImageStorage)
    try:
        document = Comprehensive3DSR(
            evidence=evidence,
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
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # highdicom's
        raise SourceError(
            f"of these images no document can be made: {error}; correct what they say of patient "
            "and study"
        ) from error
    (study,) = document.CurrentRequestedProcedureEvidenceSequence
    (series,) = study.ReferencedSeriesSequence
    series.ReferencedSOPSequence[0].ReferencedSOPClassUID = images[0].SOPClassUID
    return document


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
        for container in measurements(report[0]):
            del container.ContentSequence
    return report


def _image_library(image: Dataset, frame_number: int) -> Any:
    """Return the Image Library (TID 1600) that has a frame of an image."""
    from highdicom.sr import CodedConcept, ContainerContentItem, ContentSequence, ImageContentItem
    from pydicom.sr.codedict import codes

    entry = ImageContentItem(
        CodedConcept("260753009", "SCT", "Source"),
        image.SOPClassUID,
        image.SOPInstanceUID,
        frame_number,
        relationship_type="CONTAINS",
    )
    for name in (codes.DCM.ImageLibraryGroup, codes.DCM.ImageLibrary):
        container = ContainerContentItem(name, relationship_type="CONTAINS")
        container.ContentSequence = ContentSequence([entry])
        entry = container
    return entry


def _tracked(predecessor: Dataset, frame: str) -> dict[str, list[str]]:
    """Return by which UIDs the trajectories of a document are known, by their names.

    Of several with one name, in their order: each is another finding (TID 4108).

    Raises ``SourceError`` if its points are not in this frame of reference.
    """
    plan = read_plan(predecessor)
    if plan.frame_of_reference not in ("", frame):
        raise SourceError("the document to be replaced is of another frame of reference")
    found: dict[str, list[str]] = {}
    for group in measurement_groups(predecessor) if plan.trajectories else ():
        if group.tracking_identifier and group.tracking_uid:  # in documents of others, perhaps not
            names = found.setdefault(stored_name(str(group.tracking_identifier), ""), [])
            names.append(str(group.tracking_uid))
    return found


def _group(item: codec.TrajectoryItem, frame: str, tracked: Mapping[str, list[str]]) -> Any:
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

    if item.type not in FINDINGS:
        raise SourceError(f"the trajectory {item.name!r} is of the unknown type {item.type}")
    kind = _Type(item.type)
    points = [item.entry] if kind is not _Type.TARGET else []
    points += [item.target] if kind is not _Type.ENTRY else []
    code, meaning = FINDINGS[kind]
    diameter = Measurement(codes.SCT.Diameter, float(item.diameter), codes.UCUM.Millimeter)
    shape = GraphicTypeValues3D.POLYLINE if len(points) == 2 else GraphicTypeValues3D.POINT
    name = stored_name(item.name, meaning)
    known = tracked.get(name)
    uid = known.pop(0) if known else UID()
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=uid, identifier=name),
        referenced_region=ImageRegion3D(shape, flip_points(points), frame),
        finding_type=CodedConcept(code, CODING_SCHEME, meaning),
        measurements=[diameter] if item.diameter > 0 else None,
    )


def frame_count(image: Dataset) -> int:
    """Return how many frames an image has; of several numbers the first, as where it is served."""
    count = image.get("NumberOfFrames") or 1
    return int(count) if isinstance(count, (int, str)) else int(count[0])


def check_images(images: Sequence[Dataset]) -> str:
    """Return what the images' positions refer to, if a document can belong to them.

    Raises ``SourceError`` unless they are of one series, of one patient, and say so.
    """
    for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        if without := sum(not image.get(keyword) for image in images):
            raise SourceError(
                f"{without} of {len(images)} images cannot be referred to: they have no {keyword}; "
                "leave them out"
            )
    for keyword, what in (
        ("SeriesInstanceUID", "series"),
        ("StudyInstanceUID", "study"),
        ("PatientID", "patient"),
    ):
        found = {without_padding(str(image.get(keyword) or "")) for image in images}
        if len(found) != 1:
            raise SourceError(
                f"a document belongs to the images of one {what}, not of {len(found)}"
            )
    if are_several_names({str(image.get("PatientName") or "") for image in images}):
        raise SourceError("a document belongs to the images of one patient: these name several; "
                          "correct those with the wrong name, or leave them out")  # fmt: skip
    if are_several_issuers(str(image.get("IssuerOfPatientID") or "") for image in images):
        raise SourceError("a document belongs to the images of one patient: their IDs are of "
                          "several issuers")  # fmt: skip
    frames = {str(image.get("FrameOfReferenceUID") or "") for image in images}
    if len(frames) != 1 or "" in frames:
        raise SourceError("the images have no frame of reference, or several: nothing says where "
                          "the plan lies")  # fmt: skip
    return frames.pop()
