"""The service that is held to the contract, and a customer of it."""

import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.contract.control import CALLS_PER_SECOND, TIME_SCALE, Control, simulator
from tests.contract.customer import Customer, Recorder, client
from tests.contract.target import TARGET

MARKER = "simulator_only(reason): needs a simulator, or takes too long or costs too much elsewhere"
TEST_S_MAX = 600  # where a test really has to wait


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


def pytest_itemcollected(item: pytest.Item) -> None:
    if TARGET.url:
        item.add_marker(pytest.mark.timeout(TEST_S_MAX))


def pytest_runtest_setup(item: pytest.Item) -> None:
    marker = item.get_closest_marker("simulator_only")
    if TARGET.url and marker:
        pytest.skip(marker.args[0])


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """The base URL of the service."""
    if TARGET.url:
        yield TARGET.url
        return
    with simulator("--time-scale", TIME_SCALE, "--qps", CALLS_PER_SECOND) as base:
        yield base


@pytest.fixture(scope="session")
def http(url: str) -> Iterator[httpx.Client]:
    """A client with the customer's credentials."""
    with client(url) as found:
        yield found


@pytest.fixture
def control(http: httpx.Client) -> Control:
    """The simulator's control interface; tests that need it are left out elsewhere."""
    if TARGET.url:
        pytest.skip("only a simulator takes orders")
    return Control(http)


@pytest.fixture
def wait(http: httpx.Client) -> Callable[[float], None]:
    """Let time pass: at once in a simulator."""
    return time.sleep if TARGET.url else Control(http).advance


@pytest.fixture
def customer(http: httpx.Client, wait: Callable[[float], None]) -> Iterator[Customer]:
    """A customer whose recordings are stopped in the end."""
    customer = Customer(http, TARGET, wait)
    yield customer
    customer.stop_all()


@pytest.fixture
def silent(customer: Customer, http: httpx.Client) -> Recorder:
    """A recorder in a channel where nobody is."""
    cname = f"{TARGET.channel}-silent"
    if not TARGET.url:
        Control(http).only(cname)
    return customer.recorder(cname)
