"""Runbooks behind a page link: rendered, harmless, and never an error."""

from pathlib import Path

import pytest

from pager.web.runbook import as_html, read_runbook
from tests.api.house import CATALOG, House, opened, with_runbook

GUIDE = "# Checkout is down\n\n1. Look\n2. `rollout undo`\n\n| code | means |\n|---|---|\n| 502 | gateway |\n"


async def runbook(house: House, rest: str = "/runbook") -> tuple[int, str]:
    async with house.http.get(house.url + await house.link("ana") + rest, allow_redirects=False) as answer:
        return answer.status, await answer.text()


async def test_a_file_is_rendered(house: House, tmp_path: Path) -> None:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "CheckoutDown.md").write_text(GUIDE)
    code = await house.fires("CheckoutDown")

    status, html = await runbook(house)

    assert status == 200
    assert "<h1>Checkout is down</h1>" in html
    assert "<code>rollout undo</code>" in html
    assert "<td>gateway</td>" in html
    assert f"Back to {code}" in html


async def test_what_is_not_written_yet_says_where_to_write_it(house: House) -> None:
    await house.fires("CheckoutDown")

    status, html = await runbook(house)

    assert status == 200
    assert "No runbook is written yet" in html
    assert "<code>runbooks/CheckoutDown.md</code>" in html


async def test_a_runbook_elsewhere_is_a_link_and_no_redirect(tmp_path: Path) -> None:
    async with opened(tmp_path, with_runbook(CATALOG, "https://runbooks.example.org/{alertname}")) as house:
        await house.fires("CheckoutDown")

        status, html = await runbook(house)
        _, page = await runbook(house, "")

    link = 'href="https://runbooks.example.org/CheckoutDown"'
    assert status == 200
    assert f'{link} rel="noopener noreferrer"' in html
    assert f'{link} rel="noopener noreferrer"' in page


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("runbooks/../secret.md", id="up and out"),
        pytest.param("../secret.md", id="out"),
        pytest.param("secret.md", id="beside it"),
        pytest.param("/etc/passwd", id="absolute"),
        pytest.param("runbooks/link.md", id="by a symbolic link"),
        pytest.param("runbooks/notes.txt", id="not Markdown"),
        pytest.param("runbooks/folder.md", id="a folder"),
        pytest.param("runbooks/\0.md", id="NUL"),
        pytest.param("runbooks/" + "x" * 300 + ".md", id="a name that is too long"),
        pytest.param("", id="nothing"),
    ],
)
def test_nothing_else_is_read(tmp_path: Path, path: str) -> None:
    runbooks = tmp_path / "runbooks"
    (runbooks / "folder.md").mkdir(parents=True)
    (tmp_path / "secret.md").write_text("secret")
    (runbooks / "notes.txt").write_text("notes")
    (runbooks / "link.md").symlink_to(tmp_path / "secret.md")

    assert read_runbook(tmp_path, path) is None


def test_files_in_folders_below_are_read(tmp_path: Path) -> None:
    (tmp_path / "runbooks" / "roles").mkdir(parents=True)
    (tmp_path / "runbooks" / "roles" / "commander.md").write_bytes(b"caf\xe9")

    assert read_runbook(tmp_path, "runbooks/roles/commander.md") == "caf\ufffd"


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](http://evil.example/x.png)",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        '<a href="https://x" onclick="alert(1)">x</a>',
        "<style>body{display:none}</style>",
        "<form action=https://evil.example><button>Acknowledge</button></form>",
        "<iframe src=https://evil.example></iframe>",
    ],
)
def test_a_runbook_can_do_nothing(text: str) -> None:
    html = as_html(text).lower()

    assert all(f"<{tag}" not in html for tag in ("script", "img", "style", "form", "button", "iframe"))
    assert 'href="javascript:' not in html
    assert 'href="data:' not in html
