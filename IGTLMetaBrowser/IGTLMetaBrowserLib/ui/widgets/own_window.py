"""A window of the window system for a widget, so that what changes in it is drawn alone."""

from __future__ import annotations

import qt
import slicer


def drawAlone(widget):
    """Draw what changes in a widget without drawing the rest of Slicer's window.

    Qt puts a window that has OpenGL views in it together anew for any change of any widget in it
    (``QWidgetRepaintManager::flush``, ``QPlatformBackingStore::composeAndFlush``): 25 ms for the
    main window in software. Only a widget with a window of its own is drawn into that alone. For
    the user nothing else changes: it stays where it is, without a frame.
    """
    # Tried with X11 only; other window systems treat windows within windows in other ways.
    if slicer.app.platformName != "xcb":
        return
    # Through what is not opaque, the window below would have to be drawn.
    widget.autoFillBackground = True
    # The widgets around it get windows as well, up to the main window. With
    # WA_DontCreateNativeAncestors, Qt neither moves its window nor cuts it off when it is scrolled.
    widget.setAttribute(qt.Qt.WA_NativeWindow)
