"""A plan is a TID 1500 with groups of TID 1410 (PS3.16): row by row, in the order of the table."""

from __future__ import annotations

import pytest
from pydicom import Dataset

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.sources.documents.plan_document import write_plan

ENTRY, TARGET, BOTH = codec.TrajectoryType

PLAN = [
    codec.TrajectoryItem(name="Left STN", entry=(10, 20, 30.5), target=(-1, 2, 3), diameter=1.5),
    codec.TrajectoryItem(name="Screw", type=ENTRY, entry=(1, 2, 3)),
    codec.TrajectoryItem(name="Ziel", type=TARGET, target=(4, 5, 6)),
]

# Relationship, value type, concept name; and the value, where the table says which it is.
REPORT = [
    ("HAS CONCEPT MOD", "CODE", "121049 DCM", "en-US RFC5646"),  # row 2: TID 1204
    ("HAS OBS CONTEXT", "CODE", "121005 DCM", "121007 DCM"),  # row 3: TID 1001 with TID 1002
    ("HAS OBS CONTEXT", "UIDREF", "121012 DCM", ""),  # and TID 1004
    ("HAS OBS CONTEXT", "TEXT", "121013 DCM", ""),
    ("HAS CONCEPT MOD", "CODE", "121058 DCM", "363679005 SCT"),  # row 4, of CID 100
    ("CONTAINS", "CONTAINER", "126010 DCM", ""),  # row 6; 5, the Image Library, is optional
]
TRACKED = [
    ("HAS OBS CONTEXT", "TEXT", "112039 DCM", ""),  # TID 4108
    ("HAS OBS CONTEXT", "UIDREF", "112040 DCM", ""),
]
DIAMETER = ("CONTAINS", "NUM", "81827009 SCT", "")  # TID 1419
REGION = ("CONTAINS", "SCOORD3D", "111030 DCM", "")


def finding(code: str) -> tuple[str, str, str, str]:
    return ("CONTAINS", "CODE", "121071 DCM", f"{code} 99IGTLMETA")


@pytest.fixture
def document(make_slice) -> Dataset:
    return write_plan(PLAN, [make_slice((0, 0, z)) for z in (0, 2, 4)])


def code(sequence: list[Dataset]) -> str:
    return f"{sequence[0].CodeValue} {sequence[0].CodingSchemeDesignator}"


def rows(container: Dataset) -> list[tuple[str, str, str, str]]:
    return [
        (
            item.RelationshipType,
            item.ValueType,
            code(item.ConceptNameCodeSequence),
            code(item.ConceptCodeSequence) if item.ValueType == "CODE" else "",
        )
        for item in container.ContentSequence
    ]


def test_the_report(document):
    assert (document.ValueType, code(document.ConceptNameCodeSequence)) == (
        "CONTAINER",
        "126000 DCM",
    )
    assert document.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert document.ContentTemplateSequence[0].MappingResource == "DCMR"
    assert rows(document) == REPORT


def test_its_groups(document):
    measurements = document.ContentSequence[-1]
    assert rows(measurements) == [("CONTAINS", "CONTAINER", "125007 DCM", "")] * 3
    line, entry, target = measurements.ContentSequence
    assert rows(line) == [*TRACKED, finding("TRAJECTORY"), DIAMETER, REGION]
    assert rows(entry) == [*TRACKED, finding("ENTRY"), REGION]
    assert rows(target) == [*TRACKED, finding("TARGET"), REGION]
    for group in (line, entry, target):
        assert group.ContentTemplateSequence[0].TemplateIdentifier == "1410"


def test_points_and_measurements(document):
    """The points in LPS mm, the entry point first (PS3.3 C.18.9.1.2)."""
    line, entry, target = document.ContentSequence[-1].ContentSequence
    regions = [group.ContentSequence[-1] for group in (line, entry, target)]
    assert [region.GraphicType for region in regions] == ["POLYLINE", "POINT", "POINT"]
    assert [list(region.GraphicData) for region in regions] == [
        [-10.0, -20.0, 30.5, 1.0, -2.0, 3.0],
        [-1.0, -2.0, 3.0],
        [-4.0, -5.0, 6.0],
    ]
    assert {region.ReferencedFrameOfReferenceUID for region in regions} == {"1.2.3.5"}
    (value,) = line.ContentSequence[3].MeasuredValueSequence
    assert (value.NumericValue, code(value.MeasurementUnitsCodeSequence)) == (1.5, "mm UCUM")


def test_the_image_library(make_slice):
    """It names the volume that the plan was made in, if its file has several (TID 1600)."""
    images = [make_slice((0, 0, 0), NumberOfFrames=4)]
    document = write_plan(PLAN, images, frame_number=3)
    # Row 5, before the measurements.
    assert rows(document) == [*REPORT[:-1], ("CONTAINS", "CONTAINER", "111028 DCM", ""), REPORT[-1]]
    library = document.ContentSequence[-2]
    assert rows(library) == [("CONTAINS", "CONTAINER", "126200 DCM", "")]
    assert rows(library.ContentSequence[0]) == [("CONTAINS", "IMAGE", "260753009 SCT", "")]
    (image,) = library.ContentSequence[0].ContentSequence[0].ReferencedSOPSequence
    assert (image.ReferencedSOPInstanceUID, image.ReferencedFrameNumber) == (
        images[0].SOPInstanceUID,
        3,
    )


def test_a_plan_without_trajectories(document, make_slice):
    """All that is in row 6 is optional; the row itself is not, where there is nothing else."""
    empty = write_plan([], [make_slice((0, 0, 0))], predecessor=document)
    assert rows(empty) == REPORT
    assert "ContentSequence" not in empty.ContentSequence[-1]
