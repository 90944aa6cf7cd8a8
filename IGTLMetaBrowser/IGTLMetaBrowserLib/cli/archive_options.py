"""The options of ``igtlmeta serve`` for an archive (PACS): where it is, what of it is listed."""

from __future__ import annotations

import argparse
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ..net.source import SourceError
from ..sources.archive.archive import (
    PASSWORD_VARIABLE,
    TOKEN_VARIABLE,
    Archive,
    ArchiveError,
    Query,
)
from ..sources.archive.dicomweb.dicomweb_archive import DicomWebArchive
from ..sources.archive.dicomweb.session import WebSettings
from ..sources.archive.dimse.dimse_archive import DimseArchive, DimseSettings, check_ae_title
from ..sources.archive.series.cache import SeriesCache
from ..sources.archive.source import MOST_ENTRIES, ArchiveSource
from .parser import modalities_of, path_of
from .search_options import attribute
from .serving_options import count_number, known_port, positive_number

_CACHE_MEGABYTES = 10_000
_SECONDS = 30.0


def add_archive_options(parser: argparse.ArgumentParser) -> None:
    """Add what names an archive, and what it is asked for."""
    group = parser.add_argument_group("archive (PACS)")
    add_address_options(group)
    group.add_argument(
        "--filter",
        metavar="KEYWORD=VALUE",
        type=attribute,
        action="append",
        default=[],
        help="list only what matches, such as PatientID=4711 or 'PatientName=Doe*'",
    )
    group.add_argument(
        "--days", metavar="N", type=positive_number, help="list only studies of the last N days"
    )
    group.add_argument(
        "--modality",
        metavar="CT,MR",
        type=modalities_of,
        default=[],
        help="list only these modalities (all)",
    )
    group.add_argument(
        "--most",
        metavar="N",
        type=count_number,
        default=MOST_ENTRIES,
        help="list at most this number of series (%(default)s)",
    )
    _add_cache_options(group)


def _add_cache_options(group: Any) -> None:
    group.add_argument(
        "--archive-cache",
        metavar="DIR",
        type=path_of,
        help="where fetched series are kept (in your cache)",
    )
    group.add_argument(
        "--archive-cache-size",
        metavar="MB",
        type=positive_number,
        default=_CACHE_MEGABYTES,
        help="the size of that folder; the series used longest ago are removed (%(default)s)",
    )


def add_address_options(group: Any) -> None:
    """Add what says where an archive is, and how it is reached."""
    group.add_argument("--dicomweb", metavar="URL", help="its DICOMweb service")
    group.add_argument("--dicom", metavar="AET@HOST:PORT", help="or its DIMSE service")
    group.add_argument(
        "--aet",
        type=_ae_title,
        default=DimseSettings.aet,
        help="own AE title, for --dicom (%(default)s)",
    )
    group.add_argument(
        "--dicom-move",
        metavar="PORT",
        type=known_port,
        help="have it send files here, by C-MOVE (default: by C-GET)",
    )
    group.add_argument(
        "--archive-timeout",
        metavar="SECONDS",
        type=positive_number,
        default=_SECONDS,
        help="give up if nothing arrives for this time (%(default)g)",
    )
    _add_identity_options(group)


def _add_identity_options(group: Any) -> None:
    """Add what shows each of the two who the other is."""
    group.add_argument(
        "--archive-user",
        metavar="NAME",
        default="",
        help=f"log in as this user; the password is read from the environment variable "
        f"{PASSWORD_VARIABLE}. Instead, {TOKEN_VARIABLE} may hold a bearer token",
    )
    group.add_argument(
        "--archive-ca",
        metavar="FILE",
        default="",
        help="the authority that signed its certificate (PEM)",
    )
    group.add_argument(
        "--archive-cert",
        metavar="FILE",
        default="",
        help="own certificate and key (PEM), if required",
    )


def _ae_title(text: str) -> str:
    """Return an AE title; for argparse."""
    try:
        check_ae_title(text)
    except ArchiveError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def is_given(arguments: argparse.Namespace) -> bool:
    """Whether an archive is named."""
    return bool(arguments.dicomweb or arguments.dicom)


