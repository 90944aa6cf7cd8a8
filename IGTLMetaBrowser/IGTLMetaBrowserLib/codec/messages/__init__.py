"""One file a message family; each registers its types.

``base`` has what all messages share and the registry, ``items`` what lists of items share. Types
that most programs never meet are imported with the first message of theirs: see ``families``.
"""

from . import image, image_meta, query, status, trajectory, transform, unknown

__all__ = ["image", "image_meta", "query", "status", "trajectory", "transform", "unknown"]
