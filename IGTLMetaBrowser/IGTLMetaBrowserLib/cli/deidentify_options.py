"""The options of ``igtlmeta serve`` that take identities out of what is served."""

from __future__ import annotations

import argparse
import logging
import secrets
from functools import partial
from pathlib import Path

from .. import net
from ..privacy.deidentified_source import DeidentifiedSource
from ..privacy.redacted_log import OwnWordsOnly
from ..regular_file import read_small_or_pipe
from ..system_errors import why_not_read
from .output import note, note_if_others_may_read
from .parser import path_of
from .serving import when_ready

# 128 bits. A short key could be found by trying all, and with it who is behind a pseudonym.
_SHORTEST_KEY = 16


def add_deidentify_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    group = parser.add_argument_group(
        "de-identification",
        "Follows the Basic Profile of DICOM PS3.15 Annex E. Pixels are not changed.",
    )
    group.add_argument(
        "--deidentify",
        action="store_true",
        help="send pseudonyms instead of names and IDs, no dates, and no texts",
    )
    group.add_argument(
        "--deidentify-key",
        metavar="FILE",
        type=path_of,
        help="a secret, for the same pseudonyms each time (without: others at each start)",
    )
    group.add_argument(
        "--allow-annotated",
        action="store_true",
        help="also send images that may show names, such as ultrasound and screenshots",
    )


def keep_names_out_of_log(arguments: argparse.Namespace) -> None:
    """Log no more than sentences of our own if the arguments want it, from before files are read.

    Names of files can be those of patients, and so can be what is wrong in them.
    """
    for handler in logging.getLogger().handlers if arguments.deidentify else ():
        handler.addFilter(OwnWordsOnly())


def deidentify_key(arguments: argparse.Namespace) -> bytes | None:
    """Return the secret that pseudonyms are made with; None if the arguments want none.

    It is read before the files of a folder are. Raises ``SourceError``.
    """
    if not arguments.deidentify:
        if arguments.deidentify_key or arguments.allow_annotated:
            arguments.usage_error("--deidentify-key and --allow-annotated require --deidentify")
        return None
    path: Path | None = arguments.deidentify_key
    return secrets.token_bytes(32) if path is None else _read_key(path)


def deidentified(
    source: net.Source, key: bytes, allow_annotated: bool, seconds_a_turn: float
) -> net.Source:
    """Return the source without identities. Raises ``SourceError``."""
    # Which asks for a list: a folder that was opened seconds ago is looked at again.
    changed = when_ready(partial(DeidentifiedSource, source, key, allow_annotated, seconds_a_turn))
    if changed.withheld_count:
        note(
            f"{changed.withheld_count} images are not offered, because their pixels may show "
            "names; see --allow-annotated"
        )
    return changed


def _read_key(path: Path) -> bytes:
    try:
        key = read_small_or_pipe(path)
    except OSError as error:
        raise net.SourceError(why_not_read(error, path, "the key")) from None
    if len(key) < _SHORTEST_KEY:
        raise net.SourceError(
            f"the key {str(path)!r} has {len(key)} bytes, which can be guessed; {_SHORTEST_KEY} or "
            "more are needed: head -c 32 /dev/urandom > FILE"
        )
    note_if_others_may_read(path)
    return key
