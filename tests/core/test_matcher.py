"""Matchers: what they match, what they refuse, and that they print what they read (rule 6)."""

import signal
import time
from collections.abc import Iterator

import pytest

from pager.core.matcher import all_match, parse_matcher
from tests.support import covers

LABELS = {
    "alertname": "CheckoutDown",
    "env": "prod-eu",
    "affected_percent": "50",
    "load": "97.5%",
    "count": "1_000",
    "instance": "10.0.0.1",
    "text": "two\nlines",
    "half": "caf\ud800",
    "k8s.io/name": "web 1",
    "path": r"C:\d",
}


@pytest.mark.parametrize(
    ("written", "matches"),
    [
        pytest.param("alertname = CheckoutDown", True, id="equal"),
        pytest.param("alertname=CheckoutDown", True, id="blanks are of no matter"),
        pytest.param('alertname = "CheckoutDown"', True, id="nor are quotes"),
        pytest.param("alertname = checkoutdown", False, id="case is"),
        pytest.param("env != prod", True, id="not equal"),
        pytest.param('env =~ "prod.*"', True, id="an expression"),
        pytest.param("env =~ prod", False, id="expressions are anchored"),
        pytest.param("env =~ prod|prod-eu", True, id="words to choose from"),
        pytest.param('env =~ "prod-(eu|us)"', True, id="a choice within"),
        pytest.param('env !~ "prod.*"', False, id="not like an expression"),
        pytest.param("team = ''", False, id="single quotes are no quotes"),
        pytest.param('team = ""', True, id="a missing label is the empty string"),
        pytest.param("team != payments", True, id="which is not payments"),
        pytest.param('team =~ ".*"', True, id="which everything matches"),
        pytest.param('team =~ ".+"', False, id="but which is nothing"),
        pytest.param('team !~ ".+"', True, id="and not like something"),
        pytest.param('team =~ "payments|"', True, id="nothing is one of the words"),
        pytest.param("affected_percent >= 50", True, id="a number"),
        pytest.param("affected_percent > 50", False, id="more than"),
        pytest.param("affected_percent < 9", False, id="numbers are not compared as words"),
        pytest.param("affected_percent <= 5e1", True, id="with an exponent"),
        pytest.param("load > 97", True, id="a percent sign is left out"),
        pytest.param("env >= 1", False, id="no number does not match"),
        pytest.param("env < 1", False, id="either way"),
        pytest.param("team >= 0", False, id="nor does a missing one"),
        pytest.param("count >= 1", False, id="only Python writes 1_000"),
        pytest.param(r'instance =~ "10\.0\.0\.\d"', True, id="an escape of the expression needs no second backslash"),
        pytest.param(r'instance =~ "10\\.0\\.0\\.1"', True, id="and may have one"),
        pytest.param(r'instance =~ "10.0\d0.1"', False, id="and is not lost"),
        pytest.param(r'text = "two\nlines"', True, id="a line break"),
        pytest.param(r'text =~ "two.lines"', True, id="a dot is any sign"),
        pytest.param(r'path = "C:\d"', True, id="an unknown escape stays"),
        pytest.param('half =~ "caf.*"', True, id="half a character is no error"),
        pytest.param('half !~ "tea.*"', True, id="nor in its opposite"),
        pytest.param('"k8s.io/name" = "web 1"', True, id="any name of a label, in quotes"),
        pytest.param("k8s.io/name =~ web.+", True, id="or without, where it has no blank"),
    ],
)
@covers("R6")
def test_matcher(written: str, matches: bool) -> None:
    matcher = parse_matcher(written)

    assert matcher.matches(LABELS) is matches
    assert parse_matcher(str(matcher)) == matcher, "what is printed can be read"


def test_all_must_match_and_none_is_everything() -> None:
    down, test = parse_matcher("alertname = CheckoutDown"), parse_matcher("env = test")

    assert [all_match(both, LABELS) for both in ((), (down,), (down, test))] == [True, True, False]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param("alertname", "not a matcher", id="no operator"),
        pytest.param("= x", "not a matcher", id="no label"),
        pytest.param("alertname == x", "not a matcher", id="as in a program"),
        pytest.param('env = "prod', "not a matcher", id="an open quote"),
        pytest.param('env = "a" or "b"', "not a matcher", id="two words in quotes"),
        pytest.param('env =~ "prod("', "not an RE2 expression", id="a broken expression"),
        pytest.param(r'env =~ "(a)\1"', "not an RE2 expression", id="what RE2 cannot do"),
        pytest.param('env =~ "(?=a)"', "not an RE2 expression", id="nor look ahead"),
        pytest.param("load >= high", "compares numbers", id="a word for a number"),
        pytest.param("load >= nan", "compares numbers", id="no number at all"),
        pytest.param(5, "not a matcher", id="a number"),
        pytest.param(None, "not a matcher", id="nothing"),
    ],
)
def test_what_is_no_matcher(written: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_matcher(written)


def test_a_long_expression_does_not_take_long() -> None:
    matcher = parse_matcher('env =~ "(a+)+b"')

    assert not matcher.matches({"env": "a" * 20_000})


@pytest.fixture
def alarm() -> Iterator[None]:
    """Ends a test that would take for ever: a backtracking engine needs longer than the world will last."""

    def ring(*_: object) -> None:
        raise TimeoutError("5 s and no end of it")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 5)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@covers("T14")
@pytest.mark.usefixtures("alarm")
@pytest.mark.parametrize(
    ("expression", "text"),
    [
        pytest.param("(a+)+$", "a" * 50_000 + "!", id="a repetition of repetitions"),
        pytest.param("(a|aa)+$", "a" * 50_000 + "!", id="two ways to read each letter"),
        pytest.param("(a|a?)+$", "a" * 50_000 + "!", id="of which one reads nothing"),
        pytest.param("(.*a){20}", "a" * 5_000 + "!", id="twenty of anything"),
        pytest.param(r"([a-zA-Z]+)*\d", "x" * 50_000, id="words without the digit that ends them"),
        pytest.param(r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 50_000, id="a famous one for names"),
        pytest.param(r"(\w+\s?)*!", "w " * 25_000, id="words and blanks"),
        pytest.param("x*x*x*x*x*x*x*x*y", "x" * 50_000, id="eight stars in a row"),
    ],
)
def test_t14_no_expression_takes_long_over_a_text_made_for_it(expression: str, text: str) -> None:
    matcher = parse_matcher(f'label =~ "{expression}"')
    took = []
    for _ in range(5):
        began = time.process_time()
        matcher.matches({"label": text})
        took.append(time.process_time() - began)

    assert min(took) < 0.05


@covers("T14")
def test_t14_what_only_a_backtracking_engine_can_do_is_refused() -> None:
    for expression in (r"(a)\1", "(?=a)b", "(?<=a)b", "(a{1000}){1000}"):
        with pytest.raises(ValueError, match="not an RE2 expression"):
            parse_matcher(f'label =~ "{expression}.*"')
