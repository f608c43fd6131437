"""How long it takes to find the rule of an alert among ten thousand, beside a scan of them all."""

import gc
import statistics
import time
from collections.abc import Callable
from random import Random

from pager.core.matcher import all_match, parse_matcher
from pager.core.rule import Rule
from pager.core.rulefile import PlacedRule, RuleFile
from tests.bench.common import figure, ratio, table

ALERT = {
    "alertname": "HighErrorRate",
    "severity": "critical",
    "team": "payments",
    "namespace": "billing-eu",
    "cluster": "eu-central-1",
    "service": "checkout",
    "pod": "checkout-7d9f8b6c5-x2x4p",
    "instance": "10.2.3.4:9100",
    "job": "checkout",
    "env": "prod",
    "source": "prom-eu",
}
"""What only the last rule of each file is about."""


def file_of(rules: int, teams: int) -> RuleFile:
    """So many rules of three matchers, two equalities and one expression; each team has its share of them."""
    random = Random(1)
    return RuleFile("rules/all.yaml", tuple(_rule(number, rules, teams, random) for number in range(rules)))


def _rule(number: int, rules: int, teams: int, random: Random) -> PlacedRule:
    is_last = number == rules - 1
    severity = "critical" if is_last else random.choice(("critical", "warning", "info"))
    # With few teams those of the alert's own have rules that nearly match.
    team = "payments" if is_last or (teams <= 20 and number % teams == 0) else f"team{number % teams}"
    namespace = "(?:payments|billing-.*)" if is_last else f"(?:ns{number}|orders-.*)"
    matchers = (f"namespace =~ {namespace}", f"severity = {severity}", f"team = {team}")
    match = tuple(parse_matcher(f'{m.split(" ")[0]} {m.split(" ")[1]} "{m.split(" ", 2)[2]}"') for m in matchers)
    return PlacedRule(Rule(name=f"rule {number}", match=match), f"rules/all.yaml:{number + 1}")


def scan(file: RuleFile) -> PlacedRule | None:
    """What the index saves: every rule from the top."""
    return next((placed for placed in file.rules if all_match(placed.rule.match, ALERT)), None)


def _microseconds(work: Callable[[], object], times: int) -> float:
    """Of processor time for one call."""
    gc.collect()
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) / times * 1e6


def run(quick: bool) -> None:
    """Print the figures; `quick` takes fewer rounds."""
    rounds = 2 if quick else 7
    print("the rule of an alert that the last one of a file is about; microseconds of processor time for one alert")
    rows = []
    for rules, teams in ((1000, 200), (10_000, 2000), (10_000, 20)):
        file = file_of(rules, teams)
        assert scan(file) == file.index.first(ALERT) == file.rules[-1]
        linear = [_microseconds(lambda f=file: scan(f), 5) for _ in range(rounds)]  # type: ignore[misc]
        indexed = [_microseconds(lambda f=file: f.index.first(ALERT), 500) for _ in range(rounds)]  # type: ignore[misc]
        shared = rules // teams
        about = f"{rules:,} rules of {teams:,} teams, {shared} of each"
        rows.append(
            (about, figure(statistics.median(linear)), figure(statistics.median(indexed)), ratio(indexed, linear))
        )
    table(("rules of 3 matchers", "scan of all, us", "by the index, us", "index over scan"), rows)


if __name__ == "__main__":
    run(quick=False)
