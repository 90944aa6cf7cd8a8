"""Images of labels, shown as they come."""

from __future__ import annotations

from typing import Any

from IGTLMetaBrowserLib.codec import ImageMessage
from IGTLMetaBrowserLib.scene.label_maps.label_maps import (
    ListedLabelMap,
    read_labels,
    show_label_map,
)
from IGTLMetaBrowserLib.turns import at_once


def read_and_show(
    scene: Any, image: ImageMessage, label_map: ListedLabelMap, node: Any = None
) -> Any:
    """Return the label map volume of an image, which ``node`` showed before."""
    return show_label_map(scene, image, label_map, at_once(read_labels(image)), node)
