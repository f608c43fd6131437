"""A wall clock that a test sets, for one process and what it starts."""

import subprocess
from pathlib import Path

from tests.support import ROOT, require_binary


def clock_set_by(file: Path) -> dict[str, str]:
    """The environment of a process whose wall clock is ahead by the seconds in `file`, whenever that is written.

    No other clock is touched: libfaketime 0.9.10 also changes how long threads and sockets wait.
    """
    shim = file.with_suffix(".so")
    source = ROOT / "tests" / "e2e" / "clock_shim.c"
    subprocess.run((require_binary("cc"), "-shared", "-fPIC", "-O2", "-o", shim, source, "-ldl"), check=True)
    return {"LD_PRELOAD": str(shim), "CLOCK_SET_BY": str(file)}
