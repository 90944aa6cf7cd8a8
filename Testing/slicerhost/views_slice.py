"""A slice view off screen: the volume's slice, markups on it, and letters at its edges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from slicer import (
    vtkMRMLApplicationLogic,
    vtkMRMLCrosshairDisplayableManager,
    vtkMRMLMarkupsDisplayableManager,
    vtkMRMLModelSliceDisplayableManager,
    vtkMRMLOrientationMarkerDisplayableManager,
    vtkMRMLRulerDisplayableManager,
    vtkMRMLSliceLogic,
    vtkMRMLSliceNode,
    vtkMRMLVolumeGlyphSliceDisplayableManager,
)
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from vtkmodules.vtkRenderingCore import vtkActor2D, vtkImageMapper, vtkTextActor

from slicerhost.views_offscreen import OffScreenView

# qMRMLSliceView's own list, and the one that the Markups module adds.
_DISPLAYABLE_MANAGERS = (
    vtkMRMLVolumeGlyphSliceDisplayableManager,
    vtkMRMLModelSliceDisplayableManager,
    vtkMRMLCrosshairDisplayableManager,
    vtkMRMLOrientationMarkerDisplayableManager,
    vtkMRMLRulerDisplayableManager,
    vtkMRMLMarkupsDisplayableManager,
)


class OffScreenSliceView(OffScreenView):
    """Draws one vtkMRMLSliceNode of a scene."""

    def __init__(
        self,
        slice_node: vtkMRMLSliceNode,
        application_logic: vtkMRMLApplicationLogic,
        size: tuple[int, int],
    ) -> None:
        super().__init__(slice_node, application_logic, _DISPLAYABLE_MANAGERS, size)
        self.slice_logic = vtkMRMLSliceLogic()
        self.slice_logic.SetMRMLApplicationLogic(application_logic)
        self.slice_logic.SetMRMLScene(slice_node.GetScene())
        self.slice_logic.SetSliceNode(slice_node)
        self.slice_logic.ResizeSliceNode(*size)
        self._slice_logics = application_logic.GetSliceLogics()
        self._slice_logics.AddItem(self.slice_logic)

        self._image_actor = self._add_image()
        self._right_text = self._add_text(0.985, 0.5)
        self._left_text = self._add_text(0.015, 0.5)
        self._top_text = self._add_text(0.5, 0.985)
        self._bottom_text = self._add_text(0.5, 0.015)
        self._caption = self._add_text(0.015, 0.985)

    def pixel_of(self, ras: Sequence[float]) -> tuple[int, int]:
        """(row, column) in the picture of a point in RAS mm, projected straight onto the slice."""
        ras_to_xy = vtkMatrix4x4()
        vtkMatrix4x4.Invert(self.view_node.GetXYToRAS(), ras_to_xy)
        x, y, _, _ = ras_to_xy.MultiplyPoint((*ras, 1))
        return self.row_column(x, y)

    def picture(self) -> np.ndarray:
        image_connection = self.slice_logic.GetImageDataConnection()
        self._image_actor.GetMapper().SetInputConnection(image_connection)
        self._image_actor.SetVisibility(image_connection is not None)
        self._write_texts()
        return super().picture()

    def close(self) -> None:
        self._slice_logics.RemoveItem(self.slice_logic)
        # Its nodes would stay in the scene, and a next 3D view would draw them without a picture.
        self.slice_logic.DeleteSliceModel()
        self.slice_logic.SetMRMLScene(None)
        super().close()

    def _add_image(self) -> vtkActor2D:
        # The slice comes as colors from 0 to 255, the volume's window and level applied already;
        # the mapper keeps them.
        mapper = vtkImageMapper()
        mapper.SetColorWindow(255)
        mapper.SetColorLevel(127.5)
        actor = vtkActor2D()
        actor.SetMapper(mapper)
        actor.GetProperty().SetDisplayLocationToBackground()
        self.renderer.AddViewProp(actor)
        return actor

    def _add_text(self, x: float, y: float) -> vtkTextActor:
        """Text inside the view at (x, y), which are fractions of it from its lower left corner."""
        text = vtkTextActor()
        text.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
        text.SetPosition(x, y)
        style = text.GetTextProperty()
        style.SetFontSize(max(12, self.window.GetSize()[1] // 28))
        style.SetBold(True)
        style.SetShadow(True)
        # VTK counts 0, 1, 2 for left, center, right and for bottom, center, top.
        style.SetJustification(round(2 * x))
        style.SetVerticalJustification(round(2 * y))
        self.renderer.AddViewProp(text)
        return text

    def _write_texts(self) -> None:
        """Letters for the patient's directions at the edges, plane and offset in a corner."""
        slice_node = self.view_node
        slice_to_ras = slice_node.GetSliceToRAS()
        rightwards, upwards, normal = (
            [slice_to_ras.GetElement(row, column) for row in range(3)] for column in range(3)
        )
        self._right_text.SetInput(slice_node.GetDirectionLabel(rightwards))
        self._left_text.SetInput(slice_node.GetDirectionLabel(rightwards, False))
        self._top_text.SetInput(slice_node.GetDirectionLabel(upwards))
        self._bottom_text.SetInput(slice_node.GetDirectionLabel(upwards, False))

        position = (
            f"{slice_node.GetDirectionLabel(normal)}: {self.slice_logic.GetSliceOffset():.1f} mm"
        )
        self._caption.SetInput(f"{slice_node.GetOrientation()}  {position}")
        self._caption.GetTextProperty().SetColor(slice_node.GetLayoutColor())
