"""``igtlmeta fetch``: images of a server as NRRD files."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .. import codec, net
from ..net.image_notes import image_notes
from ..net.listed_images import fits
from ..privacy.hidden_patients import is_identity
from . import output, server_options
from .list import doubled_ids
from .nrrd_file import NrrdError, file_paths, require_pynrrd, write_nrrd
from .output import complain, note
from .parser import add_command

Listed = dict[str, list[codec.ImageMetaItem]]
"""What the list says, by id. Some servers give several images one id."""


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers of ``igtlmeta``."""
    usage = f"HOST[:PORT] (ID... | --all) -o DIR [--lps] {server_options.USAGE}"
    parser = add_command(commands, "fetch", fetch, usage, server_options.ERRORS)
    server_options.add_server_options(parser)
    server_options.add_lps_option(parser)
    ids = parser.add_argument("ids", metavar="ID", nargs="+", help="an ID, as list shows it")
    ids.required = False  # there is none with --all
    parser.add_argument("--all", action="store_true", help="fetch all images that are listed")
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        type=Path,
        required=True,
        help="the folder for the files ID.nrrd; it is made if it does not exist",
    )


def fetch(arguments: argparse.Namespace) -> int:
    """Write images as NRRD files, and print their paths."""
    if bool(arguments.ids) == arguments.all:
        arguments.usage_error("name the IDs of images, or say --all for all of them")
    require_pynrrd()
    folder: Path = arguments.output
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return complain(f"no folder {str(folder)!r}: {error.strerror}; choose another with -o")
    with server_options.open_client(arguments) as client:
        items = _list_images(client, is_needed=arguments.all)
        listed: Listed = {}
        for item in items:
            listed.setdefault(item.id, []).append(item)
        ids = listed if arguments.all else [_listed_id(text, listed) for text in arguments.ids]
        failures = [complain(text) for text in doubled_ids([x for x in items if x.id in ids])]
        # Any image would be an answer to a query without a name, be it that of a stream.
        if "" in ids:
            failures.append(complain("an image without an ID cannot be fetched"))
        for image_id, path in file_paths(folder, filter(None, ids)).items():
            failures.append(_fetch_image(client, image_id, path, listed.get(image_id, [])))
    if not items and arguments.all:
        note(f"{client.address} offers no images")
    return max(failures, default=0)


def _fetch_image(
    client: net.Client, image_id: str, path: Path, entries: Sequence[codec.ImageMetaItem]
) -> int:
    """Write one image; return 1 if it cannot be had or written."""
    label = output.escaped(image_id)
    try:
        with output.progress_bar(label) as show:
            image = client.get_image(image_id, show)
        entry = _entry_of(image, entries)
        notes = image_notes(image_id, entry or next(iter(entries), None), image)
        write_nrrd(path, image, _texts(image_id, entry, image), client.settings.coordinates)
    except (net.NetworkError, codec.CodecError, NrrdError) as error:
        return complain(f"{label}: {error}")
    print(path, flush=True)
    for text in notes:
        note(f"{label}: {text}")
    return 0


def _list_images(client: net.Client, is_needed: bool) -> Sequence[codec.ImageMetaItem]:
    """Return the server's list; an empty one if it is not needed and does not come."""
    try:
        return client.list_images()
    except net.ConnectionFailedError:
        raise
    except net.NetworkError:
        # Then the files lack names. If more is wrong, the images' own answers will say it.
        if is_needed:
            raise
        return []


def _listed_id(text: str, listed: Iterable[str]) -> str:
    """Return the listed id that somebody means who wrote it as JSON or the table shows it.

    Nobody sees the spaces with which some servers pad ids to the end of the field.
    """
    if text in listed:
        return text

    def is_shown_so(image_id: str) -> bool:
        shown = (output.utf8(image_id), output.escaped(image_id))
        return text in shown or text.strip() in [other.strip() for other in shown]

    return next(filter(is_shown_so, listed), text)


def _entry_of(
    image: codec.ImageMessage, entries: Sequence[codec.ImageMetaItem]
) -> codec.ImageMetaItem | None:
    """Return the entry of an image; None if it could be that of several with one id."""
    if len(entries) == 1:
        return entries[0]
    fitting = [entry for entry in entries if fits(image, entry)]
    return fitting[0] if len(fitting) == 1 else None


def _texts(
    image_id: str, entry: codec.ImageMetaItem | None, image: codec.ImageMessage
) -> dict[str, str]:
    """Return what a file says of its image. Not who the patient is: files get passed on."""
    metadata = {key: text for key, text in image.metadata.items() if not is_identity(key)}
    texts = {"id": image_id, "timestamp": output.iso_time(image.timestamp) or ""}
    if entry is not None:
        time = output.iso_time(entry.scan_time) or ""
        texts |= {"name": entry.name, "modality": entry.modality, "scan_time": time}
    return metadata | {key: codec.readable(text) for key, text in texts.items()}
