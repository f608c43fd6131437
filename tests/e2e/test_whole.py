"""The main job, with the real programs: a rule fires in Prometheus, and the person on call gets the page."""

import re
from pathlib import Path

import aiohttp

from tests.e2e.daemon import Daemon, running
from tests.e2e.monitoring import Program, alertmanager, prometheus
from tests.e2e.sinks import HttpSink, MailSink, http_sink, mail_sink
from tests.support import wait_until

SCHEDULES = """
schedule: payments
timezone: Europe/Berlin
rotation:
  - {{from: 2026-01-05, people: [ana]}}
---
people:
  ana: {{name: Ana Lima, timezone: Europe/Lisbon, contacts: {{push: "{ana}", mail: "{mail}"}}}}
  bo: {{name: Bo Berg, timezone: Europe/Berlin, contacts: {{push: "{bo}"}}}}
teams:
  payments: {{people: [ana, bo]}}
"""
RULES = """
rules:
  - name: checkout down
    match: [alertname = CheckoutDown]
    severity: SEV-2
    policy: payments
    runbook: https://runbooks.example.org/checkout-down
policies:
  payments:
    steps:
      - {page: [payments], wait: 3s}
      - {page: ["person:bo"], wait: 60s}
"""
ALERTMANAGER = """
route: {{receiver: pager, group_by: [alertname, cluster], group_wait: 1s, group_interval: 1s, repeat_interval: 4h}}
receivers:
  - name: pager
    webhook_configs:
      - url: {url}/webhook/alertmanager
        send_resolved: true
"""
PROMETHEUS = """
global: {{evaluation_interval: 1s, scrape_interval: 1s}}
alerting:
  alertmanagers:
    - static_configs: [{{targets: ["{target}"]}}]
rule_files: [rules.yml]
"""
FIRING = """
groups:
  - name: checkout
    rules:
      - alert: CheckoutDown
        expr: {expr}
        labels: {{severity: critical, service: checkout, cluster: prod-eu1}}
        annotations: {{summary: "Checkout answers 502 for 12% of requests"}}
"""


def config(http: HttpSink, mail: MailSink) -> dict[str, str]:
    contacts = {"ana": http.contact("ana"), "bo": http.contact("bo"), "mail": mail.contact("ana")}
    return {"rules/all.yaml": RULES, "schedules/all.yaml": SCHEDULES.format(**contacts)}


async def test_a_rule_that_fires_in_prometheus_pages_the_person_on_call_until_it_is_resolved(tmp_path: Path) -> None:
    async with http_sink() as http, mail_sink() as mail, running(tmp_path, config(http, mail)) as daemon:
        async with alertmanager(tmp_path / "am", ALERTMANAGER.format(url=daemon.url)) as am:
            await the_page_arrives(tmp_path, daemon, am, http, mail)


async def the_page_arrives(tmp_path: Path, daemon: Daemon, am: Program, http: HttpSink, mail: MailSink) -> None:
    files = {
        "prometheus.yml": PROMETHEUS.format(target=am.url.removeprefix("http://")),
        "rules.yml": FIRING.format(expr="vector(1)"),
    }
    async with prometheus(tmp_path / "prom", files) as prom:
        await wait_until(lambda: http.to("ana") and mail.to("ana"), 60, "the page on both of ana's contacts")
        for page in (http.to("ana")[0], mail.to("ana")[0]):
            words = f"{page.title}\n{page.body}"
            assert "SEV-2" in words
            assert "Checkout answers 502 for 12% of requests" in words
            assert "https://runbooks.example.org/checkout-down" in words
            assert re.search(r"since \d\d:\d\d", words)
            assert re.search(rf"{re.escape(daemon.url)}/p/[a-z2-7]{{16}}", words)
        await wait_until(lambda: http.to("bo"), 30, "the next step, after its wait")
        assert 2.5 <= http.to("bo")[0].at - http.to("ana")[0].at <= 8

        await acknowledge(http.to("bo")[0].body)
        incident = (await daemon.incidents("open"))[0]
        assert (incident["state"], incident["acked_by"], incident["severity"]) == ("acknowledged", "bo", "SEV-2")

        (tmp_path / "prom" / "rules.yml").write_text(FIRING.format(expr="vector(1) > 2"), encoding="utf-8")
        prom.process.send_signal(1)
        await wait_until(lambda: no_open_incident(daemon), 60, "the resolve to close it")
        pages = (await daemon.get(f"/api/v1/incidents/{incident['code']}/pages"))["pages"]
        told = {page["to"] for page in pages if page["why"] == "resolved"}
        assert told == {"ana", "bo"}
        assert [got.title for got in http.to("ana")].count(http.to("ana")[0].title) == 1


async def acknowledge(body: str) -> None:
    link = re.search(r"http://\S+/p/[a-z2-7]{16}", body)
    assert link is not None
    async with aiohttp.request("POST", link[0], data={"action": "ack"}) as answer:
        assert answer.status == 200


async def no_open_incident(daemon: Daemon) -> bool:
    return not await daemon.incidents("open")
