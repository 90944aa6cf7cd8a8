"""Which messages a server knows beyond those that all know, as it says itself.

GET_CAPABIL is sent once a connection, in header version 1 and without a body, and only to a server
that has sent a list in header version 2 whose metadata say who it is, under "Server", and that has
answered something on this connection (see ``Session``). So all other peers notice nothing. A server
that does not answer, or refuses, has no extensions, and nobody is told of it.
"""

from __future__ import annotations

from ... import codec
from ..connection import Connection
from ..list_metadata.identity import SERVER
from .header_versions import ServerVersion

# As the C++ library cuts it.
_QUESTION = codec.GetMessage("CAPABIL")
_REFUSAL = "RTS_CAPABIL"


class CapabilityFinder:
    """Asks one server; ``types`` are those that it knows, None as long as it has not said so."""

    def __init__(self, server: ServerVersion, connection: Connection) -> None:
        self._server = server
        self._connection = connection
        self._has_asked = False
        # Whether nothing that was asked later has been answered: then an error is meant for it.
        self._is_next = True
        self.types: frozenset[str] | None = None

    @property
    def is_awaited(self) -> bool:
        """Whether the answer may still come."""
        return self._has_asked and self.types is None

    @property
    def may_be_asked(self) -> bool:
        """Whether the server has said who it is."""
        return bool(self._server.has_name)

    def on_message(self, event: codec.Message | codec.Rejected) -> None:
        """Note whether the server says who it is."""
        if isinstance(event, codec.ImageMetaMessage):
            has_name = event.metadata.keys() >= SERVER.keys()
            # In version 1, or with one image that was asked for by its id, it does not say so.
            says_nothing = event.header_version == 1 or bool(event.device_name)
            self._server.has_name = has_name or (says_nothing and bool(self._server.has_name))

    def ask(self) -> None:
        """Send the question, if it may be, and that was not done on this connection."""
        if self.may_be_asked and not self._has_asked:
            self._has_asked = True
            self._connection.send(_QUESTION)

    def is_answer(self, event: codec.Message | codec.Rejected) -> bool:
        """Whether a message answers the question, or refuses to; note what it says.

        Errors that name no query are those of this one, as long as nothing was answered since.
        """
        if not self.is_awaited:
            return False
        if isinstance(event, codec.CapabilityMessage):
            self.types = frozenset(event.types)
        elif _is_refusal(event, self._is_next):
            self.types = frozenset()
        return self.types is not None

    def on_other_answer(self) -> None:
        """Another query was answered: who answers in order will not answer this one any more."""
        self._is_next = self._is_next and not self._has_asked

    def offers(self, data_type: str) -> bool | None:
        """Whether the server answers queries for a type; None if that is not known."""
        if self.types is None:
            return None
        return {data_type, codec.GetMessage(data_type).type_name} <= self.types


def _is_refusal(event: codec.Message | codec.Rejected, is_next: bool) -> bool:
    if isinstance(event, codec.Rejected):
        return event.header.type_name == codec.CapabilityMessage.wire_type
    if event.type_name.startswith(_REFUSAL):
        return True
    if isinstance(event, codec.StatusMessage):
        return is_next and not event.device_name and event.is_error
    # So PlusServer says that it does not know a command.
    return is_next and isinstance(event, codec.RTSCommandMessage)
