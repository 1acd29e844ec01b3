"""Where notifications come from (agora-api.md 4.5)."""

import ipaddress

import httpx
import pytest

from tests.contract.customer import gateway, granted


@pytest.mark.parametrize("path", ["/v1/ncs/ip", "/v2/ncs/ip"])  # K40
def test_the_addresses_of_notifications_are_told(http: httpx.Client, path: str) -> None:
    hosts = granted(http.get(path))["data"]["service"]["hosts"]
    assert hosts
    for host in hosts:
        assert not ipaddress.ip_address(host["primaryIP"]).is_unspecified


def test_strangers_are_not_told(http: httpx.Client) -> None:
    assert gateway(http.get("/v1/ncs/ip", auth=None)) == (401, "Unauthorized")


def test_addresses_cannot_be_sent(http: httpx.Client) -> None:
    answer = http.post("/v1/ncs/ip", json={})
    assert gateway(answer) == (404, "no Route matched with those values")
