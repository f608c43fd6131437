"""Mutations: each body of the corpus, broken in many ways, is read with sense or refused by its path."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pager.core.report import Malformed
from pager.presets import presets
from pager.sources import SOURCES
from pager.sources.generic import wrapped
from pager.sources.wire import decode

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
FOLDERS = {"alertmanager": "alertmanager", "grafana": "grafana", "opsgenie": "opsgenie", "pagerduty": "pagerduty"}
FOLDERS |= {"prometheus-api": "prometheus", "azure-monitor": "azure", "aws-sns": "cloudwatch", "icinga": "icinga"}
FOLDERS |= {
    name: name for name in ("datadog", "elastic", "gcp", "github", "graylog", "kubernetes", "newrelic", "pingdom")
}
FOLDERS |= {name: name for name in ("sentry", "slack", "uptime-kuma", "uptimerobot", "victorops", "zabbix")}
FOLDERS |= {"generic": "generic", "keep-misc": "generic"}
LARGEST = 60_000
ODD: tuple[Any, ...] = (None, "", 0, -1, 10**30, True, [], {}, [[]], {"": ""}, "\u0000\ud800", "x" * 3000, ["a"], 1e300)


def mutants(body: Any, count: int, seed: str) -> Iterator[Any]:
    """The body with something replaced, removed or doubled, somewhere in it."""
    chance = random.Random(seed)
    text = json.dumps(body)
    for _ in range(count):
        mutant = json.loads(text)
        places = list(_places(mutant))
        for inside, key in chance.sample(places, min(len(places), chance.choice((1, 1, 1, 3)))):
            if chance.random() < 0.2 and isinstance(inside, dict):
                inside.pop(key, None)
            elif isinstance(inside, dict) or key < len(inside):
                inside[key] = chance.choice(ODD)
        yield mutant


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield value, key
        yield from _places(child)


def check(payload: bytes, dialect: str) -> None:
    try:
        parsed = SOURCES[dialect].parse(payload, NOW, "x")
    except Malformed as error:
        assert error.path
        assert error.what
        return
    for alert in parsed.alerts:
        assert alert.key
        assert alert.labels or alert.identity
        assert alert.ends_at is None or alert.ends_at >= alert.starts_at
        words = [
            *alert.labels,
            *alert.labels.values(),
            *alert.annotations.values(),
            alert.identity,
            alert.generator_url,
        ]
        "".join(words).encode()
        assert "\0" not in "".join(words)


@pytest.mark.parametrize("count", [10, pytest.param(500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_a_broken_body_is_read_or_refused(payloads: Path, folder: str, count: int) -> None:
    name = FOLDERS[folder]
    for path in sorted((payloads / folder).glob("*.json")):
        if path.stat().st_size > LARGEST:
            continue
        for mutant in mutants(json.loads(path.read_bytes()), count, path.stem):
            payload = json.dumps(mutant).encode()
            if name not in SOURCES:
                check(SOURCES["generic"].redact(as_kept(payload, name)), "generic")
            else:
                check(payload, name)
                check(SOURCES[name].redact(payload), name)


def as_kept(payload: bytes, preset: str) -> bytes:
    return wrapped(decode(payload), presets()[preset])
