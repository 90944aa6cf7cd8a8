"""``igtlmeta fetch``: images of a server as NRRD files."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

from .. import codec, net
from ..net.client.image_in_parts import get_image_in_parts
from ..net.client.image_notes import image_notes
from ..net.client.list_check import ListCheck
from ..net.client.listed_images import fits, is_same_entry
from ..net.list_metadata.notices import SEARCH
from ..net.list_metadata.whole_texts import with_whole_texts
from ..privacy.hidden_patients import is_identity
from ..system_errors import with_advice
from ..utf8 import utf8
from . import connection_options, output, search_options
from .list import doubled_ids, note_of
from .nrrd_file import file_paths, require_pynrrd, write_nrrd
from .output import complain, note
from .parser import CommandError, add_command, path_of, text_of

# What has fewer is there as soon as it would be in parts.
_MANY_VOXELS = 16 << 20

Listed = dict[str, list[codec.ImageMetaItem]]
"""What the list says, by id. Some servers give several images one id."""

_ABOUT = "Write images as NRRD files, and print their paths."


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers of ``igtlmeta``."""
    usage = (
        "HOST[:PORT] [--search KEYWORD=VALUE] (ID... | --all) -o DIR [--lps] "
        f"{connection_options.USAGE}"
    )
    parser = add_command(commands, "fetch", _ABOUT, fetch, usage, (net.NetworkError,))
    connection_options.add_connection_options(parser)
    connection_options.add_lps_option(parser)
    search_options.add_search_option(parser)
    ids = parser.add_argument(
        "ids", metavar="ID", nargs="+", type=text_of, help="the ID of an image, as list prints it"
    )
    ids.required = False  # there is none with --all
    parser.add_argument("--all", action="store_true", help="fetch all images that are listed")
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        type=path_of,
        required=True,
        help="the folder for the files ID.nrrd; it is created if it does not exist",
    )


def fetch(arguments: argparse.Namespace) -> int:
    """Run ``igtlmeta fetch``."""
    if bool(arguments.ids) == arguments.all:
        arguments.usage_error("give the IDs of images, or --all")
    require_pynrrd()
    folder: Path = arguments.output
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = with_advice(error, "choose another with -o")
        return complain(f"cannot create the folder {str(folder)!r}: {reason}")
    with connection_options.open_client(arguments) as client:
        search = dict(arguments.search)
        images = _ListedImages(client, search, is_needed=arguments.all or bool(search))
        if arguments.all and images.message is not None:
            note_of(client, images.message)
        listed = images.listed
        ids, failures = ([*listed], []) if arguments.all else _listed_ids(arguments.ids, listed)
        # Any image would be an answer to a query without a name, be it that of a stream.
        if "" in ids:
            failures.append(complain("an image without an ID cannot be fetched"))
        for image_id, path in file_paths(folder, filter(None, ids)).items():
            failures.append(_fetch_image(images, image_id, path))
    if not listed and arguments.all:
        note(f"{client.address} offers no images")
    return max(failures, default=0)


