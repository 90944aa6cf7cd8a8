"""Images whose slices are tiles of one large picture: Siemens mosaics and grids of UIH.

``split_grid`` describes such a file as what it means, an image of several frames, each with a
position: so nobody but who reads the pixels has to know of tiles.

Siemens: (0019,100A) has the number of slices, and the CSA header in (0029,1010) the normal along
which they follow each other. The file's ImagePositionPatient is that of a slice as large as the
whole mosaic, with the same center as the first slice (nibabel, ``MosaicWrapper.image_position``).
UIH: (0065,1050) has the number of slices, (0065,1051) an item for each, with its position.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..fields import Lookup, items_of, text_of

if TYPE_CHECKING:
    import numpy as np

TILES = "Tiles"
"""Under this keyword a split image has how many tiles are side by side, and one above another."""

_SIEMENS_CREATOR = 0x00190010
_MOSAIC_COUNT = 0x0019100A
_CSA_CREATOR = 0x00290010
_CSA_HEADER = 0x00291010
_UIH_CREATOR = 0x00650010
_UIH_COUNT = 0x00651050
_UIH_FRAMES = 0x00651051
_IMAGE_POSITION_PATIENT = 0x00200032

GRID_TAGS = (
    _SIEMENS_CREATOR, _MOSAIC_COUNT, _CSA_CREATOR, _CSA_HEADER, _UIH_CREATOR, _UIH_COUNT,
    _UIH_FRAMES,
)  # fmt: skip


class _GridError(Exception):
    """The tiles cannot be told apart, or placed; the text says why."""


def split_grid(lookup: Lookup, values: dict[str, str], frames: dict[str, list[str]]) -> str:
    """Describe an image of tiles as one of several frames; leave any other as it is.

    ``values`` and ``frames`` are the attributes of ``ImageHeader``. Returns why the image cannot be
    split, or an empty text.
    """
    types = values.get("ImageType", "").split("\\")
    try:
        if "MOSAIC" in types:
            positions, tiles = _siemens_mosaic(lookup, values)
        elif "VFRAME" in types and lookup(_UIH_FRAMES) is not None:
            positions, tiles = _uih_grid(lookup)
        else:
            return ""
        _set_tiles(values, frames, positions, tiles)
    except _GridError as error:
        return f"its slices are tiles of one picture, which cannot be split: {error}"
    return ""


def _set_tiles(
    values: dict[str, str],
    frames: dict[str, list[str]],
    positions: Sequence[Sequence[float]],
    tiles: tuple[int, int],
) -> None:
    columns, rows = int(values["Columns"]), int(values["Rows"])
    if columns % tiles[0] or rows % tiles[1]:
        raise _GridError(f"{columns} × {rows} pixels are not {tiles[0]} × {tiles[1]} tiles")
    values["Columns"], values["Rows"] = str(columns // tiles[0]), str(rows // tiles[1])
    values["NumberOfFrames"] = str(len(positions))
    values[TILES] = f"{tiles[0]}\\{tiles[1]}"
    frames["ImagePositionPatient"] = ["\\".join(map(repr, position)) for position in positions]


def _siemens_mosaic(
    lookup: Lookup, values: dict[str, str]
) -> tuple[list[list[float]], tuple[int, int]]:
    import numpy as np  # not at file scope: an index of other files does without

    csa = _csa_header(lookup)
    count, normal = _mosaic_count(lookup, csa), _csa_numbers(csa, "SliceNormalVector", 3)
    across = math.ceil(math.sqrt(count))
    if across > min(int(values["Columns"]), int(values["Rows"])):
        raise _GridError(f"it has not enough pixels for {count} slices")
    position = _numbers(values, "ImagePositionPatient", 3)
    axes = _numbers(values, "ImageOrientationPatient", 6).reshape(2, 3)
    spacing = _numbers(values, "PixelSpacing", 2)
    step = float(values.get("SpacingBetweenSlices") or values.get("SliceThickness") or 0)
    if abs(abs(normal @ np.cross(*axes)) - 1) > 0.01 or step <= 0:
        raise _GridError("its slices' normal or distance makes no sense")
    # From the first pixel of a slice as large as the mosaic to that of one as large as a tile.
    whole = np.array([float(values["Columns"]), float(values["Rows"])])
    inset = (whole - whole / across) / 2 * spacing[::-1]
    first = position + inset @ axes
    return [(first + k * step * normal).tolist() for k in range(count)], (across, across)


def _csa_header(lookup: Lookup) -> Any:
    element = lookup(_CSA_HEADER)
    if element is None or text_of(lookup, _CSA_CREATOR) != "SIEMENS CSA HEADER":
        raise _GridError("it has no CSA header (0029,1010), which says how its slices lie")
    try:
        from nibabel.nicom.csareader import CSAReadError, read
    except ImportError:
        raise _GridError('reading its CSA header takes nibabel; pip install "nibabel"') from None
    try:
        return read(element.value)
    except (CSAReadError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise _GridError(f"its CSA header cannot be read ({error})") from None


def _mosaic_count(lookup: Lookup, csa: Any) -> int:
    is_named = text_of(lookup, _SIEMENS_CREATOR) == "SIEMENS MR HEADER"
    text = text_of(lookup, _MOSAIC_COUNT, "US") if is_named else ""
    count = int(text) if text.isdecimal() else 0
    count = count or int(_csa_numbers(csa, "NumberOfImagesInMosaic", 1)[0])
    if count < 1:
        raise _GridError("it does not say of how many slices")
    return count


def _csa_numbers(csa: Any, name: str, count: int) -> np.ndarray:
    import numpy as np

    try:
        items = csa["tags"][name]["items"][:count]
        numbers = np.array(items, float)
    except (KeyError, TypeError, ValueError):
        numbers = np.empty(0)
    if len(numbers) != count:
        raise _GridError(f"its CSA header has no {name}")
    return numbers


def _uih_grid(lookup: Lookup) -> tuple[list[list[float]], tuple[int, int]]:
    items = items_of(lookup(_UIH_FRAMES))
    texts = [text_of(item.get_item, _IMAGE_POSITION_PATIENT) for item in items]
    try:
        positions = [[float(part) for part in text.split("\\")] for text in texts]
        count = int(float(text_of(lookup, _UIH_COUNT) or len(items)))
    except ValueError:
        positions, count = [], 0
    if not positions or len(positions) != count or any(len(place) != 3 for place in positions):
        raise _GridError("(0065,1051) has no position for each of its slices")
    across = math.ceil(math.sqrt(count))
    return positions, (across, math.ceil(count / across))


def _numbers(values: dict[str, str], keyword: str, count: int) -> np.ndarray:
    import numpy as np

    try:
        numbers = np.array([float(part) for part in values.get(keyword, "").split("\\")])
    except ValueError:
        numbers = np.empty(0)
    if len(numbers) != count:
        raise _GridError(f"it has no {keyword}")
    return numbers
