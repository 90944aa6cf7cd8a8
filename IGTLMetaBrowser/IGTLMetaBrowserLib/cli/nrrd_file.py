"""Images as NRRD files (teem.sourceforge.net/nrrd/format.html), written with pynrrd."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

import numpy as np

from .. import codec
from ..codec.geometry import flip_matrix_lps_ras
from ..system_errors import why_not_written
from ..whole_file import replaced_at_end
from .parser import CommandError

# What no file system objects to, except in the places that ``_file_name`` sees to. Without "%".
_SAFE = " !#$&'()+,-.;=@[]^_`{}~"
# Devices of Windows, whatever comes after the dot, and spaces before it.
_RESERVED = {
    "con", "prn", "aux", "nul", "conin$", "conout$",
    *(f"{device}{number}" for device in ("com", "lpt") for number in range(10)),
}  # fmt: skip
# The fields of the format: as a key, such a name would be taken for the field.
_FIELDS = {
    "axis maxs", "axismaxs", "axis mins", "axismins", "block size", "blocksize", "byte skip",
    "byteskip", "center", "centers", "centerings", "content", "data file", "datafile", "dimension",
    "encoding", "endian", "kind", "kinds", "labels", "line skip", "lineskip", "max",
    "measurement frame", "min", "number", "old max", "oldmax", "old min", "oldmin", "sample units",
    "sampleunits", "sizes", "space", "space dimension", "space directions", "space origin",
    "space units", "spacings", "thicknesses", "type", "units",
}  # fmt: skip


def require_pynrrd() -> None:
    """Raise ``CommandError`` if pynrrd is not installed."""
    try:
        import nrrd  # noqa: F401
    except ImportError as error:
        raise CommandError(
            "writing NRRD files requires pynrrd, which is not installed; "
            "install it: pip install pynrrd"
        ) from error


def file_paths(folder: Path, ids: Iterable[str]) -> dict[str, Path]:
    """Return the path of each image's file in ``folder``: its id and ``.nrrd``.

    What a file system could object to is written as in a URL (``%2F`` for a slash). Different ids
    have different names; if only case tells two apart, every letter of the later one is written
    so, because some file systems would not tell them apart. No characters at all become ``%``.
    """
    paths: dict[str, Path] = {}
    taken: set[str] = set()
    for image_id in dict.fromkeys(ids):
        name = _file_name(image_id)
        if name.lower() in taken:
            name = _file_name(image_id, spell_out=True)
        taken.add(name.lower())
        paths[image_id] = folder / name
    return paths


def _file_name(image_id: str, spell_out: bool = False) -> str:
    encoded = image_id.encode("utf-8", "surrogateescape")
    if spell_out:
        return "".join(f"%{byte:02X}" for byte in encoded) + ".nrrd"
    name = quote(encoded, safe=_SAFE)
    if name.startswith(".") or name.partition(".")[0].rstrip().lower() in _RESERVED:
        name = f"%{ord(name[0]):02X}{name[1:]}"
    return f"{name or '%'}.nrrd"


def write_nrrd(path: Path, image: codec.ImageMessage, texts: Mapping[str, str]) -> None:
    """Write an image with its LPS geometry; ``texts`` become NRRD's key/value pairs.

    A part of an image is written at its place. Characters of ``texts`` outside ASCII are written as
    Python escapes, because pynrrd writes ASCII. The pixels are not compressed: zlib at its fastest
    takes 4.5 s for a CT of 157 MB that is fetched and written in half a second without it.

    An older file of that name is replaced once the new one is complete. Raises ``CommandError``.
    """
    header = _key_values(texts) | _header(image, path)
    try:
        with replaced_at_end(path) as part, part.open("wb") as file:
            _write(file, image.pixels, header)
    except OSError as error:
        raise CommandError(why_not_written(error, path)) from None


def _write(file: BinaryIO, pixels: np.ndarray, header: dict[str, Any]) -> None:
    import nrrd

    # "C": the last axis of the array is the first, fastest one of the file.
    nrrd.write(file, pixels, header, index_order="C")


def _key_values(texts: Mapping[str, str]) -> dict[str, str]:
    """Return texts as key/value pairs; a key that is the name of a field gets another one."""
    pairs = {}
    for key, text in texts.items():
        # A reader takes what is before a colon for the key, and a line with # for a comment.
        name = _escape(key).strip().replace(":", r"\x3a")
        if name.startswith("#"):
            name = rf"\x23{name[1:]}"
        if name.lower() in _FIELDS:
            name = f"metadata {name}"
        if name and text:
            pairs[name] = _escape(text)
    return pairs


def _escape(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")


def _header(image: codec.ImageMessage, path: Path) -> dict[str, Any]:
    if not image.pixels.size:
        raise CommandError(
            f"{str(path)!r} is not written: the server has no data for the image, which has 0 "
            "voxels; check it on the server"
        )
    try:
        ijk_to_lps = flip_matrix_lps_ras(image.usable_ijk_to_ras())
    except codec.GeometryError as error:
        raise CommandError(
            f"{str(path)!r} is not written: {error}; correct its geometry on the server"
        ) from None
    origin = (ijk_to_lps @ (*image.offset, 1))[:3]
    directions = ijk_to_lps[:3, :3].T
    kinds = ["domain"] * 3
    if image.pixels.ndim == 4:
        directions = np.vstack([np.full(3, np.nan), directions])  # "none" in the file
        kinds = [_kind(image), *kinds]
    return {
        "space": "left-posterior-superior",
        "space directions": directions,
        "space origin": origin,
        "kinds": kinds,
        "encoding": "raw",
    }


def _kind(image: codec.ImageMessage) -> str:
    """What the components of a vector image are, in NRRD's words."""
    if image.pixels.dtype == np.uint8:
        return {3: "RGB-color", 4: "RGBA-color"}.get(image.components, "vector")
    return "vector"
