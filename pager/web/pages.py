"""The pages inside: what is served to whoever may come in, one file a page."""

from pager.web import incident, login, me, now, oncall

SERVED = (now, incident, oncall, login, me)
