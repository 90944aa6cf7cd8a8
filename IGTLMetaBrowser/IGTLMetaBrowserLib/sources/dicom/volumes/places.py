"""Where frames lie: their positions, orientations and pixel sizes as arrays, LPS mm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ....dicom_index.fields import without_padding
from ....person_names import are_several_names, plain_name
from ..files import Frame, number_of_frames
from .pixel_sizes import PixelSize, pixel_size

# How far the outermost pixel of a frame may be from where it would be in the orientation of
# another, for both to be of one volume. In pixels.
ORIENTATION_TOLERANCE = 0.1

FROM_DETECTOR = (
    "from DetectorInformationSequence, SliceVector and SpacingBetweenSlices (nuclear medicine)"
)

Vector = tuple[float, ...]


@dataclass(frozen=True)
class Places:
    """Where frames of one orientation and size lie. LPS mm.

    positions
        The center of the first pixel of each frame, shape (frames, 3).
    axes
        Unit vectors from pixel to pixel along a row, along a column, and their cross product,
        shape (3, 3), one a row.
    size
        The pixels' size.
    """

    positions: np.ndarray
    axes: np.ndarray
    size: PixelSize

    def of(self, chosen: Sequence[int]) -> Places:
        """Return the places of some of the frames."""
        return Places(self.positions[list(chosen)], self.axes, self.size)


def has_position(frame: Frame) -> bool:
    """Whether a file says where a frame lies, and how large its pixels are."""
    return position_of(frame) is not None


def has_unused_position(frame: Frame) -> bool:
    """Whether a file says where a frame lies, but not how large its pixels are."""
    keywords = {"ImageOrientationPatient": 6, "ImagePositionPatient": 3}
    is_placed = all(frame.numbers(keyword, count) for keyword, count in keywords.items())
    return is_placed and not has_position(frame)


def position_of(frame: Frame) -> Vector | None:
    """Return the LPS position of a frame's first pixel, or None."""
    if frame.numbers("ImageOrientationPatient", 6) is None:
        return _detector_position(frame)
    is_sized = min(frame.numbers("PixelSpacing", 2) or (0.0,)) > 0
    return frame.numbers("ImagePositionPatient", 3) if is_sized else None


def orientation_of(frame: Frame) -> Vector:
    """Return the direction of a frame's rows and columns, six numbers; raises ``ValueError``."""
    cosines = frame.numbers("ImageOrientationPatient", 6)
    return _checked(cosines or frame.numbers("DetectorImageOrientationPatient", 6) or ())


@lru_cache(maxsize=1024)  # most slices of a series have the same
def _checked(cosines: Vector) -> Vector:
    axes = np.reshape(cosines, (-1, 3))
    if axes.shape != (2, 3) or not np.allclose(axes @ axes.T, np.eye(2), atol=0.01):
        raise ValueError(
            f"ImageOrientationPatient {list(cosines)} is not two perpendicular unit vectors"
        )
    return cosines


def is_from_detector(frame: Frame) -> bool:
    """Whether the position is that of nuclear medicine's detector."""
    return frame.numbers("ImageOrientationPatient", 6) is None


def _detector_position(frame: Frame) -> Vector | None:
    """Return the place of a slice of a reconstructed tomogram (PS3.3 C.8.4.11 and C.8.4.15).

    A positive SpacingBetweenSlices leads along the normal, a negative one against it.
    """
    first = frame.numbers("DetectorImagePositionPatient", 3)
    orientation = frame.numbers("DetectorImageOrientationPatient", 6)
    is_tomogram = "RECON" in frame.get("ImageType")
    if first is None or orientation is None or not is_tomogram or not pixel_size(frame).is_known:
        return None
    step = frame.number("SpacingBetweenSlices") or frame.number("SliceThickness")
    if step is None:
        return None
    numbers = frame.numbers("SliceVector", number_of_frames(frame.file.header))
    slice_number = numbers[frame.index] - 1 if numbers else frame.index
    normal = np.cross(orientation[:3], orientation[3:])
    return tuple((np.array(first) + slice_number * step * normal).tolist())


