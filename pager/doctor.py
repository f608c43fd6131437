"""The doctor: asks each part of a running pager how it is, and says of what is not well how to mend it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from shutil import disk_usage
from typing import Literal

from msgspec import Struct

from pager.core.duration import format_duration
from pager.core.proven import proven_urls, standing, unproven
from pager.core.webhook import Webhook, key_of
from pager.engine import Engine
from pager.last_mail import PORTS, mailbox_of
from pager.mail_look import why_deaf
from pager.needs import missing_secrets, unusable_contacts
from pager.secrets import MissingSecret, Secrets
from pager.source_checks import Said, examine_extras, examine_sources
from pager.sources.mail import DIALECT
from pager.store import proofs, webhooks
from pager.upkeep import Upkeep

LEAST_FREE = 0.15
MOST_OFFSET = 5.0
MOST_NAMED = 10


class Check(Struct, frozen=True):
    """One thing that was looked at: `warn` is not well, but pages go out. `mend` says what to do about it."""

    name: str
    level: Literal["ok", "warn", "FAIL"]
    said: str
    mend: str = ""


async def examine(upkeep: Upkeep, secrets: Secrets) -> list[Check]:
    """All checks, in the order in which they matter. Proves by real work that pages would go out."""
    stalled = await upkeep.deadman.stalls()
    mend = "look at the log of pagerd; if it does not get on by itself, start it again"
    return [
        _check("progress", stalled, "the loops come round, the database takes writes, the sender takes jobs", mend),
        _check("files", upkeep.files.remarks(), "the files on disk are in force", "pagerctl check, then reload"),
        *_from_outside(upkeep, secrets),
        await proven_contacts(upkeep.engine),
        *_backup(upkeep),
        *_disk(upkeep),
        _clock(upkeep),
        *await webhooks_taken(upkeep.engine, secrets),
        *await _mail(upkeep),
        *_senders(await examine_sources(upkeep.engine)),
        *_senders(examine_extras(upkeep.engine.catalog, upkeep.settings)),
        _last_resort(upkeep, secrets),
        _deadman(upkeep),
    ]


def _check(name: str, wrong: list[str], fine: str, mend: str) -> Check:
    if not wrong:
        return Check(name, "ok", fine)
    more = f" and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
    return Check(name, "FAIL", "; ".join(wrong[:MOST_NAMED]) + more, mend)


def _from_outside(upkeep: Upkeep, secrets: Secrets) -> Iterator[Check]:
    catalog = upkeep.engine.catalog
    missing = [f"{name} for {what}" for name, what in missing_secrets(catalog, secrets).items()]
    mend = "set them in the environment, as NAME_FILE, or in a file of the credentials folder or /run/secrets"
    yield _check("secrets", missing, "each secret is there", mend)
    mend = "mend the contacts in schedules/, then pagerctl reload"
    yield _check("contacts", unusable_contacts(catalog, secrets), "each contact can be sent to", mend)


def _senders(said: list[Said]) -> list[Check]:
    return [Check(name, "ok" if well else "warn", words, mend) for name, well, words, mend in said]


async def proven_contacts(engine: Engine) -> Check:
    """Whether test pages have shown that people can be reached, and first of all whoever is on call now."""
    catalog = engine.catalog
    proven, now = await engine.database.read(lambda tx: (proofs.proven(tx, proven_urls(catalog)), tx.now()))
    known = standing(catalog, proven, now)
    missing = unproven(known)
    if not missing:
        return Check("proven", "ok", f"each of {len(known)} contacts was proven within 30 days")
    on_call = {name for schedule in catalog.schedules for name in catalog.on_call(schedule, now).people}
    first = sorted(missing, key=lambda name: (name not in on_call, name))
    named = [f"{name}{' (on call now)' if name in on_call else ''}: {', '.join(missing[name])}" for name in first]
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    count = sum(map(len, missing.values()))
    said = f"{count} of {len(known)} contacts not proven for 30 days: {'; '.join(named[:MOST_NAMED])}{more}"
    return Check("proven", "warn", said, f"pagerctl page test {first[0]}")


async def webhooks_taken(engine: Engine, secrets: Secrets) -> list[Check]:
    """How those are who are told of events; no page waits for them."""
    written = engine.catalog.webhooks
    if not written:
        return []
    states, now = await engine.database.read(lambda tx: (webhooks.states(tx), tx.now()))
    wrong = [
        f"{name}: {why}" for name in written if (why := _wrong_with(written[name], states.get(name), now, secrets))
    ]
    if not wrong:
        return [Check("webhooks", "ok", f"{len(written)} named, and each takes what it is told")]
    first = wrong[0].partition(":")[0]
    mend = f"see to the receiver, then pagerctl webhook test {first}, and pagerctl webhook on {first} if it is off"
    return [Check("webhooks", "warn", "; ".join(wrong[:MOST_NAMED]), mend)]


def _wrong_with(webhook: Webhook, state: webhooks.State | None, now: datetime, secrets: Secrets) -> str:
    try:
        secrets.fill(webhook.url)
        for name in webhook.secret:
            key_of(secrets.get(name))
    except (MissingSecret, ValueError) as error:
        return f"its secret cannot be used: {error}"
    if state is None or (state.off_at is None and state.failing_since is None):
        return ""
    if state.off_at is not None:
        return f"off for {format_duration(_since(state.off_at, now))}: {state.off_why}"
    failing = format_duration(_since(state.failing_since or now, now))
    return f"failing for {failing}, {state.waiting} events wait: {state.said}"


def _since(at: datetime, now: datetime) -> timedelta:
    return timedelta(seconds=max(0, int((now - at).total_seconds())))


def _backup(upkeep: Upkeep) -> Iterator[Check]:
    if upkeep.backups is None:
        if upkeep.settings.database.startswith("postgres"):
            yield Check("backup", "ok", "PostgreSQL makes its own: see that pg_dump or archiving runs")
        return
    age = timedelta(seconds=int(upkeep.own.backup_age()))
    if upkeep.own.backed_up_at is None:
        yield Check("backup", "FAIL", "there is none yet", "pagerctl db backup says why")
    elif age > 2 * upkeep.backups.every:
        yield Check("backup", "FAIL", f"the newest is {format_duration(age)} old", "pagerctl db backup says why")
    else:
        yield Check("backup", "ok", f"the newest is {format_duration(age)} old, in {upkeep.backups.folder}")


def _disk(upkeep: Upkeep) -> Iterator[Check]:
    folder = upkeep.own.folder
    if folder is None:
        return
    try:
        room = disk_usage(folder)
    except OSError as error:
        yield Check("disk", "FAIL", f"{folder}: {error.strerror}", "see that the folder is there and is pagerd's own")
        return
    said = f"{room.free / room.total:.0%} of the disk of {folder} is free"
    fine = room.free >= LEAST_FREE * room.total
    yield Check("disk", "ok", said) if fine else Check("disk", "FAIL", said, "make room: under 10 % intake stops")


def _clock(upkeep: Upkeep) -> Check:
    offset = upkeep.deadman.offset
    if offset is None:
        return Check("clock", "ok", "compared with nobody: those whom deadman names would tell")
    said = f"{abs(offset):g} s {'ahead of' if offset > 0 else 'behind'} those whom pager signals to"
    fine = abs(offset) <= MOST_OFFSET
    return Check("clock", "ok", said) if fine else Check("clock", "FAIL", said, "see that chrony or timesyncd runs")


async def _mail(upkeep: Upkeep) -> list[Check]:
    """Whether mail comes in, where it should: the address is asked, as a sender would."""
    listen = upkeep.settings.smtp_listen
    named = [source.name for source in upkeep.engine.catalog.sources.values() if source.dialect == DIALECT]
    if not listen:
        said = f"no smtp_listen is set: {', '.join(named[:MOST_NAMED])} can only post to /webhook/mail"
        return [Check("mail in", "warn", said, "pagerctl help mail")] if named else []
    if why := await why_deaf(listen):
        return [Check("mail in", "FAIL", why, "see who has the address of smtp_listen; pagerd tries again")]
    if not named:
        return [Check("mail in", "warn", f"{listen} answers, and no source has `dialect: mail`", "pagerctl help mail")]
    return [Check("mail in", "ok", f"{listen} answers, for {', '.join(named[:MOST_NAMED])}")]


def _last_resort(upkeep: Upkeep, secrets: Secrets) -> Check:
    addresses = upkeep.settings.last_resort
    if not addresses:
        mend = 'set last_resort in pager.toml, such as ["smtp://mail.example.org/?to=ops@example.org"]'
        return Check("last resort", "warn", "none is set: when no contact works, nobody hears of it", mend)
    wrong = []
    for number, address in enumerate(addresses, 1):
        try:
            filled = secrets.fill(address)
            if filled.partition("://")[0] in PORTS:
                mailbox_of(filled)
        except (MissingSecret, ValueError) as error:
            wrong.append(f"number {number}: {error}")
    return _check("last resort", wrong, f"{len(addresses)} set", "mend last_resort in pager.toml, and start again")


def _deadman(upkeep: Upkeep) -> Check:
    count = len(upkeep.settings.deadman)
    if not count:
        mend = 'set deadman in pager.toml, such as ["https://hc-ping.com/${HC_KEY}"], and let that page by another way'
        return Check("dead man", "warn", "nobody outside would notice if pager died", mend)
    unheard = [f"number {number} did not hear the last sign of life" for number in sorted(upkeep.deadman.unheard)]
    return _check("dead man", unheard, f"{count} set", "see the log for the reason")
