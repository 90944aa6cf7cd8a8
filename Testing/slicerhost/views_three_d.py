"""The 3D view off screen: slices, markups, the box around the scene with its letters."""

from __future__ import annotations

from collections.abc import Sequence

from slicer import (
    vtkMRMLApplicationLogic,
    vtkMRMLCameraDisplayableManager,
    vtkMRMLCameraNode,
    vtkMRMLCrosshairDisplayableManager3D,
    vtkMRMLMarkupsDisplayableManager,
    vtkMRMLModelDisplayableManager,
    vtkMRMLOrientationMarkerDisplayableManager,
    vtkMRMLRulerDisplayableManager,
    vtkMRMLThreeDReformatDisplayableManager,
    vtkMRMLThreeDSliceEdgeDisplayableManager,
    vtkMRMLViewDisplayableManager,
    vtkMRMLViewLogic,
    vtkMRMLViewNode,
)

from slicerhost.views_offscreen import OffScreenView

# qMRMLThreeDView's own list, and the one that the Markups module adds.
_DISPLAYABLE_MANAGERS = (
    vtkMRMLCameraDisplayableManager,
    vtkMRMLViewDisplayableManager,
    vtkMRMLModelDisplayableManager,
    vtkMRMLThreeDReformatDisplayableManager,
    vtkMRMLThreeDSliceEdgeDisplayableManager,
    vtkMRMLCrosshairDisplayableManager3D,
    vtkMRMLOrientationMarkerDisplayableManager,
    vtkMRMLRulerDisplayableManager,
    vtkMRMLMarkupsDisplayableManager,
)

# Degrees from straight ahead towards the patient's left, and upwards: no slice is seen edge on.
_AZIMUTH = 30
_ELEVATION = 20
# How much nearer than where a sphere around everything would fit: the head fills the view.
_DOLLY = 1.6


class OffScreenThreeDView(OffScreenView):
    """Draws one vtkMRMLViewNode of a scene."""

    def __init__(
        self,
        view_node: vtkMRMLViewNode,
        application_logic: vtkMRMLApplicationLogic,
        size: tuple[int, int],
    ) -> None:
        super().__init__(view_node, application_logic, _DISPLAYABLE_MANAGERS, size)
        self.renderer.SetGradientBackground(True)
        # As in Slicer; with multisampling, depth peeling loses whatever is translucent.
        self.renderer.SetUseDepthPeeling(view_node.GetUseDepthPeeling())
        self.window.SetMultiSamples(0)
        self.view_logic = vtkMRMLViewLogic()
        self.view_logic.SetMRMLApplicationLogic(application_logic)
        self.view_logic.SetName(view_node.GetLayoutName())
        self.view_logic.SetMRMLScene(view_node.GetScene())
        self._view_logics = application_logic.GetViewLogics()
        self._view_logics.AddItem(self.view_logic)

    @property
    def camera_node(self) -> vtkMRMLCameraNode:
        return self.displayable_manager(vtkMRMLCameraDisplayableManager).GetCameraNode()

    def look_at_face(self) -> None:
        """Look at the whole scene from the front, a little from the patient's left and above."""
        # Fits the box to the scene.
        self.view_node.InvokeEvent(vtkMRMLViewNode.ResetFocalPointRequestedEvent)
        camera_node = self.camera_node
        camera_node.RotateTo(vtkMRMLCameraNode.Anterior)
        camera_node.GetCamera().Azimuth(_AZIMUTH)
        camera_node.GetCamera().Elevation(_ELEVATION)
        camera_node.Reset(False, True, True, self.renderer)
        camera_node.GetCamera().Dolly(_DOLLY)
        self.renderer.ResetCameraClippingRange()

    def pixel_of(self, ras: Sequence[float]) -> tuple[int, int]:
        """(row, column) in the picture of a point in RAS mm."""
        self.renderer.SetWorldPoint(*ras, 1)
        self.renderer.WorldToDisplay()
        x, y, _ = self.renderer.GetDisplayPoint()
        return self.row_column(x, y)

    def close(self) -> None:
        self._view_logics.RemoveItem(self.view_logic)
        self.view_logic.SetMRMLScene(None)
        super().close()
