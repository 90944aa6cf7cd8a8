"""Running tools in the checkout, and saying what is done."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
# How long a tool may take to end in its own way after Ctrl-C, before it is ended.
SECONDS_TO_FINISH = 10


class SetupError(Exception):
    """Why this machine cannot be set up, and what to do about it."""


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def run(
    command: Sequence[str], *, quiet: bool = False, environment: dict[str, str] | None = None
) -> int:
    """Run ``command`` in the checkout and return its exit code.

    With ``quiet``, what it prints is shown only if it fails.
    """
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if quiet else {}
    with subprocess.Popen(command, cwd=TOP, env=environment, **pipes) as process:
        try:
            output, _ = process.communicate()
        except KeyboardInterrupt:
            end(process)
            raise
    code = process.returncode
    if quiet and code != 0:
        say(f"{shlex.join(command)}\n{output.decode(errors='replace')}")
    if code < 0:
        say(f"{shlex.join(command)} was ended by {signal.Signals(-code).name}")
        return 128 - code  # as a shell reports it
    return code


def end(process: subprocess.Popen[bytes]) -> None:
    """Let a tool finish in its own way, as it had the same Ctrl-C. If it has not, pass it on.

    Then end it.
    """
    ways = [subprocess.Popen.terminate]
    if os.name != "nt":  # Windows has no such signal
        ways.insert(0, _interrupt)
    for way in ways:
        try:
            process.communicate(timeout=SECONDS_TO_FINISH)
            return
        except subprocess.TimeoutExpired:
            way(process)


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
