"""Which sections of the panel are open: kept in the user's settings."""

from __future__ import annotations

from .settings_values import keepBool, readBool


def rememberSections(buttons):
    """Open and collapse these ctkCollapsibleButtons as the user left them, from now on."""
    for button in buttons:
        _remember(button, f"CollapsedSections/{button.objectName}")


def _remember(button, key):
    button.collapsed = readBool(key, otherwise=button.collapsed)
    button.contentsCollapsed.connect(lambda isCollapsed: keepBool(key, isCollapsed))
