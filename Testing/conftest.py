"""What all tests share."""

from __future__ import annotations

import os

# Tests never open windows on the display of whoever runs them. Qt reads this when it starts.
os.environ["QT_QPA_PLATFORM"] = "offscreen"

# Before any test imports PySide6: the enums become ints then, as they are in Slicer.
import slicerhost  # noqa: F401
