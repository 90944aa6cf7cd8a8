"""What ``igtlmeta list`` and ``fetch`` ask a server to search for."""

from __future__ import annotations

import argparse

from ..sources.archive.archive import KEYWORDS
from .parser import text_of


def add_search_option(parser: argparse.ArgumentParser) -> None:
    """Add what a server is asked to search for, if its images are those of an archive."""
    parser.add_argument(
        "--search",
        metavar="KEYWORD=VALUE",
        type=attribute,
        action="append",
        default=[],
        help="of an archive: what has this, such as 'PatientName=Doe*' or StudyDate=20240101-",
    )


def attribute(text: str) -> tuple[str, str]:
    """Return a keyword and its value; for argparse."""
    keyword, equals, value = text_of(text).partition("=")
    if not equals or keyword not in KEYWORDS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not KEYWORD=VALUE with one of the keywords {', '.join(KEYWORDS)}"
        )
    return keyword, value
