"""By what a client and a server of this project know each other.

From a list with metadata the C++ library reads items that are none (it divides the whole body by
the size of an item): only a client that has said who it is gets one.
"""

from __future__ import annotations

from ... import codec

CLIENT = {"Client": "IGTLMetaBrowser"}
SERVER = {"Server": "IGTLMetaBrowser"}
# With this, a client that has the items asks for the rest; an answer that has it has no items.
WITHOUT_ITEMS = {"Items": "left out"}


def names_itself(query: codec.Message) -> bool:
    """Whether a query says which client it is of: that can read a list with metadata."""
    return query.metadata.keys() >= CLIENT.keys()


def is_own_server(message: codec.Message) -> bool:
    """Whether a list comes from this project's server."""
    return message.metadata.items() >= SERVER.items()


def is_without_items(message: codec.Message) -> bool:
    """Whether the items are left out: of a query, or of its answer."""
    return message.metadata.items() >= WITHOUT_ITEMS.items()
