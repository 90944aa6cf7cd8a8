"""What ``Client.step`` returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ... import codec
from ..errors import NetworkError
from .query import Query


@dataclass(frozen=True)
class Connected:
    """The connection stands."""


@dataclass(frozen=True)
class Disconnected:
    """The connection failed or ended, and why."""

    error: NetworkError


@dataclass(frozen=True)
class Finished:
    """A query has its answer or its error."""

    query: Query


@dataclass(frozen=True)
class Unsolicited:
    """A message that nobody asked for, or why it could not be read.

    ``is_behind_list``: it came behind the list of images, which is kept back meanwhile, see
    ``header_versions``.
    """

    message: codec.Message | codec.Rejected
    is_behind_list: bool = False


@dataclass(frozen=True)
class CapabilityKnown:
    """The server has said which types it knows, or that it does not say; once a connection."""

    types: frozenset[str]


ClientEvent = CapabilityKnown | Connected | Disconnected | Finished | Unsolicited


def failed_with(error: NetworkError, queries: Sequence[Query]) -> list[ClientEvent]:
    """Let queries fail with an error; return that they have."""
    for query in queries:
        query.error = error
    return [Finished(query) for query in queries]
