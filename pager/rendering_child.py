"""Renders templates in a process that may be killed: after a first line that says READY, a line of JSON in and out.

`python -m pager.rendering_child` is started by `pagerctl check`, `pagerctl test` and a reload. A template may work for
half a second of the processor's time, however busy the machine is; what cannot be stopped by that ends the process.
"""

import json
import resource
import signal
import sys
from typing import Any

from pager.core.sandbox import Fault, render
from pager.rendering import READY

SECONDS, MOST_SECONDS, MOST_MEMORY = 0.5, 30, 512 << 20


class Any_(dict[str, str]):
    """Labels of an alert that has every label."""

    def __missing__(self, name: str) -> str:
        return name


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """`{"text": ...}`, or `{"why": ..., "line": ..., "undefined": ...}` where the template has failed."""
    values = job["values"]
    if job["every_label"]:
        values = {**values, "labels": Any_(values["labels"]), "annotations": Any_(values["annotations"])}
        values["alerts"] = [{name: Any_(said) for name, said in one.items()} for one in values["alerts"]]
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        return {"text": render(job["source"], values)}
    except Fault as fault:
        return {"why": fault.why, "line": fault.line, "undefined": fault.undefined}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _stop(_signum: int, _frame: object) -> None:
    raise Fault(f"it works for more than {SECONDS:g} s")


def main() -> None:
    """Answer what comes until nothing more does."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, _stop)
    print(READY, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
