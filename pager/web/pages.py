"""The pages inside: what is served to whoever may come in, one file a page."""

from pager.web import alerts, declare, incident, login, manual, me, now, oncall, rules, system

SERVED = (now, incident, oncall, alerts, rules, declare, system, manual, login, me)
