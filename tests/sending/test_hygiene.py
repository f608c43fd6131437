"""Text of strangers made harmless, and secrets taken out of what is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pager.core.hygiene import clean, clean_title, redact, spoken


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("disk full\n\tsda", "disk full\n\tsda", id="newlines and tabs stay"),
        pytest.param("a\x00b\x1b[31mc\x7f\x9b", "ab[31mc", id="controls go"),
        pytest.param("a\r\nb\rc\u2028d", "a\nb\nc\nd", id="every kind of line end is a newline"),
        pytest.param("x\ud800y", "x\ufffdy", id="half a character is shown as missing"),
        pytest.param("safe \u202etxt.exe\u2066", "safe txt.exe", id="text reads as it is written"),
        pytest.param("@everyone and @HERE", "@\u200beveryone and @\u200bHERE", id="nobody calls everyone"),
        pytest.param("<!channel> <@U123>", "<\u200b!channel> <\u200b@U123>", id="nor the channel"),
        pytest.param("@\x00everyone", "@\u200beveryone", id="not even in disguise"),
        pytest.param("@**all** @room", "@\u200b**all** @\u200broom", id="by whatever name the room is called"),
        pytest.param("<users/all>", "<\u200busers/all>", id="in every chat's own way"),
        pytest.param("[bank](https://e.example)", "[bank]\u200b(https://e.example)", id="a link shows where it goes"),
        pytest.param("<https://e.example|bank>", "<\u200bhttps://e.example|bank>", id="also Slack's own links"),
        pytest.param("@anna wrote", "@anna wrote", id="people may be named"),
        pytest.param("👩‍🚒 ü 漢", "👩‍🚒 ü 漢", id="the world's letters stay"),
    ],
)
def test_clean(text: str, expected: str) -> None:
    assert clean(text) == expected


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert clean_title(clean_title(text)) == clean_title(text)


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_whatever_comes_can_be_sent(text: str) -> None:
    body, title = clean(text), clean_title(text)

    body.encode()
    assert not set(title) & {"\r", "\n", "\x00"} and "\x00" not in body


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Disk full", "Disk full", id="words are spoken as they are"),
        pytest.param("<Response><Dial>+1900</Dial></Response>", "Alert: <Response>", id="a document is read out"),
        pytest.param(" \n<Dial>", "Alert:  \n<Dial>", id="also behind blanks"),
    ],
)
def test_a_call_speaks_text_and_never_runs_it(text: str, expected: str) -> None:
    assert spoken(text).startswith(expected)


SECRET_URL = "hooks.example.org/services/T0AAAA/B0BBBB/sEcReT%2Fkey?token=tok-12345&to=ana@example.org"


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        pytest.param("POST /services/T0AAAA/B0BBBB", "T0AAAA", id="a piece of the path"),
        pytest.param("key secret/KEY refused", "secret/key", id="decoded and in another case"),
        pytest.param("bad token tok-12...", "tok-12", id="the beginning of it"),
        pytest.param("see https://pager.example.org/p/ABCDEFGHIJ", "ABCDEFGHIJ", id="any address"),
        pytest.param(r"see https:\/\/pager.example.org\/p\/ABCDEFGHIJ", "ABCDEFGHIJ", id="any address in JSON"),
        pytest.param("called +4915112345678", "4915112345678", id="a phone number"),
        pytest.param("no such user bo.smith@example.net", "bo.smith", id="an e-mail address"),
        pytest.param("key AKIA1234567890ABCDEF invalid", "AKIA1234567890ABCDEF", id="whatever looks like a token"),
    ],
)
def test_secrets_are_taken_out(text: str, gone: str) -> None:
    assert gone.lower() not in redact(text, [SECRET_URL]).lower()


def test_what_explains_the_failure_stays() -> None:
    text = "Failed to send Slack notification: channel_not_found, error=404. CERTIFICATE_VERIFY_FAILED"

    assert redact(text, [SECRET_URL]) == text