def check_limits(arguments: argparse.Namespace) -> None:
    """End with wrong usage if something limits what is listed of an archive, and none is named.

    Of a folder all is served, which whoever wrote a filter does not mean.
    """
    if is_given(arguments):
        return
    limits = {
        "--filter": bool(arguments.filter),
        "--days": arguments.days is not None,
        "--modality": bool(arguments.modality),
        "--most": arguments.most != MOST_ENTRIES,
    }
    if given := [option for option, is_set in limits.items() if is_set]:
        words = "the list can be limited only of an archive's images, not of other sources: "
        arguments.usage_error(words + ", ".join(given))


def open_archive(arguments: argparse.Namespace) -> Archive:
    """Return the archive that is named. Raises ``SourceError``."""
    if arguments.dicom and arguments.dicomweb:
        arguments.usage_error("give one archive: --dicomweb or --dicom")
    _check_password(arguments)
    if arguments.dicom:
        return DimseArchive(arguments.dicom, _dimse_settings(arguments))
    settings = WebSettings(
        user=arguments.archive_user,
        password=os.environ.get(PASSWORD_VARIABLE, ""),
        token=os.environ.get(TOKEN_VARIABLE, ""),
        authority=arguments.archive_ca,
        certificate=arguments.archive_cert,
        timeout=arguments.archive_timeout,
    )
    return DicomWebArchive(arguments.dicomweb, settings)


def _check_password(arguments: argparse.Namespace) -> None:
    """End with wrong usage if a user is named who cannot log in: it would be without a password."""
    if arguments.archive_user and arguments.dicom:
        arguments.usage_error("--archive-user is for --dicomweb: DIMSE has no passwords")
    if arguments.archive_user and PASSWORD_VARIABLE not in os.environ:
        arguments.usage_error(f"--archive-user: set {PASSWORD_VARIABLE}, if need be to nothing")


def _dimse_settings(arguments: argparse.Namespace) -> DimseSettings:
    return DimseSettings(
        aet=arguments.aet,
        move_port=arguments.dicom_move,
        authority=arguments.archive_ca,
        certificate=arguments.archive_cert,
        timeout=arguments.archive_timeout,
    )


def open_archive_source(
    arguments: argparse.Namespace, jobs: int, seconds_a_turn: float
) -> ArchiveSource:
    """Return the archive as a source. Raises ``SourceError``."""
    return ArchiveSource(
        open_archive(arguments),
        SeriesCache(_cache_folder(arguments), int(arguments.archive_cache_size * 1e6)),
        lambda: _filters(arguments),
        arguments.modality,
        most=arguments.most,
        jobs=jobs,
        seconds_a_turn=seconds_a_turn,
    )


def _filters(arguments: argparse.Namespace) -> Query:
    """Return what is listed today: a server may run for weeks."""
    filters = dict(arguments.filter)
    today = date.today()
    if arguments.days and arguments.days < today.toordinal():  # else it is all there ever was
        first = today - timedelta(days=int(arguments.days))
        filters.setdefault("StudyDate", f"{first.year:04}{first:%m%d}-")
    return filters


def _cache_folder(arguments: argparse.Namespace) -> Path:
    try:
        return arguments.archive_cache or default_cache() / "archive"
    except OSError as error:
        raise SourceError(f"{error}, or give --archive-cache") from None


def default_cache() -> Path:
    """Return the folder of this command in the user's cache.

    Raises ``OSError`` if there is none: in a container, a user may be no more than a number. A
    relative path counts for nothing (XDG Base Directory Specification): it would put names of
    patients into any folder that happens to be the current one.
    """
    named = (os.environ.get(name, "") for name in ("LOCALAPPDATA", "XDG_CACHE_HOME"))
    base = next((path for path in map(Path, named) if path.is_absolute()), None)
    try:
        return (base or Path.home() / ".cache") / "igtlmeta"
    except RuntimeError:
        raise OSError("the user has no home folder: set HOME or XDG_CACHE_HOME") from None
