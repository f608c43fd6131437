"""Explanations over HTTP."""

from datetime import timedelta

from tests.api.house import House


async def test_every_decision_of_an_incident_is_told_in_order(house: House) -> None:
    code = await house.fires("CheckoutDown", cluster="eu")
    await house.passes(timedelta(minutes=5))
    await house.post(f"/api/v1/incidents/{code}/ack", {"by": "bo"})
    told = await house.get(f"/api/v1/incidents/{code}/explain")
    texts = [(one["what"], one["text"]) for one in told["decisions"]]

    assert (told["code"], told["severity"], told["config"]) == (code, "SEV-2", "c0ffee")
    assert texts[0] == ("severity", 'SEV-2: no rule matched; the sender says "critical"')
    assert ("policy", "payments, team payments") in texts
    assert ("page", "ana is paged: step 1, on call in payments; waits to be sent") not in texts  # the ack withdrew it
    assert ("page", "ana is paged: step 1, on call in payments; not sent: it was withdrawn before") in texts
    assert ("decision", "acknowledged") in texts
    assert [one["at"] for one in told["decisions"]] == sorted(one["at"] for one in told["decisions"])
    assert {one["config"] for one in told["decisions"]} == {"c0ffee"}


async def test_an_unknown_incident_has_no_explanation(house: House) -> None:
    async with house.http.get(house.url + "/api/v1/incidents/ZZZ/explain") as answer:
        assert answer.status == 404
