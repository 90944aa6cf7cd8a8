"""What a user should know of an image beyond that it is loaded, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from .. import codec

NOT_LISTED = "it is not in the list of images"
FROM_SAVED_SCENE = "it is from a saved scene; load it again for what the server has now"
EARLIER_VERSION = "an earlier version of it is in the scene"


def image_notes(
    image_id: str, entry: codec.ImageMetaItem | None, image: codec.ImageMessage
) -> tuple[str, ...]:
    """Return what is noteworthy of an image that came; ``entry`` is what the list says of it."""
    notes = [] if entry is None else differences(entry, image)
    if image.device_name != image_id:
        notes.append(f"it came under the name {codec.printable(image.device_name)!r}")
    if image.is_subvolume:
        notes.append(
            f"only a part of it came: {size_text(image.subvolume_size)} of "
            f"{size_text(image.whole_size)} voxels"
        )
    return tuple(notes)


def list_notes(
    when_loaded: codec.ImageMetaItem | None, now: codec.ImageMetaItem | None
) -> tuple[str, ...]:
    """Return what is noteworthy of the entry of a loaded image, then and now."""
    if now is None:
        return (NOT_LISTED,)
    if when_loaded is None or when_loaded == now:
        return ()
    changed = [
        field.name.replace("_", " ")
        for field in fields(now)
        if getattr(when_loaded, field.name) != getattr(now, field.name)
    ]
    return (f"changed in the list since it was loaded: {', '.join(changed)}",)


def differences(entry: codec.ImageMetaItem, image: codec.ImageMessage) -> list[str]:
    """Return where an image differs from its entry in the list."""
    notes = []
    if tuple(entry.size) != tuple(image.whole_size):
        notes.append(
            f"the list says {size_text(entry.size)} voxels, {size_text(image.whole_size)} came"
        )
    came = codec.ScalarType.of(image.pixels.dtype)
    if entry.scalar_type != came:
        notes.append(
            f"the list says {scalar_type_text(entry.scalar_type)}, {scalar_type_text(came)} came"
        )
    return notes


def size_text(size: Sequence[int]) -> str:
    """Return a size as a user reads it: ``512 × 512 × 64``."""
    return " × ".join(str(count) for count in size)


def scalar_type_text(scalar_type: codec.ScalarType | int) -> str:
    """Return a scalar type as a user reads it: ``uint16``, or the number of an unknown one."""
    if isinstance(scalar_type, codec.ScalarType):
        return scalar_type.name.lower()
    return f"unknown ({scalar_type})"
