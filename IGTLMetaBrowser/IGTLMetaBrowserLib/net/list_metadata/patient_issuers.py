"""Who has given the IDs of patients, where one ID in a list is of several issuers.

IMGMETA has no field for it. Between our own client and server it is in the metadata of the list,
under ``ID/IssuerOfPatientID``, ID being that of the image.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

_FIELD = "/IssuerOfPatientID"


@runtime_checkable
class OffersIssuers(Protocol):
    """A source that knows who has given the IDs of patients."""

    def issuers(self) -> Mapping[str, str]:
        """Return the issuer by the id of each image whose patient's ID several have given."""
        ...


def issuer_texts(source: object) -> dict[str, str]:
    """Return what the metadata of a list say of the issuers that a source knows."""
    if not isinstance(source, OffersIssuers):
        return {}
    return {f"{image_id}{_FIELD}": issuer for image_id, issuer in source.issuers().items()}


def read_issuers(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the issuers that the metadata of a list name, by the ids of images."""
    named = ((key, text) for key, text in metadata.items() if key.endswith(_FIELD))
    return {key.removesuffix(_FIELD): text for key, text in named if text}
