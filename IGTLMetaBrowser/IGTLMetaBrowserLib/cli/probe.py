"""``igtlmeta probe``: what an endpoint supports, and how it differs from others."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

from ..net.errors import NetworkError
from ..net.probe.probe import Answer, Probe, Report
from . import output
from .connection_options import (
    USAGE,
    add_connection_options,
    add_json_option,
    client_settings,
)
from .parser import add_command

# Many servers answer some queries with silence, and a probe asks ten.
_ANSWER_SECONDS = 3.0
# Enough for the rate: a CT of 512 × 512 × 300 voxels has 150 MiB.
_LARGEST_FETCHED = "256M"

_ABOUT = (
    "Report what a server supports, how fast it is, and what is unusual about it. The report "
    "has no patient names, so that it can be attached to a bug report."
)


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers of ``igtlmeta``."""
    command = add_command(
        commands, "probe", _ABOUT, probe, f"HOST[:PORT] [--json] {USAGE}", (NetworkError,)
    )
    add_connection_options(command)
    add_json_option(command)
    command.set_defaults(timeout=_ANSWER_SECONDS, max_size=_LARGEST_FETCHED)


def probe(arguments: argparse.Namespace) -> int:
    """Run ``igtlmeta probe``."""
    host, port = arguments.address
    report = Probe(host, port, client_settings(arguments), output.note).run()
    if arguments.json:
        print(json.dumps(dataclasses.asdict(report), indent=1))
    else:
        _print(report)
    return 0


def _print(report: Report) -> None:
    _say(f"{report.address}: connected in {report.connect_milliseconds:g} ms")
    if report.tls is None:
        _say("not encrypted")
    else:
        _say("TLS: " + ", ".join(f"{key} {value}" for key, value in report.tls.items() if value))
    rows = [[*map(output.printable, _row(answer))] for answer in report.answers]
    output.print_table(["Query", "Outcome", "As", "ms", "Version", "Checksum", "Details"], rows)
    for title, values in (("images", report.images), ("fetched", report.fetched)):
        if values:
            words = [f"{key.replace('_', ' ')} {_shown(value)}" for key, value in values.items()]
            _say(f"{title}: " + ", ".join(words))
    if report.extensions:
        _say("extensions of this project: " + ", ".join(report.extensions))
    _say("What is unusual about it:" if report.quirks else "Nothing unusual was found.")
    for quirk in report.quirks:
        _say(f"  - {quirk}")


def _shown(value: Any) -> str:
    """Return numbers of modalities, a size, or what is one word already."""
    if isinstance(value, dict):
        return " ".join(f"{name}:{count}" for name, count in value.items())
    return "x".join(map(str, value)) if isinstance(value, list) else str(value)


def _say(line: str) -> None:
    """Print a line; what is in it of the server, such as names of types, writes to no terminal."""
    print(output.printable(line))


def _row(answer: Answer) -> list[str]:
    details = [answer.words] if answer.words else []
    if answer.item_count is not None:
        details.append(f"{answer.item_count} items")
    if answer.metadata_count:
        details.append(f"{answer.metadata_count} fields of metadata")
    if answer.is_under_the_name_asked is False:
        details.append("under another name")
    return [
        answer.query,
        answer.outcome,
        answer.how,
        "" if answer.milliseconds is None else f"{answer.milliseconds:g}",
        "" if answer.header_version is None else str(answer.header_version),
        answer.checksum,
        ", ".join(details),
    ]
