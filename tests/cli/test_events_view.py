import io
import json

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.cli.console import Console
from reconciler.cli.events_view import event_json, event_text
from reconciler.state.store import Event
from tests.cli.contract import TEXT, TIME, known, one_of
from tests.cli.made_plans import texts

SCHEMA = known(
    time=TIME, recording=TEXT, type=one_of("normal", "warning"), reason=TEXT, message=TEXT
)
events = st.builds(
    Event,
    time_s=st.floats(0, 4e9),
    recording=texts,
    type=st.sampled_from(["normal", "warning"]),
    reason=texts,
    message=texts,
)


@given(events)
def test_any_event_is_one_line_of_the_contract(event: Event) -> None:
    line = event_json(event)
    assert "\n" not in line
    made = json.loads(line)
    Draft202012Validator(SCHEMA).validate(made)
    assert (made["recording"], made["message"]) == (event.recording, event.message)


@given(events)
def test_any_event_is_one_harmless_line_of_text(event: Event) -> None:
    line = event_text(event, Console(io.StringIO(), io.StringIO(), {}))
    assert line.isprintable()


def test_an_event_of_the_whole_scope_says_so() -> None:
    event = Event(time_s=0, recording="", type="warning", reason="guarded", message="held")
    line = event_text(event, Console(io.StringIO(), io.StringIO(), {}))
    assert line == "1970-01-01T00:00:00Z  warning  (scope)  guarded: held"
