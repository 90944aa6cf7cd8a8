"""How markups look that show what a server sent: colour, opacity, diameter, labels."""

from __future__ import annotations

from typing import Any

from .trajectory_decoding import tube_diameter, visible_rgba


def set_colour(display: Any, rgba: tuple[int, int, int, int]) -> None:
    """Set colour and opacity, 0 to 255 each; (0, 0, 0, 0) stands for no colour (yellow)."""
    red, green, blue, alpha = (number / 255 for number in visible_rgba(rgba))
    display.SetSelectedColor(red, green, blue)
    display.SetColor(red, green, blue)
    display.SetOpacity(alpha)


def set_diameter(display: Any, diameter: float) -> None:
    """Show points and lines that are ``diameter`` mm thick, or thin ones for 0 and nonsense."""
    tube = tube_diameter(diameter)
    display.SetCurveLineSizeMode(display.UseLineDiameter if tube else display.UseLineThickness)
    display.SetUseGlyphScale(not tube)
    if tube:
        display.SetLineDiameter(tube)
        display.SetGlyphSize(tube)


def set_labels(display: Any, is_line: bool) -> None:
    """Label a line once, by its name, and points each by its own label; show both through tissue.

    A plan inside the head is seen through it.
    """
    display.SetPropertiesLabelVisibility(is_line)
    display.SetPointLabelsVisibility(not is_line)
    display.SetOccludedVisibility(True)


def rgba_of(display: Any) -> tuple[int, int, int, int]:
    """Return colour and opacity, 0 to 255 each."""
    red, green, blue = display.GetSelectedColor()
    return tuple(round(number * 255) for number in (red, green, blue, display.GetOpacity()))


def diameter_of(display: Any, is_line: bool) -> float:
    """Return the diameter that is shown, in mm, or 0 where none was set."""
    if is_line:
        is_tube = display.GetCurveLineSizeMode() == display.UseLineDiameter
        return display.GetLineDiameter() if is_tube else 0.0
    return 0.0 if display.GetUseGlyphScale() else display.GetGlyphSize()
