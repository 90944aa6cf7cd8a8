"""How markups look that show what a server sent: color, opacity, diameter, labels."""

from __future__ import annotations

from typing import Any

from .trajectory_decoding import tube_diameter, visible_rgba

SMALLEST_GLYPH = 3.0
"""mm. A ball of 1 mm is one pixel of a slice view that shows a whole head."""


def set_color(display: Any, rgba: tuple[int, int, int, int]) -> None:
    """Set color and opacity, 0 to 255 each; (0, 0, 0, 0) stands for no color (yellow)."""
    red, green, blue, alpha = (number / 255 for number in visible_rgba(rgba))
    display.SetSelectedColor(red, green, blue)
    display.SetColor(red, green, blue)
    display.SetOpacity(alpha)


def set_diameter(display: Any, diameter: float) -> None:
    """Show points and lines that are ``diameter`` mm thick, or thin ones for 0 and nonsense.

    The balls of points are at least ``SMALLEST_GLYPH`` mm thick.
    """
    tube = tube_diameter(diameter)
    display.SetCurveLineSizeMode(display.UseLineDiameter if tube else display.UseLineThickness)
    display.SetUseGlyphScale(not tube)
    if tube:
        display.SetLineDiameter(tube)
        display.SetGlyphSize(max(tube, SMALLEST_GLYPH))


def set_labels(display: Any, at_line: bool, at_points: bool) -> None:
    """Label a line in its middle, or points by their own labels; show both through tissue.

    A plan inside the head is seen through it.
    """
    display.SetPropertiesLabelVisibility(at_line)
    display.SetPointLabelsVisibility(at_points)
    display.SetOccludedVisibility(True)


def rgba_of(display: Any) -> tuple[int, int, int, int]:
    """Return color and opacity, 0 to 255 each."""
    red, green, blue = display.GetSelectedColor()
    return tuple(round(number * 255) for number in (red, green, blue, display.GetOpacity()))


def diameter_of(display: Any, is_line: bool) -> float:
    """Return the diameter that was set, in mm, or what the user made of it; 0 if there is none."""
    if is_line:
        is_tube = display.GetCurveLineSizeMode() == display.UseLineDiameter
        return display.GetLineDiameter() if is_tube else 0.0
    if display.GetUseGlyphScale():
        return 0.0
    # Points have no line, but their display node keeps the diameter of one: what came as a point
    # of 1 mm and is shown as a ball of 3 mm goes out as 1 mm.
    is_smallest = display.GetGlyphSize() == SMALLEST_GLYPH
    is_shown_larger = is_smallest and display.GetLineDiameter() < SMALLEST_GLYPH
    return display.GetLineDiameter() if is_shown_larger else display.GetGlyphSize()
