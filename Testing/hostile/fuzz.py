"""Coverage-guided fuzzing: ``python3 Testing/dev.py fuzz --minutes 10 [--target dicom]``.

Runs ``fuzz_target.py`` under libFuzzer, which changes the golden messages, or small DICOM files,
and keeps in ``corpus`` what reaches code that nothing reached before: the next run goes on from
there. A finding is written to ``findings``. Exit code 0 means that there was none.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HOSTILE = Path(__file__).resolve().parent
TARGET = HOSTILE / "fuzz_target.py"
MESSAGES = HOSTILE.parent / "data" / "messages"
CORPUS = HOSTILE / "corpus"
FINDINGS = HOSTILE / "findings"

TARGETS = ("codec", "dicom")
SECONDS_OF_A_HANG = 10
MIB_OF_MEMORY = 1024
LONGEST_INPUT = 8192
SECONDS_BETWEEN_REPORTS = 30
LINES_OF_A_FINDING = 30
# How libFuzzer's lines begin that say nothing of a finding: progress, and the input as numbers.
NOISE = ("#", "stat::", "INFO:", "WARNING:", "0x")


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, or try again what was found; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="dev.py fuzz", description="Looks for bytes that a reader cannot bear."
    )
    parser.add_argument(
        "--target", choices=TARGETS, default="codec", help="messages, or headers of DICOM files"
    )
    parser.add_argument("--minutes", type=float, default=5, help="how long; 5 if not given")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time; 1 if not given")
    parser.add_argument("findings", nargs="*", type=Path, help="try these inputs again instead")
    options = parser.parse_args(arguments)
    if options.minutes <= 0 or options.jobs < 1:
        parser.error("--minutes must be above 0, and --jobs at least 1")
    if options.findings:
        tried = [*command(options.target), *map(str, options.findings)]
        return subprocess.run(tried, check=False).returncode
    return fuzz(options.target, options.minutes, options.jobs)


def command(target: str) -> list[str]:
    """Return the beginning of the target's command line: all limits."""
    limits = {
        "timeout": SECONDS_OF_A_HANG,
        "rss_limit_mb": MIB_OF_MEMORY,
        "max_len": LONGEST_INPUT,
    }
    options = [f"-{name}={limit}" for name, limit in limits.items()]
    return [sys.executable, str(TARGET), target, *options]


def fuzz(target: str, minutes: float, jobs: int) -> int:
    """Run the jobs, which share the corpus, until the time is up; return the exit code."""
    FINDINGS.mkdir(exist_ok=True)
    corpus = CORPUS if target == "codec" else CORPUS.with_name(f"corpus-{target}")
    add_seeds(target, corpus)
    logs = [FINDINGS / f"{target}-{number}.log" for number in range(jobs)]
    processes = [start(target, corpus, log, minutes) for log in logs]
    codes = [wait(process, logs) for process in processes]
    findings = [log for log, code in zip(logs, codes, strict=True) if code]
    for log in findings:
        print_finding(target, log)
    found = f"findings of {len(findings)} of {jobs} jobs" if findings else "no findings"
    kept = len(list(corpus.iterdir()))
    print(f"{inputs_tried(logs):,} inputs tried, {kept:,} kept, {found}")
    return 1 if findings else 0


def add_seeds(target: str, corpus: Path) -> None:
    """Put what is to be changed into the corpus."""
    corpus.mkdir(exist_ok=True)
    if target == "codec":
        for file in MESSAGES.glob("*.bin"):
            shutil.copyfile(file, corpus / file.name)
        return
    sys.path[:0] = [str(HOSTILE.parent), str(HOSTILE.parents[1] / "IGTLMetaBrowser")]
    from hostile.dicom_files import small_files

    for name, data in small_files():
        (corpus / name).write_bytes(data)


def start(target: str, corpus: Path, log: Path, minutes: float) -> subprocess.Popen[bytes]:
    """Start a job that writes to ``log``; other jobs' new inputs it takes from the corpus."""
    options = [
        f"-max_total_time={max(1, round(minutes * 60))}",
        f"-artifact_prefix={FINDINGS}/",
        "-print_final_stats=1",
        str(corpus),
    ]
    with log.open("wb") as output:
        return subprocess.Popen([*command(target), *options], stdout=output, stderr=output)


def wait(process: subprocess.Popen[bytes], logs: Sequence[Path]) -> int:
    """Wait for a job's end, saying now and then how far all are; return its exit code."""
    while True:
        try:
            return process.wait(SECONDS_BETWEEN_REPORTS)
        except subprocess.TimeoutExpired:
            print(f"{inputs_tried(logs):,} inputs tried so far", flush=True)


def inputs_tried(logs: Sequence[Path]) -> int:
    """Return how many inputs the jobs say to have tried, at their end or so far."""
    total = 0
    for log in logs:
        text = log.read_text(encoding="utf-8", errors="replace")
        numbers = re.findall(
            r"^#(\d+)\s|^stat::number_of_executed_units: (\d+)", text, re.MULTILINE
        )
        total += max((int(so_far or at_end) for so_far, at_end in numbers), default=0)
    return total


def print_finding(target: str, log: Path) -> None:
    """Print what a job found, and how to see it again."""
    text = log.read_text(encoding="utf-8", errors="replace")
    lines = [line for line in text.splitlines() if not line.startswith(NOISE)]
    print(f"\nA finding. The end of {log}:\n", *lines[-LINES_OF_A_FINDING:], sep="\n")
    for file in re.findall(r"Test unit written to (.+)", text):
        print(f"\nTo see it again: python3 Testing/dev.py fuzz --target {target} {file}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # the jobs had it, too
        sys.exit(130)
