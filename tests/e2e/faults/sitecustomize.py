"""Python reads this in a pagerd that a test started with this folder in PYTHONPATH: it does harm when told to.

SIGUSR1 blocks the event loop for FAULT_BLOCKS seconds. FAULT_RAISES names a coroutine function of a loop, such as
`pager.engine:Engine.tick`, which raises from the moment the file FAULT_SWITCH is there.
"""

import os
import signal
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any


def _let_raise(what: str, switch: Path) -> None:
    module, _, path = what.partition(":")
    owner, _, name = path.partition(".")
    of = getattr(import_module(module), owner)
    sound = getattr(of, name)

    async def harmed(*given: Any, **named: Any) -> Any:
        if switch.exists():
            raise RuntimeError("harm was done")
        return await sound(*given, **named)

    setattr(of, name, harmed)


# The senders' processes inherit the environment, and are left alone.
if "pager.cli.daemon" in sys.orig_argv:
    signal.signal(signal.SIGUSR1, lambda *_: time.sleep(float(os.environ.get("FAULT_BLOCKS", "0"))))
    if "FAULT_RAISES" in os.environ:
        _let_raise(os.environ["FAULT_RAISES"], Path(os.environ["FAULT_SWITCH"]))
