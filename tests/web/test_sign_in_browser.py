"""A person who signs in with a real Chromium, each way there is, and is signed out from elsewhere."""

from pathlib import Path
from urllib.parse import urlencode

import pytest

from pager.store import sessions
from tests.api.house import PASSWORD
from tests.support import wait_until
from tests.web.chromium import chromium
from tests.web.test_provider import built

pytestmark = pytest.mark.slow
SMALL, DESK = (320, 640), (1280, 900)


@pytest.mark.parametrize(
    ("size", "dark", "scripts"),
    [
        pytest.param(SMALL, True, False, id="small phone by night without scripts"),
        pytest.param(DESK, False, True, id="desk by day with scripts"),
    ],
)
async def test_a_link_a_password_a_token_a_provider_and_a_revoked_session(
    tmp_path: Path, size: tuple[int, int], dark: bool, scripts: bool
) -> None:
    async with built(tmp_path) as street, chromium(tmp_path / "profile") as browser:
        house, tab = street.house, await browser.tab(street.house.url)
        await tab.look(*size, dark=dark, scripts=scripts)

        await tab.open(await house.invited("ana"))
        for name in ("password", "again"):
            await tab.fill(f"input[name={name}]", PASSWORD)
        await tab.press("button.act")
        assert await tab.ask("location.pathname") == "/"
        await tab.open("/me")
        assert "Signed in as ana by password" in await tab.text()
        assert await tab.ask("document.documentElement.scrollWidth <= innerWidth")

        await tab.press("button[value=leave]")
        assert await tab.ask("location.pathname") == "/login"
        await tab.fill("input[name=name]", "ana")
        await tab.fill("input[name=password]", PASSWORD)
        await tab.press("form button")
        assert await tab.ask("location.pathname") == "/"

        (session,) = await house.database.read(lambda tx: sessions.of_person(tx, "ana"))
        assert await house.database.write(lambda tx: sessions.end(tx, session.id))
        await tab.open("/oncall")
        assert "Sign in" in await tab.text()

        token = await house.token("read", "bo")
        await tab.press("summary", leads_on=False)
        await tab.fill("input[name=token]", token)
        await tab.press("details button")
        assert await tab.ask("location.pathname") == "/oncall"

        # The provider sends people back to the address that the world knows pager by; here that is this one.
        await tab.press("nav a[href='/me']")
        await tab.press("button[value=leave]")
        await tab.press("a.act")
        code, asked = await wait_until(lambda: next(iter(street.op.codes.items()), None), what="the provider")
        await tab.open(f"/login/back?{urlencode({'code': code, 'state': asked['state'], 'iss': street.op.url})}")
        await tab.open("/me")
        assert "Signed in as ana by your provider" in await tab.text()
