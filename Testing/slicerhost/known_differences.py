"""The cases of slicer_behaviour.json that the stand-in answers differently, and why."""

from __future__ import annotations

KNOWN_DIFFERENCES: dict[tuple[str, str], str] = {
    ("signal", "clicked"): (
        "PySide6 hands over an argument with a default value, as the bool of `clicked`, only to a "
        "callable that names a parameter for it; one with `*args` gets nothing. "
        "`lambda checked: ...` and `lambda: ...` agree."
    ),
    ("signal", "action triggered"): "The bool of `triggered` and `*args`: see `clicked`.",
    ("lifetime", "a signal of a deleted object"): (
        "PythonQt fails without an error of its own, which Python reports as a SystemError. Here "
        "it is an AttributeError."
    ),
    ("signal", "old style signature"): (
        "PySide6 wants signatures wrapped in SIGNAL(), and its `connect` cannot be replaced. "
        "`button.clicked.connect(f)` agrees."
    ),
    ("icon", "the resources of Slicer's libraries have icons"): (
        "They are compiled into libraries with Qt, which slicer-core has not."
    ),
}
