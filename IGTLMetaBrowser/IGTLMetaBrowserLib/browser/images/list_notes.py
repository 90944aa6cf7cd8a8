"""What a user should know of a loaded image by what its list says, in words."""

from __future__ import annotations

from collections.abc import Sequence

from ... import codec
from ...net.client.listed_images import changed_fields

NOT_LISTED = "it is not in the list of images"
FROM_SAVED_SCENE = "it is from a saved scene; load it again for what the server has now"
EARLIER_VERSION = "an earlier version of it is in the scene"


def doubled_notes(
    doubled: Sequence[codec.ImageMetaItem], came: codec.ImageMetaItem | None
) -> tuple[str, ...]:
    """Return a note on an image whose id the list gives to others as well."""
    if len(doubled) < 2 or came in doubled:
        return ()
    names = ", ".join(repr(codec.printable(entry.name)) for entry in doubled)
    return (f"the list gives its ID to {names}; it is not known which of them was received",)


def list_notes(
    when_loaded: codec.ImageMetaItem | None, now: codec.ImageMetaItem | None
) -> tuple[str, ...]:
    """Return what is noteworthy of the entry of a loaded image, then and now."""
    if now is None:
        return (NOT_LISTED,)
    if when_loaded is None or when_loaded == now:
        return ()
    changed = [name.replace("_", " ") for name in changed_fields(when_loaded, now)]
    return (f"changed in the list since it was loaded: {', '.join(changed)}",) if changed else ()
