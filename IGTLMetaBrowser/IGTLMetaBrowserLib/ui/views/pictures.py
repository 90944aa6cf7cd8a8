"""Slices as pictures of Qt."""

from __future__ import annotations

import qt

# By the number of components: gray and RGB (netpbm.sourceforge.net, "pgm", "ppm").
_KINDS = {2: b"P5", 3: b"P6"}


def pixmap(plane, width, height, devicePixelRatio=1.0):
    """Return a ``codec.ThumbnailPlane`` as a QPixmap that fits into a box and fills it.

    ``width`` and ``height`` are those of the box in Qt's pixels, of which each has
    ``devicePixelRatio`` dots a side. Its pixels need not be square, those of the picture are.
    """
    rows, columns = plane.pixels.shape[:2]
    wide, high = columns * plane.pixel_size[0], rows * plane.pixel_size[1]
    scale = devicePixelRatio * min(width / wide, height / high)
    size = max(1, round(scale * wide)), max(1, round(scale * high))
    picture = _image(plane.pixels).scaled(
        *size, qt.Qt.IgnoreAspectRatio, qt.Qt.SmoothTransformation
    )
    result = qt.QPixmap.fromImage(picture)
    result.setDevicePixelRatio(devicePixelRatio)
    return result


def _image(pixels):
    rows, columns = pixels.shape[:2]
    # A QImage over the bytes of Python does not keep them alive, and PythonQt has none with a
    # stride; Qt's reader of the simplest of all formats copies them, in 15 µs (128 × 128).
    header = b"%s\n%d %d\n255\n" % (_KINDS[pixels.ndim], columns, rows)
    image = qt.QImage()
    image.loadFromData(qt.QByteArray(header + pixels.tobytes()))
    return image
