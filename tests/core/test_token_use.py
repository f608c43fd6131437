"""Token use: which networks are learned, which are news, and when a token counts as unused."""

from datetime import UTC, datetime, timedelta

import pytest

from pager.core.token_use import MOST, Found, TokenUse, judge, network_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OFFICE, HOME = "198.51.100.0/24", "203.0.113.0/24"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        pytest.param("203.0.113.7", HOME, id="a /24 of IPv4"),
        pytest.param("::ffff:203.0.113.7", HOME, id="IPv4 that came over IPv6"),
        pytest.param("2001:db8:1:2::7", "2001:db8:1::/48", id="a /48 of IPv6"),
        pytest.param("fe80::1%eth0", "fe80::/48", id="with an interface"),
        pytest.param("", "", id="the socket"),
        pytest.param("nowhere", "", id="no address"),
    ],
)
def test_the_network_of_an_address(address: str, network: str) -> None:
    assert network_of(address) == network


def used(*networks: tuple[str, datetime]) -> TokenUse:
    return TokenUse(NOON, None, dict(networks))


@pytest.mark.parametrize(
    ("use", "at", "expected"),
    [
        pytest.param(None, NOON, "learned", id="the first use"),
        pytest.param(used(), NOON + 30 * DAY, "learned", id="the first use after a month of none"),
        pytest.param(used((OFFICE, NOON)), NOON + 7 * DAY, "learned", id="in the first week"),
        pytest.param(used((OFFICE, NOON)), NOON + 8 * DAY, "new", id="after the first week"),
        pytest.param(used((OFFICE, NOON), (HOME, NOON)), NOON + 8 * DAY, "known", id="a network that is known"),
        pytest.param(
            used(*((f"10.0.{number}.0/24", NOON) for number in range(MOST))),
            NOON + 8 * DAY,
            "roams",
            id="one that roams",
        ),
    ],
)
def test_what_a_use_means(use: TokenUse | None, at: datetime, expected: Found) -> None:
    assert judge(use, HOME, at) == expected


@pytest.mark.parametrize(
    ("use", "days", "unused"),
    [
        pytest.param(TokenUse(NOON), 6, False, id="new, and not used yet"),
        pytest.param(TokenUse(NOON), 7, True, id="never used for a week"),
        pytest.param(TokenUse(NOON, NOON + DAY), 7, False, id="used six days ago"),
        pytest.param(TokenUse(NOON, NOON + DAY), 8, True, id="used a week ago"),
    ],
)
def test_a_token_is_unused_after_a_week(use: TokenUse, days: int, unused: bool) -> None:
    assert use.is_unused(NOON + days * DAY) is unused


def test_only_networks_after_the_first_week_are_new() -> None:
    use = used((OFFICE, NOON), (HOME, NOON + 9 * DAY), ("10.0.0.0/24", NOON + 2 * DAY))
    assert use.new_networks(NOON) == [HOME]
    assert use.new_networks(NOON + 10 * DAY) == []
