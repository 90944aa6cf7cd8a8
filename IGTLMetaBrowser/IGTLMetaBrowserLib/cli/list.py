"""``igtlmeta list``: what images a server offers."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .. import codec, net
from ..net.list_metadata.identity import is_own_server
from ..net.list_metadata.notices import NOTICE, SEARCH
from ..net.list_metadata.whole_texts import with_whole_texts
from ..utf8 import utf8
from . import connection_options, output, search_options
from .output import note
from .parser import add_command

# Each is a query of its own.
_MOST_WITH_METADATA = 1000

_ABOUT = "List the images that a server offers."
_SEVERAL_LISTS = (
    "{address} sends several lists of images, and nothing tells which is its answer: "
    "this is the longest"
)


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers of ``igtlmeta``."""
    usage = f"HOST[:PORT] [--search KEYWORD=VALUE] [--json] {connection_options.USAGE}"
    parser = add_command(commands, "list", _ABOUT, list_images, usage, (net.NetworkError,))
    connection_options.add_connection_options(parser)
    connection_options.add_json_option(parser)
    search_options.add_search_option(parser)


def list_images(arguments: argparse.Namespace) -> int:
    """Run ``igtlmeta list``."""
    with connection_options.open_client(arguments) as client:
        preparing = output.preparing_note("the list")
        message = client.get_list(preparing=preparing, attributes=dict(arguments.search))
        if arguments.search and message.items and SEARCH not in message.metadata:
            note(f"{client.address} does not search: these are all of its images")
        note_of(client, message)
        items = with_whole_texts(message)
        if arguments.json:
            can_have_metadata = is_own_server(message)
            plain = map(output.image_object, items)
            output.print_json(_objects(client, items) if can_have_metadata else plain)
            return 0
    if items:
        output.print_images(items)
    else:
        is_searched = arguments.search and SEARCH in message.metadata
        note(f"{client.address} offers no images{' that match' if is_searched else ''}")
    for text in doubled_ids(items):
        note(text)
    return 0


def note_of(client: net.Client, message: codec.ImageMetaMessage) -> None:
    """Say on stderr what there is to know of a list, such as that there are more images."""
    if client.is_list_in_doubt:
        note(_SEVERAL_LISTS.format(address=client.address))
    if message.metadata.get(NOTICE):
        note(codec.printable(message.metadata[NOTICE]))


def doubled_ids(
    items: Sequence[codec.ImageMetaItem], came: codec.ImageMetaItem | None = None
) -> list[str]:
    """Return in words which images cannot be fetched, as others have the same id.

    ``came`` is the one that was fetched, if its size or type says which it is. Some servers cut ids
    to the 20 bytes of the field (IbisNeuronav/Ibis#311).
    """
    same_id: dict[str, list[codec.ImageMetaItem]] = {}
    doubled_ones = _ids_that_come_twice(items)
    for item in items if doubled_ones else ():
        if item.id in doubled_ones:
            same_id.setdefault(item.id, []).append(item)
    return [_doubled_id(image_id, doubled, came) for image_id, doubled in same_id.items()]


def _ids_that_come_twice(items: Sequence[codec.ImageMetaItem]) -> set[str]:
    """Return these ids; of a million items only the hashes are kept meanwhile."""
    hashes = np.fromiter((hash(item.id) for item in items), np.int64, len(items))
    hashes.sort()
    twice = set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
    if not twice:
        return set()
    counts = Counter(item.id for item in items if hash(item.id) in twice)
    return {image_id for image_id, count in counts.items() if count > 1}


def _doubled_id(
    image_id: str, doubled: Sequence[codec.ImageMetaItem], came: codec.ImageMetaItem | None
) -> str:
    names = ", ".join(repr(codec.printable(item.name)) for item in doubled if item is not came)
    gives = f"the server gives the ID {output.escaped(image_id)!r} to"
    if came is not None:
        return f"{names} cannot be fetched: {gives} {codec.printable(came.name)!r} as well"
    return f"{gives} {names}: only one of them can be fetched, and it does not say which"


def _objects(client: net.Client, items: Sequence[codec.ImageMetaItem]) -> Iterator[dict[str, Any]]:
    """Yield the images with what else the server knows of each."""
    if len(items) > _MOST_WITH_METADATA:
        note(f"metadata is printed only for the first {_MOST_WITH_METADATA} images")
    left = _MOST_WITH_METADATA
    for item in items:
        fields = output.image_object(item)
        metadata: Mapping[str, str] = {}
        try:
            metadata = _metadata(client, item.id) if left > 0 else {}
            left -= 1
        except net.RefusedError as error:
            # It was perhaps withdrawn meanwhile; the list is there all the same.
            note(f"{output.escaped(item.id)}: {output.error_text(error)}")
        except net.NetworkError as error:
            # So it would be for each of the others, after the time-out.
            note(f"no more metadata: {output.error_text(error)}")
            left = 0
        if metadata:
            fields["metadata"] = {
                utf8(key): output.json_value(value) for key, value in metadata.items()
            }
        yield fields


def _metadata(client: net.Client, image_id: str) -> Mapping[str, str]:
    if not image_id:
        return {}
    message = client.get_list(image_id)
    is_of_this_image = [item.id for item in message.items] == [image_id]
    return message.metadata if is_of_this_image else {}
