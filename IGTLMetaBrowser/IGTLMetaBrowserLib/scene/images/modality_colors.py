"""In which colors Slicer shows an image first: as its modality is read."""

from __future__ import annotations

from ...codec.window_level import is_emission

INVERTED_GRAY_ID = "vtkMRMLColorTableNodeInvertedGrey"
"""As nuclear medicine reads its images, and Slicer's own PET loader shows them: black is uptake."""


def color_node_id(modality: str) -> str:
    """Return the id of Slicer's color node for a modality; empty for the one it takes anyway."""
    return INVERTED_GRAY_ID if is_emission(modality) else ""