def group_by_grid(frames: Sequence[Frame]) -> list[tuple[list[Frame], Places]]:
    """Split frames that have a position by patient, study, modality, units, matrix, pixel type,
    orientation, pixel size and frame of reference. Raises ``ValueError`` if an orientation is none.
    """
    alike: dict[tuple[str, ...], list[Frame]] = {}
    for frame in frames:
        alike.setdefault(_kind_of(frame), []).append(frame)
    return [group for found in alike.values() for group in _group_by_orientation(found)]


def _kind_of(frame: Frame) -> tuple[str, ...]:
    keywords = (
        "StudyInstanceUID", "Modality", "Units", "Rows", "Columns", "SamplesPerPixel",
        "PhotometricInterpretation", "FrameOfReferenceUID",
    )  # fmt: skip
    return (patient_key(frame), *(frame.get(keyword) for keyword in keywords))


def patient_key(frame: Frame) -> str:
    """Return by what a frame's patient is told from others: the ID, or the name if there is none.

    Emergencies, animals and phantoms often have no ID. Several hospitals may have given the same.
    """
    patient_id = frame.get("PatientID")
    if not patient_id:
        return f"name {plain_name(frame.get('PatientName'))}"
    return f"ID {patient_id} of {frame.get('IssuerOfPatientID')}"


def are_several_issuers(issuers: Iterable[str]) -> bool:
    """Whether IDs of patients are of different issuers. Who names none may mean any."""
    return len({without_padding(issuer) for issuer in issuers} - {""}) > 1


def issuers_apart(images: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Return the issuers of some images, by their ids: where several have given one ID.

    ``images`` are by their ids: the ID of the patient, and its issuer.
    """
    issuers: dict[str, set[str]] = {}
    for patient_id, issuer in images.values():
        issuers.setdefault(patient_id, set()).add(issuer)
    several = {patient_id for patient_id, some in issuers.items() if are_several_issuers(some)}
    return {
        image_id: issuer
        for image_id, (patient_id, issuer) in images.items()
        if patient_id in several and issuer
    }


def check_patient(image: Frame, patient_id: str, name: str, issuer: str) -> None:
    """Raise ``ValueError`` if a file that names an image says that it is of another patient.

    IDs count if both have one, names if not. ``issuer`` is that of its ID.
    """
    own_id = image.get("PatientID")
    is_other = patient_id != own_id or are_several_issuers((image.get("IssuerOfPatientID"), issuer))
    if not (patient_id and own_id):
        is_other = are_several_names((name, image.get("PatientName")))
    if is_other:
        raise ValueError("it is of another patient than the image that it names")


def _sizes_of(frames: list[Frame]) -> list[PixelSize]:
    known: dict[tuple[int, str], PixelSize] = {}
    sizes = []
    for frame in frames:
        key = (id(frame.file.header.shared), frame.get("PixelSpacing"))
        if key not in known:
            known[key] = pixel_size(frame)
        sizes.append(known[key])
    return sizes


def _group_by_orientation(frames: list[Frame]) -> list[tuple[list[Frame], Places]]:
    """Split frames of one matrix by orientation and pixel size, as far as a pixel is moved by it.

    Noise in the direction cosines does not matter then, however many digits a scanner writes.
    """
    positions = np.array([position_of(frame) for frame in frames])
    orientations = np.array([orientation_of(frame) for frame in frames]).reshape(-1, 2, 3)
    sizes = _sizes_of(frames)
    steps = np.array([(size.columns, size.rows) for size in sizes])  # along a row, along a column
    counts = np.array([float(frames[0].get("Columns")), float(frames[0].get("Rows"))]) - 1
    edges = orientations * (steps * counts)[:, :, np.newaxis]  # to the far end of row and column
    groups = []
    rest = np.arange(len(frames))
    while len(rest):
        first = rest[0]
        moved = np.linalg.norm(edges[rest] - edges[first], axis=2).sum(axis=1)
        is_alike = moved <= ORIENTATION_TOLERANCE * steps[first].min()
        chosen, rest = rest[is_alike], rest[~is_alike]
        row, column = orientations[first]
        axes = np.array([row, column, np.cross(row, column)])
        axes /= np.linalg.norm(axes, axis=1, keepdims=True)
        places = Places(positions[chosen], axes, sizes[first])
        groups.append(([frames[number] for number in chosen], places))
    return groups
