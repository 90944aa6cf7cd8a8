"""What a user should know of an image that came, in words: where it is not as it was listed."""

from __future__ import annotations

from collections.abc import Sequence

from ... import codec
from ...codec.geometry import sheared_axes
from .listed_images import is_of_another_patient


def image_notes(
    image_id: str, entry: codec.ImageMetaItem | None, image: codec.ImageMessage
) -> tuple[str, ...]:
    """Return what is noteworthy of an image that came; ``entry`` is what the list says of it."""
    notes = [] if entry is None else differences(entry, image)
    if entry is not None and is_of_another_patient(image, entry):
        notes.append("it says that it is of another patient than the list says")
    if image.device_name != image_id:
        notes.append(f"it came under the name {codec.printable(image.device_name)!r}")
    if image.is_subvolume:
        notes.append(
            f"only a part of it was received: {size_text(image.subvolume_size)} of "
            f"{size_text(image.whole_size)} voxels"
        )
    return (*notes, *shear_notes(image))


def shear_notes(image: codec.ImageMessage) -> tuple[str, ...]:
    """Return a note on an image whose axes are not at right angles.

    A volume node and an NRRD file keep such a matrix, and slices show it; but DICOM and many file
    formats and filters have no place for it.
    """
    sheared = sheared_axes(image.usable_ijk_to_ras())
    if not sheared:
        return ()
    angles = ", ".join(f"{pair[0]} and {pair[1]} {angle:.4g}°" for pair, angle in sheared.items())
    return (
        f"its axes are not at right angles ({angles}): Slicer keeps that, "
        "but many file formats and filters do not",
    )


def differences(entry: codec.ImageMetaItem, image: codec.ImageMessage) -> list[str]:
    """Return how an image differs from its entry in the list.

    Servers list without a size what they do not know before it is asked for.
    """
    if not all(entry.size):
        return []
    notes = []
    if tuple(entry.size) != tuple(image.whole_size):
        notes.append(
            f"listed with {size_text(entry.size)} voxels, "
            f"received with {size_text(image.whole_size)}"
        )
    came = codec.ScalarType.of(image.pixels.dtype)
    if entry.scalar_type != came:
        notes.append(
            f"listed as {scalar_type_text(entry.scalar_type)}, received as {scalar_type_text(came)}"
        )
    return notes


def describe_image(image: codec.ImageMessage) -> str:
    """Return name, size and type of an image in words."""
    name, scalar_type = codec.printable(image.device_name), image.pixels.dtype.name
    return f"the image {name!r} of {size_text(image.whole_size)} voxels, {scalar_type}"


def size_text(size: Sequence[int]) -> str:
    """Return a size as a user reads it: ``512 × 512 × 64``."""
    return " × ".join(str(count) for count in size)


def scalar_type_text(scalar_type: codec.ScalarType | int) -> str:
    """Return a scalar type as a user reads it: ``uint16``, or the number of an unknown one."""
    if isinstance(scalar_type, codec.ScalarType):
        return scalar_type.name.lower()
    return f"unknown ({scalar_type})"
