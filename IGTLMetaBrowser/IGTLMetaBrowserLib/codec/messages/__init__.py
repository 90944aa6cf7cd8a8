"""One file a message family; each registers its types, and ``families`` says where to find them.

``base`` has what all messages share and the registry, ``items`` what lists of items share.
"""
