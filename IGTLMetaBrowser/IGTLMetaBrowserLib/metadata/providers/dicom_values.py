"""Values of a DICOM dataset by keyword, wherever in it they are."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom import Dataset

_logger = logging.getLogger(__name__)


class DicomValues:
    """The values that a dataset has for its first frame.

    A multi-frame image of the enhanced kind has most of what modules want in functional groups
    (PS3.3 C.7.6.16): those of the first frame are looked through first, then the shared ones, then
    the dataset itself and its file meta information.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._places = list(_places(dataset))

    def find(self, keyword: str) -> Any:
        """Return the value of a keyword, or None if it is absent.

        Raises ``ValueError`` if pydicom cannot read it.
        """
        for place in self._places:
            try:
                if keyword in place:
                    return place[keyword].value
            except Exception as error:  # a wrong VR or length raises anything
                raise ValueError(f"pydicom cannot read it ({type(error).__name__})") from None
        return None


def _places(dataset: Dataset) -> Iterator[Dataset]:
    for keyword in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        try:
            yield from _macros(dataset.get(keyword) or [])
        except Exception as error:  # the dataset itself may still say something
            _logger.warning("%s cannot be read: %s", keyword, type(error).__name__)
    yield dataset
    if getattr(dataset, "file_meta", None) is not None:
        yield dataset.file_meta


def _macros(groups: Any) -> list[Dataset]:
    """Return the functional groups of the first item: the one item of each of its sequences."""
    if not groups:
        return []
    return [macro.value[0] for macro in groups[0] if macro.VR == "SQ" and macro.value]
