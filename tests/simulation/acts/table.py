"""Every act that a script can name, by its name."""

from collections.abc import Mapping

from tests.simulation.acts import (
    edits,
    hooks,
    many,
    notices,
    ours,
    people,
    requests,
    service,
    twins,
    users,
)
from tests.simulation.acts.act import Act

ACTS: Mapping[str, Act] = {
    **people.ACTS,
    **many.ACTS,
    **edits.ACTS,
    **twins.ACTS,
    **requests.ACTS,
    **users.ACTS,
    **service.ACTS,
    **hooks.ACTS,
    **notices.ACTS,
    **ours.ACTS,
}
