"""What the benchmarks of the daemon share: children pinned to a core, their memory and CPU, medians, tables."""

import os
import shutil
import signal
import socket
import statistics
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cores() -> tuple[int | None, int | None]:
    """The core of the measured programs and the core of the load; (None, None) where there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 and shutil.which("taskset") else (None, None)


# Asked once, before this process pins itself to one of them.
SERVER_CORE, LOAD_CORE = cores()


@contextmanager
def on_load_core() -> Iterator[None]:
    """Keep this process, which makes the load, off the core of what it measures; a decorator, too."""
    before = os.sched_getaffinity(0)
    if LOAD_CORE is not None:
        os.sched_setaffinity(0, {LOAD_CORE})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass
class Child:
    """A measured program and what it started; `stop` ends them all."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pids(self) -> list[int]:
        """The program and its descendants."""
        found, new = [self.process.pid], [self.process.pid]
        while new:
            new = [child for pid in new for child in _children(pid)]
            found += new
        return found

    def cpu(self) -> float:
        """Seconds of CPU so far, children that still run included."""
        return sum(_cpu(pid) for pid in self.pids)

    def rss(self) -> float:
        """MB in memory of the program itself."""
        return _kilobytes(Path(f"/proc/{self.process.pid}/status"), "VmRSS:") / 1024

    def pss(self) -> float:
        """MB in memory of the program and its children, what they share counted once."""
        return sum(_kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") for pid in self.pids) / 1024

    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        # By its group, which is its own: children of pagerd go with it. Nothing that it keeps is needed any more.
        if self.alive():
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


@contextmanager
def child(argv: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> Iterator[Child]:
    """Run `argv` on the core of the measured programs, and end it with all that it started."""
    pinned = ["taskset", "-c", str(SERVER_CORE), *argv] if SERVER_CORE is not None else list(argv)
    with log.open("ab") as out:
        process = subprocess.Popen(
            pinned,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    running = Child(process, log)
    try:
        yield running
    finally:
        running.stop()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, task.read_text().split())
        except OSError:
            continue  # the thread has ended
    return found


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def _kilobytes(path: Path, name: str) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all are not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median(values: Sequence[float]) -> str:
    """`1,234 ±5%`: the median over the rounds, and half their range in per cent of it."""
    middle = statistics.median(values)
    spread = (max(values) - min(values)) / 2 / middle * 100 if middle else 0.0
    return f"{figure(middle)} ±{spread:.0f}%" if len(values) > 1 else figure(middle)


def figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """`1.20x (1.10..1.31)`: ours over theirs, round by round: machines change their mood between rounds."""
    pairs = [one / other for one, other in zip(ours, theirs, strict=True) if other]
    if not pairs:
        return "-"
    middle, least, most = statistics.median(pairs), min(pairs), max(pairs)
    digits = 2 if middle >= 0.1 else 4
    return f"{middle:.{digits}f}x ({least:.{digits}f}..{most:.{digits}f})"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table whose columns line up."""
    widths = [max(len(row[at]) for row in (columns, *rows)) for at in range(len(columns))]
    for row in (columns, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")


def bounds(lines: Sequence[str]) -> None:
    """Say what the figures above are bounded by."""
    print("\nBounded by:")
    for line in lines:
        print(f"- {line}")
