"""Drawing without a display: a render window in memory, and a view that Slicer draws into.

VTK's own choice of a render window tries the X server first and warns when there is none, and its
EGL window crashes the process when libEGL is not installed. So the window's class is named here,
after a look at what is there.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from functools import cache

import numpy as np
from slicer import (
    vtkMRMLAbstractDisplayableManager,
    vtkMRMLAbstractViewNode,
    vtkMRMLApplicationLogic,
    vtkMRMLDisplayableManagerGroup,
)
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
from vtkmodules.vtkRenderingCore import vtkMapper, vtkRenderer, vtkRenderWindow
from vtkmodules.vtkRenderingOpenGL2 import vtkEGLRenderWindow, vtkOSOpenGLRenderWindow
from vtkmodules.vtkRenderingUI import vtkGenericRenderWindowInteractor

_WINDOW_CLASSES = (
    ("libEGL.so.1", vtkEGLRenderWindow),
    ("libOSMesa.so.8", vtkOSOpenGLRenderWindow),
)


class OffScreenError(RuntimeError):
    """This machine has no way to draw without a display; the message says how to get one."""


def off_screen_render_window() -> vtkRenderWindow:
    """A render window that draws into memory, by EGL or else OSMesa.

    Neither needs a display or a graphics card. Raises OffScreenError where neither works.
    """
    for library, window_class in _WINDOW_CLASSES:
        if _is_installed(library) and _draws(window_class):
            window = window_class()
            window.SetOffScreenRendering(True)
            return window
    raise OffScreenError(
        "cannot draw off screen: neither EGL nor OSMesa offers OpenGL 3.2 here; "
        "on Debian or Ubuntu try: apt-get install libegl1 libgl1-mesa-dri"
    )


def _is_installed(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


@cache
def _draws(window_class: type[vtkRenderWindow]) -> bool:
    """Whether the windows of this class draw here: one opens a context of OpenGL to see that."""
    window = window_class()
    window.SetOffScreenRendering(True)
    return bool(window.SupportsOpenGL())


class OffScreenView:
    """One view node of a scene, drawn by displayable managers into an off-screen window."""

    def __init__(
        self,
        view_node: vtkMRMLAbstractViewNode,
        application_logic: vtkMRMLApplicationLogic,
        displayable_managers: Iterable[type[vtkMRMLAbstractDisplayableManager]],
        size: tuple[int, int],
    ) -> None:
        self.view_node = view_node
        self.renderer = vtkRenderer()
        self.window = off_screen_render_window()
        self.window.SetSize(*size)
        self.window.AddRenderer(self.renderer)
        # The managers want an interactor; the usual one would open an X display.
        interactor = vtkGenericRenderWindowInteractor()
        interactor.SetRenderWindow(self.window)

        # What vtkMRMLDisplayableManagerGroup::Initialize does, less Slicer's factory: there is one
        # for the whole process and it knows one application logic, so that two scenes would get
        # into each other's way.
        vtkMapper.SetResolveCoincidentTopologyToPolygonOffset()
        self._manager_group = vtkMRMLDisplayableManagerGroup()
        self._manager_group.SetRenderer(self.renderer)
        for manager_class in displayable_managers:
            manager = manager_class()
            manager.SetMRMLApplicationLogic(application_logic)
            self._manager_group.AddDisplayableManager(manager)
        self._manager_group.SetMRMLDisplayableNode(view_node)
        view_node.SetMappedInLayout(True)

    def displayable_manager(
        self, manager_class: type[vtkMRMLAbstractDisplayableManager]
    ) -> vtkMRMLAbstractDisplayableManager:
        return self._manager_group.GetDisplayableManagerByClassName(manager_class.__name__)

    def picture(self) -> np.ndarray:
        """Draw the view now: uint8 RGB of shape (height, width, 3), the first row at the top."""
        if self._manager_group is None:
            raise RuntimeError(f"{self.view_node.GetID()} cannot be drawn: its view was closed")
        self.window.Render()
        width, height = self.window.GetSize()
        pixels = vtkUnsignedCharArray()
        self.window.GetPixelData(0, 0, width - 1, height - 1, 0, pixels, 0)
        return vtk_to_numpy(pixels).reshape(height, width, 3)[::-1].copy()

    def row_column(self, x: float, y: float) -> tuple[int, int]:
        """(row, column) in the picture of a position in the window, counted from its lower left."""
        return round(self.window.GetSize()[1] - 1 - y), round(x)

    def close(self) -> None:
        """Let go of the scene and of the graphics memory; the view cannot be used after this."""
        if self._manager_group is not None:
            self._manager_group.SetMRMLDisplayableNode(None)
            # Not only emptied but gone: vtkMRMLThreeDSliceEdgeDisplayableManager goes on observing
            # the slice nodes without a view node, and crashes when one of them changes.
            self._manager_group = None
            self.window.Finalize()
