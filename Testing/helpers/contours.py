"""Structure sets with contours in a CT."""

from __future__ import annotations

from pydicom import Dataset

from helpers import radiotherapy as study


def square(slice_: Dataset, first: float, last: float) -> list[float]:
    """Corners of a square, from pixel to pixel along i and j, as ContourData."""
    position, spacing = slice_.ImagePositionPatient, slice_.PixelSpacing
    corners = [(first, first), (last, first), (last, last), (first, last)]
    return [
        coordinate
        for i, j in corners
        for coordinate in (
            position[0] + i * spacing[1],
            position[1] + j * spacing[0],
            position[2],
        )
    ]


def structure_set(*contours: list[float]) -> Dataset:
    dataset = study.structure_set()
    roi, name = Dataset(), Dataset()
    name.ROINumber, name.ROIName = 7, "Tumor"
    roi.ReferencedROINumber, roi.ROIDisplayColor = 7, [255, 0, 10]
    roi.ContourSequence = []
    for data in contours:
        contour = Dataset()
        contour.ContourGeometricType = "CLOSED_PLANAR"
        contour.NumberOfContourPoints = len(data) // 3
        contour.ContourData = [f"{number:.6g}" for number in data]
        roi.ContourSequence.append(contour)
    dataset.StructureSetROISequence, dataset.ROIContourSequence = [name], [roi]
    return dataset
