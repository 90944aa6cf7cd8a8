"""What a server says of a list as a whole, and of the documents that it was read from."""

from __future__ import annotations

from collections.abc import Mapping

from ... import codec
from .size import first_of

# By which attributes one can search, and what is to be known.
SEARCH, NOTICE = "Search", "Notice"
# And of trajectories: the documents that they are in, a value for each.
DOCUMENTS = "SOPInstanceUID"


def documents_of_items(message: codec.TrajectoryMessage) -> list[str]:
    """Return the UIDs of the documents of its trajectories, one for each; or nothing."""
    uids = message.metadata.get(DOCUMENTS, "").split("\\")
    return uids if len(uids) == len(message.items) else []


def notices_of_documents(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return what one of our servers says of the documents of its trajectories, by their UIDs."""
    end = f"/{NOTICE}"
    return {key.removesuffix(end): text for key, text in metadata.items() if key.endswith(end)}


def notice_of_list(metadata: Mapping[str, str]) -> str:
    """Return what one of our servers says of a list as a whole, or an empty text."""
    return metadata.get(NOTICE, "")


def document_notices(notices: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata by which ``notices_of_documents`` are told."""
    return first_of({f"{uid}/{NOTICE}": text for uid, text in notices.items()})
