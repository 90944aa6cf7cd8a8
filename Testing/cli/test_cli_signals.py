"""Signals at commands that run until they are asked to end: SIGHUP, and when any is noticed."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import termios
import threading
from pathlib import Path

import pytest

from cli.command import COMMAND, SECONDS, environment, igtlmeta, open_terminal, started_until
from helpers import windows
from IGTLMetaBrowserLib import net
from IGTLMetaBrowserLib.cli.wake_up import WakeUp
from IGTLMetaBrowserLib.net.recording.replay import ReplayServer
from IGTLMetaBrowserLib.sources.demo import DemoSource


def take_terminal() -> None:
    """Have the standard input as the terminal that controls this session.

    Who runs the tests with ``nohup`` ignores the signal, and so would what they start.
    """
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.mark.parametrize("shell_is_first", [True, False])
def test_a_server_ends_with_its_terminal(shell_is_first: bool, tmp_path: Path) -> None:
    screen, terminal = open_terminal()
    with subprocess.Popen(
        [*COMMAND, "serve", "--demo", "--port", "0"],
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
        preexec_fn=take_terminal,
    ) as process:
        os.close(terminal)
        assert process.stdout is not None
        assert process.stderr is not None
        assert "serving" in process.stdout.readline()
        if shell_is_first:  # it sends the signal to what it has started
            process.send_signal(signal.SIGHUP)
            assert "SIGHUP" in process.stderr.readline()
        os.close(screen)
        assert process.wait(timeout=SECONDS) == 0


@pytest.mark.parametrize("system", ["", windows.SIGNALS], ids=["here", "windows"])
def test_a_server_that_ends_with_its_parent_says_so_in_the_audit_trail(
    system: str, tmp_path: Path
) -> None:
    """On Windows, too, where to send a signal is to end a process at once."""
    audit = tmp_path / "audit.jsonl"
    main = "import sys\nfrom IGTLMetaBrowserLib.cli.main import main\nsys.exit(main())"
    options = ["--demo", "--port", "0", "--end-with-stdin", "--audit", audit]
    with subprocess.Popen(
        [sys.executable, "-c", f"{system}\n{main}", "serve", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert b"serving" in process.stdout.readline()
        process.stdin.close()
        assert process.wait(SECONDS) == 0
    assert "Application Stop" in audit.read_text().splitlines()[-1]


# The first process of a session would be told by a signal that it has given the terminal up.
_DISOWNED = """
import fcntl, os, signal, sys, termios
from IGTLMetaBrowserLib.cli import hangup
hangup._SECONDS_BEFORE_CLOSED = float(sys.argv[1])
if os.fork():
    os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
hang_up = hangup.HangUp()
os.kill(os.getpid(), signal.SIGHUP)
print("reload:", hang_up.take() and not hang_up.look_for_closed())
fcntl.ioctl(0, termios.TIOCNOTTY)
print("closed:", hang_up.look_for_closed())
"""


@pytest.mark.parametrize(("seconds", "is_closed"), [(SECONDS, True), (0, False)])
def test_a_server_that_was_disowned_goes_on_though_it_has_reloaded_long_before(
    seconds: float, is_closed: bool
) -> None:
    """The system then sends no signal; a shell sends its own just before the terminal closes."""
    screen, terminal = open_terminal()
    ended = subprocess.run(
        [sys.executable, "-c", _DISOWNED, str(seconds)],
        stdin=terminal,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
        preexec_fn=take_terminal,
        timeout=SECONDS,
        check=True,
    )
    os.close(terminal)
    os.close(screen)
    assert ended.stdout.splitlines() == ["reload: True", f"closed: {is_closed}"]


@pytest.mark.parametrize("module", ["IGTLMetaBrowserLib.cli.serving_options", "pydicom.dataset"])
def test_a_service_that_is_to_reload_while_it_starts_goes_on(module: str, tmp_path: Path) -> None:
    """While the command's modules are loaded, and while the folder is opened."""
    words = ["serve", tmp_path, "--port", "0"]
    with started_until(module, *words, is_service=True) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        process.send_signal(signal.SIGHUP)
        threading.Thread(target=process.stderr.read).start()
        address = process.stdout.readline().split()[-1]
        assert igtlmeta("list", address, "--json").stdout == "[]\n"
        process.terminate()
        assert process.wait(timeout=SECONDS) == 0


@pytest.mark.parametrize("kind", ["serve", "replay"])
def test_a_signal_ends_a_step_that_would_wait_for_long(kind: str) -> None:
    server = net.Server(DemoSource(), port=0) if kind == "serve" else ReplayServer([])
    seen = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append("signal"))
    try:
        with WakeUp(server) as wake_up:
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            server.step(10 * SECONDS)
            assert seen == ["signal"]
            wake_up.clear()
            server.step(0.01)  # as long as that
            server.close()
    finally:
        signal.signal(signal.SIGALRM, before)
