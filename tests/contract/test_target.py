"""The suite calls nothing but a simulator unless everything about another service is named."""

import pytest

from tests.contract.target import NAMES, PREFIX, Target, named_by

COMPLETE = {
    PREFIX + "URL": "https://api.example.org/",
    PREFIX + "APP_ID": "an-app",
    PREFIX + "CUSTOMER_ID": "a-customer",
    PREFIX + "CUSTOMER_SECRET": "hidden",
    PREFIX + "CHANNEL": "lobby",
    PREFIX + "STORAGE": '{"vendor": 1}',
    PREFIX + "TOKEN": "none",
}


def test_without_an_address_a_simulator_is_checked() -> None:
    others = {name: value for name, value in COMPLETE.items() if name != PREFIX + "URL"}
    assert named_by(others) == Target()
    assert Target().url is None


def test_a_named_service_is_checked() -> None:
    target = named_by(COMPLETE)
    assert target.url == "https://api.example.org"
    assert (target.app_id, target.channel, target.token) == ("an-app", "lobby", None)
    assert target.storage == {"vendor": 1}
    assert "hidden" not in repr(target)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_missing_is_named(name: str) -> None:
    others = {each: value for each, value in COMPLETE.items() if each != PREFIX + name}
    with pytest.raises(ValueError, match=PREFIX + name):
        named_by(others)
