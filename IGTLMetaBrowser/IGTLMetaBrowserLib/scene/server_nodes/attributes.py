"""Attributes that say from which server a node came, so that it is found again in a saved scene.

A scene file keeps nodes and attributes, but gives other node ids; what a session knows of its nodes
is gone with it. An image, a label map or a trajectory that comes again from the same server must
come into the node that shows it already.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...codec import Message, printable
from ...privacy.hidden_patients import is_uid, text_of_uid
from ..nodes.nodes_by_class import is_replaying, nodes_of_class, visible_nodes

SERVER_ATTRIBUTE = "IGTLMetaBrowser.Server"
"""Host and port, as the browser shows them."""
IMAGE_ID_ATTRIBUTE = "IGTLMetaBrowser.ImageId"
"""The id by which the server knows an image, see ``written_id``; covered if it names a patient who
is hidden, see ``covered_ids``."""
REGION_OF_ATTRIBUTE = "IGTLMetaBrowser.RegionOf"
"""Instead of that id, if a volume shows a part of the image only."""
KEY_ATTRIBUTE = "IGTLMetaBrowser.Key"
"""What tells markups of one server apart, and regions of one image, as JSON: names may hold any
character."""
TIMESTAMP_ATTRIBUTE = "IGTLMetaBrowser.Timestamp"
"""When the server says that the message was made (ISO 8601, UTC); not there if it does not say."""
IMAGE_CLASSES = ("vtkMRMLScalarVolumeNode", "vtkMRMLVectorVolumeNode")
"""Of nodes that show images, and parts of them; label maps have another one."""


def nodes_from_server(scene: Any, server: str, *class_names: str) -> Iterator[Any]:
    """Yield the nodes of exactly these classes that came from a server, in the scene's order."""
    for node in visible_nodes(scene, *class_names):
        if node.GetAttribute(SERVER_ATTRIBUTE) == server:
            yield node


def node_with(scene: Any, class_names: Sequence[str], attributes: Mapping[str, str]) -> Any:
    """Return the first node of exactly these classes with these attributes, or None.

    Whoever has brought it into the scene: another browser may have, which is closed meanwhile.
    """
    for class_name in class_names:
        for node in nodes_of_class(scene, class_name):
            texts = ((uncovered(node.GetAttribute(name)), attributes[name]) for name in attributes)
            is_wanted = all(text == wanted for text, wanted in texts)
            if is_wanted and node.GetClassName() == class_name and not is_replaying(scene, node):
                return node
    return None


def unless_released(node: Any) -> Any:
    """Return a node of an image, or None if there is none, or it became the user's.

    It has no id any more then, whichever browser has let it go: the others do so as well. That of
    a live image can be empty.
    """
    has_id = node is not None and node.GetAttribute(IMAGE_ID_ATTRIBUTE) is not None
    return node if has_id else None


def uncovered(text: str | None) -> str:
    """Return the text of an attribute, also if this process has covered it, see ``covered_ids``.

    An empty text if it has none, or if only another process knows it.
    """
    return (text_of_uid(text) if text and is_uid(text) else text) or ""


def written_id(image_id: str) -> str:
    """Return the id of an image as a scene file can hold it, see ``read_id``.

    As it is, if it can be shown; one with undecodable bytes or invisible characters as JSON, which
    is ASCII. In both forms, no two ids are the same text.
    """
    is_plain = printable(image_id) == image_id and not image_id.startswith('"')
    is_plain = is_plain and not is_uid(image_id)
    return image_id if is_plain else json.dumps(image_id)


def read_id(text: str | None) -> str:
    """Return the id of which an attribute has the text by ``written_id``, or that text."""
    text = uncovered(text)
    try:
        image_id = json.loads(text) if text.startswith('"') else ""
    except ValueError:
        image_id = ""
    return image_id if image_id and written_id(image_id) == text else text


def key_attributes(server: str, *parts: Any) -> dict[str, str]:
    """Return the attributes that say from where a node came and what tells it apart there."""
    key = {KEY_ATTRIBUTE: json.dumps(parts)}
    return {SERVER_ATTRIBUTE: server, **key} if server else key


def read_key(node: Any) -> Any:
    """Return the parts of ``key_attributes``, or what else stands there; None if it is no JSON."""
    try:
        return json.loads(uncovered(node.GetAttribute(KEY_ATTRIBUTE)))
    except ValueError:
        return None  # somebody has edited the scene file


def write_timestamp(node: Any, message: Message) -> None:
    """Write onto a node when its message was made."""
    moment = message.timestamp.to_datetime()
    text = None if moment is None else moment.isoformat(timespec="microseconds")
    node.SetAttribute(TIMESTAMP_ATTRIBUTE, text)
