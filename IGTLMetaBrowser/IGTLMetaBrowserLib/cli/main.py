"""``igtlmeta``: lists, fetches and serves images over OpenIGTLink, and indexes DICOM files.

Exit code 0; 1 with a line on stderr for each thing that failed; 2 for wrong usage; 130 after
Ctrl-C, but 0 of what runs until it is asked to end, by SIGTERM, too; 141 if nobody reads the output
any more, as other commands have it.
"""

from __future__ import annotations

import os
import sys

# As a shell has it: 128 and the number of SIGINT, or of SIGPIPE (``| head`` has ended).
_INTERRUPTED = 130
_BROKEN_PIPE = 141
# The commands, in the order of the help, and the module that each is in.
_MODULES = {
    "list": "list",
    "trajectories": "trajectories",
    "fetch": "fetch",
    "serve": "serve",
    "store": "store",
    "probe": "probe",
    "record": "record",
    "replay": "record",
    "index": "index",
}
# They run until they are asked to end, at any moment.
_LASTING = (["serve"], ["record"], ["replay"])

# Ctrl-C would come out of an import as a traceback: all else is imported when it is handled, also
# ``typing``.
try:
    import signal
    import warnings
except KeyboardInterrupt:
    os._exit(_INTERRUPTED)
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import Any, TextIO


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the arguments ``argv``, or else the process's; return the exit code.

    Wrong usage raises ``SystemExit``, as argparse does.
    """
    _open_closed_streams()
    words = sys.argv[1:] if argv is None else [*argv]
    try:
        code = _run(words)
    finally:
        _flush_at_end(sys.stderr)
    if words[:1] in _LASTING:
        from .serving import end_without_threads

        end_without_threads(code)
    return code


def _run(words: list[str]) -> int:
    is_lasting = words[:1] in _LASTING
    when_interrupted = 0 if is_lasting else _INTERRUPTED
    with _EndedQuietly(when_interrupted) as quietly:
        if words[:1] == ["serve"]:
            from .hangup import ignore_if_service

            ignore_if_service()
        arguments = _parse_or_end(words)
        from .. import system_errors  # noqa: F401  # when it is needed, no file may be opened
        from .output import complain

        if is_lasting:
            from .serving import interrupt

            quietly.handle_then(interrupt)
    try:
        sys.stdout.reconfigure(errors="backslashreplace")
        if not sys.warnoptions:
            warnings.simplefilter("ignore")  # what libraries remark on files is not for users
        code = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return when_interrupted
    except arguments.errors as error:
        return complain(error)
    except MemoryError:
        return complain("the memory is used up; close other programs, or raise its limit (ulimit)")
    except OSError as error:
        return _why_not_printed(error) if error.filename is None else _why_not_used(error)


def _parse_or_end(words: list[str]) -> argparse.Namespace:
    """Return the arguments; raise ``SystemExit`` after help and version, too, printed or not."""
    try:
        try:
            return _parse(words)
        finally:
            sys.stdout.flush()
    except OSError as error:
        raise SystemExit(_why_not_printed(error)) from None


def _why_not_printed(error: OSError) -> int:
    """Say why the output cannot be written; return the exit code for it."""
    _flush_at_end(sys.stdout)
    from ..system_errors import nobody_reads, with_advice

    if nobody_reads(error):
        return _BROKEN_PIPE
    from .output import complain

    return complain(with_advice(error, "if the output goes to a file, check its disk"))


def _why_not_used(error: OSError) -> int:
    """Say which file or folder could not even be looked at, as on a share that is away."""
    from pathlib import Path

    from ..system_errors import why_not_read
    from .output import complain

    return complain(why_not_read(error, Path(os.fsdecode(error.filename))))


def _open_closed_streams() -> None:
    """Have a stream in the place of each standard one that is closed (``igtlmeta … >&-``).

    Otherwise the next file that is opened would get its number, and what a library prints, too.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode)  # noqa: SIM115, PTH123  # for good, and without an import
            setattr(sys, name, stream)


def _flush_at_end(stream: TextIO) -> None:
    """Flush a stream; if that fails, it must not fail again when Python does so as it ends."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class _EndedQuietly:
    """Lets signals end the process with ``code`` while modules are imported: nothing is open yet.

    An exception would come out of whatever import it finds, as a traceback.
    """

    def __init__(self, code: int) -> None:
        self._code = code
        self._then: dict[int, Any] = {}

    def __enter__(self) -> _EndedQuietly:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._then[number] = signal.signal(number, lambda *_: os._exit(self._code))
        return self

    def handle_then(self, handler: Any) -> None:
        """Have another handler than the one before from the end of the block."""
        self._then = dict.fromkeys(self._then, handler)

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._then.items():
            signal.signal(number, handler)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    from importlib import import_module

    from .parser import Parser, ShowVersion

    parser = Parser(
        prog="igtlmeta",
        description="Lists, fetches and serves images over OpenIGTLink; indexes DICOM files.",
        epilog="See igtlmeta COMMAND --help for its options. Try: igtlmeta serve --demo",
    )
    parser.add_argument("--version", action=ShowVersion, help="print which version this is")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    # The others take longer to import than it takes to see that an index is up to date, and as
    # long as a list takes to come.
    named = [name for name in argv[:1] if name in _MODULES]
    for module in dict.fromkeys(_MODULES[name] for name in named or _MODULES):
        import_module(f".{module}", __package__).add_commands(commands)
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:  # argparse would show the usage of all commands, not of this one
        arguments.usage_error(f"unrecognized arguments: {' '.join(unknown)}")
    return arguments
