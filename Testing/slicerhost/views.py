"""The four views of Slicer's Four-Up layout, drawn off screen from a MRML scene.

Slicer's own displayable managers draw them, on Slicer's own view nodes, which its layout logic
makes: vtkMRMLSliceNodeRed, vtkMRMLSliceNodeYellow, vtkMRMLSliceNodeGreen, vtkMRMLViewNode1.

    views = SliceAndThreeDViews(scene)
    views.show_volume(volume_node)
    views.jump_slices_to((20, 10, 30))
    views.save_png("four_up.png")

Slices are seen as radiologists do: the axial one from the feet, so that the patient's left is on
the right of the picture.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from slicer import (
    vtkMRMLApplicationLogic,
    vtkMRMLColorLogic,
    vtkMRMLCrosshairNode,
    vtkMRMLLayoutLogic,
    vtkMRMLScene,
    vtkMRMLSliceNode,
    vtkMRMLVolumeNode,
    vtkSlicerMarkupsLogic,
)
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkCollection
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkIOImage import vtkPNGWriter

from slicerhost.views_offscreen import OffScreenView
from slicerhost.views_slice import OffScreenSliceView
from slicerhost.views_three_d import OffScreenThreeDView

_BAR_HEIGHT = 6
# So that lines are seen through the slices before them; in Slicer slices start out opaque.
_SLICE_OPACITY_IN_3D = 0.7


class SliceAndThreeDViews:
    """Three slice views and a 3D view of a scene, each of ``size`` (width, height) pixels.

    A scene that has an application logic already wants it given here (slicer.app.applicationLogic()
    in the stand-in); otherwise one is made. ``application_logic`` then knows the slice logics and
    the view logic, as Slicer's does. One set of views at a time; ``close`` it before the next.
    """

    def __init__(
        self,
        scene: vtkMRMLScene,
        size: tuple[int, int] = (512, 512),
        application_logic: vtkMRMLApplicationLogic | None = None,
    ) -> None:
        self.application_logic = application_logic or vtkMRMLApplicationLogic()
        self._prepare_scene(scene)
        self._layout_logic = vtkMRMLLayoutLogic()
        self._layout_logic.SetMRMLScene(scene)

        def slice_view(layout_name: str) -> OffScreenSliceView:
            slice_node = scene.GetNodeByID(f"vtkMRMLSliceNode{layout_name}")
            return OffScreenSliceView(slice_node, self.application_logic, size)

        self.axial = slice_view("Red")
        self.sagittal = slice_view("Yellow")
        self.coronal = slice_view("Green")
        view_node = scene.GetNodeByID("vtkMRMLViewNode1")
        self.three_d = OffScreenThreeDView(view_node, self.application_logic, size)

    @property
    def slice_views(self) -> tuple[OffScreenSliceView, ...]:
        return self.axial, self.sagittal, self.coronal

    def show_volume(self, volume_node: vtkMRMLVolumeNode) -> None:
        """Show the volume in the slices, fit to it, and the slices in 3D.

        Window and level come from the volume's display node; without one, the slices stay black.
        """
        for view in self.slice_views:
            view.slice_logic.GetSliceCompositeNode().SetBackgroundVolumeID(volume_node.GetID())
            view.view_node.SetSliceVisible(True)
            view.slice_logic.GetSliceModelDisplayNode().SetOpacity(_SLICE_OPACITY_IN_3D)
        self.reset_slice_views()
        self.reset_three_d_view()

    def jump_slices_to(self, ras: Sequence[float]) -> None:
        """Move the three slices through a point in RAS mm, without panning or zooming."""
        mode = vtkMRMLSliceNode.OffsetJumpSlice
        vtkMRMLSliceNode.JumpAllSlices(self.axial.view_node.GetScene(), *ras, mode)

    def reset_slice_views(self) -> None:
        """Fit the slices to the volume in their background, as slicer.util.resetSliceViews does."""
        for view in self.slice_views:
            view.slice_logic.FitSliceToBackground()

    def reset_three_d_view(self) -> None:
        """Look at the patient's face, with everything that the 3D view shows in the picture."""
        self.three_d.look_at_face()

    def picture(self) -> np.ndarray:
        """Draw all views now: uint8 RGB of shape (height, width, 3), the first row at the top.

        Axial and 3D above, coronal and sagittal below.
        """
        above = np.hstack([_with_bar(self.axial), _with_bar(self.three_d)])
        below = np.hstack([_with_bar(self.coronal), _with_bar(self.sagittal)])
        return np.vstack([above, below])

    def save_png(self, path: str | os.PathLike[str]) -> None:
        """Draw all views now into a PNG file; an existing one is replaced."""
        picture = self.picture()
        height, width, _ = picture.shape
        image = vtkImageData()
        image.SetDimensions(width, height, 1)
        upwards = np.ascontiguousarray(picture[::-1]).reshape(-1, 3)
        image.GetPointData().SetScalars(numpy_to_vtk(upwards, deep=True))
        writer = vtkPNGWriter()
        writer.SetInputData(image)
        writer.WriteToMemoryOn()  # VTK only logs when it cannot write a file
        writer.Write()
        Path(path).write_bytes(vtk_to_numpy(writer.GetResult()).tobytes())

    def close(self) -> None:
        """Let go of the scene and of the graphics memory; the scene keeps its nodes."""
        for view in (self.three_d, *self.slice_views):
            view.close()
        self._layout_logic.SetMRMLScene(None)

    def _prepare_scene(self, scene: vtkMRMLScene) -> None:
        """Add what Slicer puts into every scene and what the views ask for, where it is missing."""
        logic = self.application_logic
        if logic.GetMRMLScene() is not scene:
            # Adds the selection node, the interaction node and the slice orientations.
            logic.SetMRMLScene(scene)
        if logic.GetSliceLogics() is None:
            logic.SetSliceLogics(vtkCollection())
        if logic.GetViewLogics() is None:
            logic.SetViewLogics(vtkCollection())
        if scene.GetNodeByID("vtkMRMLColorTableNodeGrey") is None:
            color_logic = vtkMRMLColorLogic()
            color_logic.SetMRMLScene(scene)  # adds the color tables
            color_logic.SetMRMLScene(None)  # with a scene, it would take them along when it goes
        if scene.GetNodeByID("vtkMRMLCrosshairNodedefault") is None:
            crosshair_node = vtkMRMLCrosshairNode()
            crosshair_node.SetCrosshairName("default")
            scene.AddNode(crosshair_node)
        # The application logic holds module logics weakly.
        self._markups_logic = logic.GetModuleLogic("Markups")
        if self._markups_logic is None:
            self._markups_logic = vtkSlicerMarkupsLogic()
            self._markups_logic.SetMRMLApplicationLogic(logic)
            self._markups_logic.SetMRMLScene(scene)
            logic.SetModuleLogic("Markups", self._markups_logic)


def _with_bar(view: OffScreenView) -> np.ndarray:
    """The view's picture under a bar in the view's color, in which 3D shows the slice's edge."""
    picture = view.picture()
    bar = np.empty((_BAR_HEIGHT, picture.shape[1], 3), np.uint8)
    bar[:] = np.round(np.multiply(view.view_node.GetLayoutColor(), 255))
    return np.vstack([bar, picture])