class _ListedImages:
    """The images of a server, and its list, which is read again if an image contradicts it.

    ``search`` is what the list is searched for. ``message`` is the list as it came, None if it did
    not. Raises ``NetworkError`` if it is needed, and does not come, or the server does not search.
    """

    def __init__(self, client: net.Client, search: Mapping[str, str], is_needed: bool) -> None:
        self.client = client
        self._search = search
        self._check = ListCheck()
        self._read_list(is_needed)

    def _read_list(self, is_needed: bool) -> None:
        self.listed: Listed = {}
        self.message = _list_images(self.client, self._search, is_needed)
        for item in () if self.message is None else with_whole_texts(self.message):
            self.listed.setdefault(item.id, []).append(item)
        self._connection = self.client.connections

    def entries(self, image_id: str) -> Sequence[codec.ImageMetaItem]:
        """Return what the list says of an id."""
        return self.listed.get(image_id, [])

    def get(self, image_id: str, label: str) -> codec.ImageMessage:
        """Return an image that is as listed, as far as the list can be believed (``list_check``).

        Raises ``NetworkError``.
        """
        image = self._ask(image_id, label)
        if not self._is_list_confirmed(image_id):
            del image
            note(f"{label}: the list has changed since it was read, and was read again")
            image = self._ask(image_id, label)
        if not self._check.must_ask_again(image_id, image, self.entries(image_id)):
            return image
        del image  # two of them may not fit into the memory
        self._read_list(is_needed=True)
        image = self._ask(image_id, label)
        self._check.must_ask_again(image_id, image, self.entries(image_id))
        if any(fits(image, entry) for entry in self.entries(image_id)):
            note(f"{label}: the list has changed since it was read, and was read again")
        return image

    def _is_list_confirmed(self, image_id: str) -> bool:
        """Whether an image and what the list says of it come from one server.

        After its connection was lost it may have been started again, for the next patient, or for
        the same one with other images.
        """
        before = self.entries(image_id)
        if self._connection == self.client.connections or not before:
            return True
        self._read_list(is_needed=True)
        now = self.entries(image_id)
        return len(before) == len(now) and all(map(is_same_entry, before, now))

    def _ask(self, image_id: str, label: str) -> codec.ImageMessage:
        try:
            return self._ask_once(image_id, label)
        except net.RefusedError:
            # What a search has found, another server in its place need not know.
            if not self._search or self._connection == self.client.connections:
                raise
            self._read_list(is_needed=True)
            return self._ask_once(image_id, label)

    def _ask_once(self, image_id: str, label: str) -> codec.ImageMessage:
        with output.progress_bar(label) as show:
            if self._comes_in_parts(image_id):
                try:
                    return get_image_in_parts(self.client, image_id, show, _note_of_loss(label))
                except (net.AnswerError, net.RefusedError):  # it may well send the whole image
                    pass
            return self.client.get_image(image_id, show, output.preparing_note(label))

    def _comes_in_parts(self, image_id: str) -> bool:
        """Whether an image may be large enough for parts to be of use, and the server has them.

        Of one whose size is not known, an archive may send the first slices before it has the last.
        """
        entries = self.entries(image_id)
        if len(entries) != 1 or 0 < prod(entries[0].size) < _MANY_VOXELS:
            return False
        self.client.find_capability()
        return bool(self.client.offers_parts)


def _note_of_loss(label: str) -> Callable[[net.NetworkError], None]:
    return lambda error: note(f"{label}: {error}; going on where it stopped")


def _fetch_image(images: _ListedImages, image_id: str, path: Path) -> int:
    """Write one image; return 1 if it cannot be had or written, or it is not known which it is."""
    label = output.escaped(image_id)
    try:
        image = images.get(image_id, label)
        entries = images.entries(image_id)
        entry = _entry_of(image, entries)
        notes = image_notes(image_id, entry or next(iter(entries), None), image)
        write_nrrd(path, image, _texts(image_id, entry, image))
    except (net.NetworkError, codec.CodecError, CommandError) as error:
        return complain(error, label)
    except MemoryError:  # pynrrd copies what it writes
        return complain("no memory to write it; close other programs", label)
    output.print_path(path)
    for text in notes:
        note(f"{label}: {text}")
    return max((complain(text) for text in doubled_ids(entries, entry)), default=0)


def _list_images(
    client: net.Client, search: Mapping[str, str], is_needed: bool
) -> codec.ImageMetaMessage | None:
    """Return the server's list; None if it is not needed and does not come."""
    try:
        message = client.get_list(preparing=output.preparing_note("the list"), attributes=search)
        # These would be all of its images; where there are none, it is not known.
        if search and message.items and SEARCH not in message.metadata:
            raise net.NetworkError(f"{client.address} does not search; fetch without --search")
        return message
    except net.ConnectionFailedError:
        raise
    except net.NetworkError:
        # Then the files lack names. If more is wrong, the images' own answers will say it.
        if is_needed:
            raise
        return None


def _listed_ids(texts: Iterable[str], listed: Listed) -> tuple[list[str], list[int]]:
    """Return the ids that somebody means, and an exit code for each text that may mean several."""
    ids, failures = [], []
    for text in texts:
        meant = _meant(text, listed)
        if len(meant) < 2:
            ids.append(meant[0] if meant else text)
            continue
        names = ", ".join(repr(output.escaped(image_id)) for image_id in meant)
        note(f"{text!r} may be {names}: write one of them, spaces included")
        failures.append(1)
    return ids, failures


def _meant(text: str, listed: Listed) -> list[str]:
    """Return the listed ids that JSON or the table shows as ``text``.

    Nobody sees the spaces with which some servers pad ids to the end of the field.
    """
    if text in listed:
        return [text]
    shown = {id_: (utf8(id_), output.escaped(id_)) for id_ in listed}
    meant = [image_id for image_id, forms in shown.items() if text in forms]
    if meant:
        return meant
    stripped = text.strip()
    return [id_ for id_, forms in shown.items() if stripped in (form.strip() for form in forms)]


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
