"""dev.py, as far as it can be seen without a network and without touching this machine."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import dev
from machine import system_packages, tools
from machine.environment import Environment

DEV = Path(dev.__file__)


def need(name: str, package: str, is_there: bool = False) -> system_packages.Need:
    return system_packages.Need(name, package, lambda: is_there)


@pytest.fixture
def on_debian_as_a_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    apt_get = tmp_path / "apt-get"
    apt_get.write_text("#!/bin/sh\nexit 99\n")
    apt_get.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    return tmp_path


# An old Python ----------------------------------------------------------------------------------


def test_an_old_python_is_told_which_one_it_takes() -> None:
    pretend = (
        "import runpy, sys; sys.version_info = (3, 9, 2); "
        f"runpy.run_path({str(DEV)!r}, run_name='__main__')"
    )
    result = subprocess.run([sys.executable, "-c", pretend], capture_output=True, text=True)
    assert result.returncode == 1
    assert "needs Python 3.10 or later" in result.stderr
    assert "is Python 3.9" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_old_python_can_read_the_file() -> None:
    ast.parse(DEV.read_text(encoding="utf-8"), feature_version=(3, 7))
    assert "from __future__ import annotations\n" not in DEV.read_text(encoding="utf-8")


# System packages --------------------------------------------------------------------------------


def test_only_what_is_not_there_is_missing() -> None:
    here, gone = need("a", "pkg-a", is_there=True), need("b", "pkg-b")
    assert system_packages.missing([here, gone]) == [gone]


def test_a_library_is_there_if_it_loads() -> None:
    assert not system_packages.library("libno-such-library.so.7", "libno-such-library7").is_there()


@pytest.mark.skipif(sys.platform != "linux", reason="the C library has this name on Linux only")
def test_a_library_that_the_loader_finds_is_there() -> None:
    assert system_packages.library("libc.so.6", "libc6").is_there()


@pytest.mark.usefixtures("on_debian_as_a_user")
def test_a_user_gets_one_command_for_all_that_is_missing() -> None:
    required = [need("libEGL.so.1", "libegl1"), need("a font", "fonts-dejavu-core")]
    optional = [need("a C++ compiler", "g++")]
    with pytest.raises(tools.SetupError) as refusal:
        system_packages.provide(required, optional, "some tests are skipped")
    assert str(refusal.value).splitlines() == [
        "This machine lacks libEGL.so.1, a font.",
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends "
        "libegl1 fonts-dejavu-core g++",
    ]


@pytest.mark.usefixtures("on_debian_as_a_user")
def test_without_what_is_optional_it_goes_on_and_says_so(capsys: pytest.CaptureFixture) -> None:
    system_packages.provide(
        [need("a", "pkg-a", is_there=True)], [need("a C++ compiler", "g++")], "no C++"
    )
    assert capsys.readouterr().err.splitlines() == [
        "This machine lacks a C++ compiler: no C++.",
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends g++",
    ]


@pytest.mark.usefixtures("on_debian_as_a_user")
def test_nothing_is_said_where_nothing_is_missing(capsys: pytest.CaptureFixture) -> None:
    system_packages.provide([need("a", "pkg-a", is_there=True)], [], "")
    assert capsys.readouterr().err == ""


def test_elsewhere_the_advice_names_the_things(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert system_packages.advice([need("libEGL.so.1", "libegl1")]) == (
        "Install with this system's package manager: libEGL.so.1 (in Debian: libegl1)"
    )


def test_the_examples_are_installed_with_their_sources() -> None:
    command = system_packages.apt_install(system_packages.INTEROP)
    assert "Dpkg::Options::=--path-include=/usr/share/doc/openigtlink-examples/*" in command


# The environment and its stamp ------------------------------------------------------------------


def make_by_hand(environment: Environment) -> None:
    environment.python.parent.mkdir(parents=True)
    environment.python.touch()
    environment.stamp.write_text(environment.origin() + environment.contents())


def test_a_checkout_has_no_environment_at_first(checkout: Path) -> None:
    assert not Environment(checkout).is_sound()


def test_an_environment_with_its_stamp_is_left_alone(checkout: Path) -> None:
    make_by_hand(Environment(checkout))
    environment = Environment(checkout)
    assert environment.is_ready()
    environment.make()  # would fail: the interpreter is an empty file


def test_the_environment_of_another_checkout_is_not_emptied(checkout: Path, tmp_path: Path) -> None:
    """A worktree may have a link to it."""
    other = Environment(checkout)
    make_by_hand(other)
    worktree = tmp_path / "worktree"
    worktree.mkdir()
    (worktree / ".venv").symlink_to(other.folder)
    Environment(worktree).make()
    assert other.is_ready()


def test_another_pyproject_is_installed_into_the_same_environment(checkout: Path) -> None:
    environment = Environment(checkout)
    make_by_hand(environment)
    (checkout / "pyproject.toml").write_text("[project]\ndependencies = []\n")
    assert environment.is_sound()
    assert not environment.is_ready()


@pytest.mark.parametrize("lost", ["stamp", "python"])
def test_an_interrupted_environment_is_not_sound(checkout: Path, lost: str) -> None:
    environment = Environment(checkout)
    make_by_hand(environment)
    getattr(environment, lost).unlink()
    assert not environment.is_sound()


def test_an_environment_of_another_python_is_not_sound(checkout: Path) -> None:
    environment = Environment(checkout)
    make_by_hand(environment)
    environment.stamp.write_text(environment.stamp.read_text().replace("cpython", "elsepython"))
    assert not environment.is_sound()


def test_an_environment_that_was_moved_is_not_sound(checkout: Path) -> None:
    make_by_hand(Environment(checkout))
    moved = checkout.rename(checkout.with_name("moved"))
    assert not Environment(moved).is_sound()


@pytest.mark.skipif(os.name == "nt", reason="Windows runs no shell scripts")
def test_the_fuzzer_is_installed_once(checkout: Path, capfd: pytest.CaptureFixture) -> None:
    environment = Environment(checkout)
    make_by_hand(environment)
    pip = "#!/bin/sh\n" + 'echo "$@" >> ' + str(checkout / "pip.txt")
    environment.python.write_text(pip)
    environment.python.chmod(0o755)
    environment.add_fuzzer()
    environment.add_fuzzer()
    assert (checkout / "pip.txt").read_text().endswith(f"-e {checkout}[fuzz]\n")
    assert capfd.readouterr().err == "Installing atheris\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows runs no shell scripts")
def test_where_there_is_no_wheel_of_the_fuzzer_it_says_so(
    checkout: Path, capfd: pytest.CaptureFixture
) -> None:
    environment = Environment(checkout)
    make_by_hand(environment)
    environment.python.write_text("#!/bin/sh\necho No matching distribution; exit 1\n")
    environment.python.chmod(0o755)
    with pytest.raises(tools.SetupError, match=r"wheels of it for CPython 3\.10 to 3\.14 on Linux"):
        environment.add_fuzzer()
    assert "No matching distribution" in capfd.readouterr().err


# Running tools ----------------------------------------------------------------------------------


def test_the_exit_code_is_the_tool_s() -> None:
    assert tools.run([sys.executable, "-c", "raise SystemExit(7)"]) == 7


def test_a_quiet_tool_is_heard_only_when_it_fails(capfd: pytest.CaptureFixture) -> None:
    assert tools.run([sys.executable, "-c", "print('all', 'well')"], quiet=True) == 0
    assert capfd.readouterr() == ("", "")
    assert tools.run([sys.executable, "-c", "exit('too' + ' bad')"], quiet=True) == 1
    assert "too bad" in capfd.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_tool_that_crashes_is_reported_as_by_a_shell(capfd: pytest.CaptureFixture) -> None:
    assert tools.run([sys.executable, "-c", "import os; os.abort()"]) == 128 + signal.SIGABRT
    assert "was ended by SIGABRT" in capfd.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("send", [os.killpg, os.kill], ids=["to both", "to dev.py alone"])
def test_ctrl_c_gives_130_after_the_tool_has_finished_in_its_own_way(send) -> None:
    """As the terminal sends it; or as another program does, which knows dev.py only."""
    tool = (
        "import signal\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])\n"
        "print('ready', flush=True)\n"
        "signal.sigwait([signal.SIGINT])\n"
        "print('finished')\n"
    )
    helper = (
        f"import sys; sys.path.insert(0, {str(DEV.parent)!r}); import dev\n"
        f"dev.prepare = lambda command: None\n"
        f"dev.lint = lambda *_: dev.run([sys.executable, '-c', {tool!r}])\n"
        f"import machine.tools; machine.tools.SECONDS_TO_FINISH = {2 if send is os.kill else 30}\n"
        "sys.exit(dev.main(['lint']))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", helper],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Tests that run in the background of a shell ignore Ctrl-C, and so would what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout.readline() == "ready\n"
        send(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert output == "finished\n"
    assert process.returncode == 130


# A real Slicer ----------------------------------------------------------------------------------


def test_a_real_slicer_needs_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_environment: Environment) -> None:
        pytest.fail("an environment was made")

    monkeypatch.setattr(Environment, "make", refuse)
    dev.prepare(dev.commands()["slicer"])


@pytest.mark.usefixtures("on_debian_as_a_user")
@pytest.mark.skipif(sys.platform != "linux", reason="there is xvfb-run on Linux only")
def test_without_a_display_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(tools.SetupError, match="install -y --no-install-recommends xvfb xauth"):
        dev.slicer(["Slicer"])


# The command line -------------------------------------------------------------------------------


def dev_py(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(DEV), *arguments], capture_output=True, text=True, timeout=60
    )


def test_help_names_the_commands() -> None:
    result = dev_py("--help")
    assert result.returncode == 0
    for command in dev.commands():
        assert f"\n  {command} " in result.stdout


def test_an_unknown_command_is_a_usage_error() -> None:
    result = dev_py("tset")
    assert result.returncode == 2
    assert "tset" in result.stderr


def test_an_unknown_benchmark_is_a_usage_error(capsys: pytest.CaptureFixture) -> None:
    assert dev.bench(Environment(tools.TOP), ["no-such-benchmark"]) == 2
    assert "No benchmark is called no-such-benchmark" in capsys.readouterr().err


@pytest.mark.parametrize("examples", ["0", "many", "-3"])
def test_differential_takes_a_number_of_examples(
    examples: str, capsys: pytest.CaptureFixture
) -> None:
    assert dev.differential(Environment(tools.TOP), [examples]) == 2
    assert "is no number of examples" in capsys.readouterr().err


def test_what_follows_the_command_is_the_tool_s(monkeypatch: pytest.MonkeyPatch) -> None:
    received = []
    monkeypatch.setattr(dev, "prepare", lambda _command: Environment(tools.TOP))
    monkeypatch.setattr(dev, "test", lambda _environment, rest: received.extend(rest) or 0)
    assert dev.main(["test", "-k", "layers", "--", "-x", "--help"]) == 0
    assert received == ["-k", "layers", "--", "-x", "--help"]
