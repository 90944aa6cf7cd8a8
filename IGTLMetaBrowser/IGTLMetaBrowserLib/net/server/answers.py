"""What a source answers to each query; and how a query is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ... import codec
from ..list_metadata.identity import (
    SERVER,
    WITHOUT_ITEMS,
    is_own_server,
    is_without_items,
    names_itself,
)
from ..list_metadata.image_sequences import sequence_texts
from ..list_metadata.notices import DOCUMENTS, NOTICE, SEARCH, document_notices
from ..list_metadata.patient_issuers import issuer_texts
from ..list_metadata.size import first_of
from ..source import (
    AsksElsewhere,
    OffersColorTables,
    OffersDocuments,
    OffersLabelMaps,
    OffersMetadata,
    OffersPoints,
    OffersSearch,
    OffersStreams,
    Source,
    TellsOfMissing,
)
from .named_items import ListedItem, NamedItems

# With quotes anything that has a slash; without, what begins as an absolute path does.
_QUOTED_PATH = re.compile(r"""(['"])[^'"]*[/\\]([^'"/\\]*)\1""")
_PATH = re.compile(r"""(?<![\w/\\.:])(?:[A-Za-z]:[/\\]|[/~\\])[^\s'",;()]+""")


def require_lists(source: Source, query: codec.QueryMessage, since: float) -> None:
    """Have a source use no older lists for a query that came ``since``.

    Unless that is for an image which is known, or for what else is known of the last list.
    """
    if isinstance(source, AsksElsewhere):
        name = "" if query.full_data_type == "TRAJ" else query.device_name
        source.require_lists_since(0.0 if is_without_items(query) else since, name)


def answer(source: Source, query: codec.QueryMessage, named: NamedItems) -> codec.Message | None:
    """Return the answer to a query, or None if the source does not know such a query.

    Asked again after ``NotReadyError``, ``named`` goes on where it was.

    Raises what the source raises (``SourceError``, ``NotReadyError``).
    """
    if not isinstance(query, codec.GetMessage):
        return None
    name, data_type = query.device_name, query.full_data_type
    if data_type == "IMGMETA":
        return _listing(source, query, named)
    if data_type == "IMAGE":
        return source.image(name)
    if data_type == "TRAJ":
        return _trajectories(source, query)
    if data_type == "LBMETA" and isinstance(source, OffersLabelMaps):
        items = _meant(source.label_maps(), name, named)
        return codec.LabelMetaMessage(items=items, metadata=_notice_of_missing(source, query))
    if data_type in ("COLORT", "COLORTABLE") and isinstance(source, OffersColorTables):
        return source.color_table(name)
    if data_type == "POINT" and isinstance(source, OffersPoints):
        return codec.PointMessage(items=source.points())
    if data_type == "STATUS":
        return codec.StatusMessage(message="ready")
    if data_type == "CAPABILITY":
        return codec.CapabilityMessage(capabilities(source))
    return None


def capabilities(source: Source) -> list[str]:
    """Return the names of the messages that a server of this source sends and answers."""
    types = ["IMGMETA", "IMAGE", "TRAJ", "STATUS", "CAPABILITY"]
    types += ["IMGPART", "IMGTHUMB"]
    types += ["LBMETA"] if isinstance(source, OffersLabelMaps) else []
    types += ["COLORT"] if isinstance(source, OffersColorTables) else []
    types += ["POINT"] if isinstance(source, OffersPoints) else []
    queries = [codec.GetMessage(name).type_name for name in types]
    queries += ["STT_IMAGE", "STP_IMAGE"] if isinstance(source, OffersStreams) else []
    return [*types, *queries]


def refusal_messages(
    query: codec.QueryMessage, code: codec.StatusCode, words: str
) -> tuple[codec.Message, codec.Message]:
    """Return what tells a client that its query is not answered, and why.

    The words in a STATUS; then, as the protocol has it, RTS_ with an error (``query.md``).
    """
    status = codec.StatusMessage(
        code=code, error_name=code.name[:20], message=one_line(without_paths(words))
    )
    returned = codec.ReturnMessage(query.data_type, b"\1")
    return addressed(status, query), addressed(returned, query)


def addressed(message: codec.Message, query: codec.QueryMessage) -> codec.Message:
    """Return a message under the name and in the header version of the query it answers."""
    return replace(
        message,
        device_name=query.device_name,
        header_version=query.header_version,
        message_id=query.message_id,
        metadata=message.metadata if query.header_version > 1 else {},
    )


def without_paths(words: str) -> str:
    """Return words as strangers may read them: of a path, only what it ends with is left."""
    words = _QUOTED_PATH.sub(lambda match: f"{match[1]}{match[2]}{match[1]}", words)
    return _PATH.sub(lambda match: re.split(r"[/\\\\]", match[0])[-1], words)


def one_line(words: str) -> str:
    """Return a text as a log or a peer can show it, whatever is in it."""
    return codec.printable(" ".join(words.split()))


def _trajectories(source: Source, query: codec.QueryMessage) -> codec.TrajectoryMessage:
    """Return the trajectories; to clients that name themselves, with their documents (PS3.5 6.4).

    And with what is to be known of a document, under ``UID/Notice``.

    The C++ library would take metadata for more trajectories, see ``whole_texts``.
    """
    items = source.trajectories()
    metadata = {}
    if names_itself(query) and isinstance(source, OffersDocuments) and len(items) > 0:
        uids, notices = source.documents_of_trajectories(), source.notices_of_documents()
        metadata = {DOCUMENTS: "\\".join(uids)} if uids else {}
        metadata |= document_notices(notices)
    metadata |= _notice_of_missing(source, query)
    return codec.TrajectoryMessage(items=items, metadata=metadata)


def _notice_of_missing(source: Source, query: codec.QueryMessage) -> dict[str, str]:
    """Return what to tell who can read it of what is not in a list that has just been made."""
    if not names_itself(query) or not isinstance(source, TellsOfMissing):
        return {}
    words = source.notice_of_missing(query.full_data_type)
    return {NOTICE: words} if words else {}


def _listing(
    source: Source, query: codec.QueryMessage, named: NamedItems
) -> codec.ImageMetaMessage:
    """Return the list of images; with the one that is asked for by its id comes its metadata."""
    name = query.device_name
    found, words = _found(source, query)
    items = _meant(found, name, named)
    metadata: Mapping[str, str] = {}
    if len(items) == 1 and items[0].id == name and isinstance(source, OffersMetadata):
        metadata = source.metadata(name)
    elif not name and names_itself(query):
        metadata = SERVER | words | (WITHOUT_ITEMS if is_without_items(query) else {})
    return codec.ImageMetaMessage(items=items, metadata=metadata)


def metadata_of_list(
    message: codec.Message, whole_texts: Mapping[str, str], source: Source
) -> Mapping[str, str]:
    """Return the metadata of a list, with what only clients that name themselves are told."""
    if not is_own_server(message):
        return message.metadata
    texts = {**issuer_texts(source), **whole_texts, **sequence_texts(source)}
    return message.metadata | first_of(texts)


def _found(
    source: Source, query: codec.QueryMessage
) -> tuple[Sequence[codec.ImageMetaItem], dict[str, str]]:
    """Return the list that a query asks for by its metadata, and what is said of it.

    ``Search`` tells that, and by which attributes, one can search; ``Notice`` that there is more.
    """
    if not isinstance(source, OffersSearch):
        return source.images(), {}
    keywords = source.search_keywords
    items, notice = source.search({k: v for k, v in query.metadata.items() if k in keywords})
    words = {SEARCH: " ".join(keywords), NOTICE: notice}
    return items, {key: text for key, text in words.items() if text}


def _meant(items: Sequence[ListedItem], name: str, named: NamedItems) -> Sequence[ListedItem]:
    """Return what is listed under the id ``name``, or all.

    Clients put their own name there, too: what is no id asks for the whole list.
    """
    return (named.find(items, name) if name else ()) or items
