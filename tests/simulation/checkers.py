"""All checkers, one file each in `checks/`."""

from tests.simulation.check import Check
from tests.simulation.checks.addresses import Addresses
from tests.simulation.checks.budget import Budget
from tests.simulation.checks.cadence import Cadence
from tests.simulation.checks.converged import Converged
from tests.simulation.checks.coverage import Coverage
from tests.simulation.checks.durable import Durable
from tests.simulation.checks.excludes import Excludes
from tests.simulation.checks.foreign import Foreign
from tests.simulation.checks.grace import Grace
from tests.simulation.checks.guards import Guards
from tests.simulation.checks.halts import Halts
from tests.simulation.checks.intents import Intents
from tests.simulation.checks.kept import Kept
from tests.simulation.checks.layouts import Layouts
from tests.simulation.checks.limits import Limits
from tests.simulation.checks.lock import Lock
from tests.simulation.checks.lost import Lost
from tests.simulation.checks.notices import Notices
from tests.simulation.checks.orphans import Orphans
from tests.simulation.checks.pairing import Pairing
from tests.simulation.checks.policies import Policies
from tests.simulation.checks.renames import Renames
from tests.simulation.checks.renewals import Renewals
from tests.simulation.checks.restarts import Restarts
from tests.simulation.checks.rotations import Rotations
from tests.simulation.checks.schedules import Schedules
from tests.simulation.checks.secrets import Secrets
from tests.simulation.checks.serial import Serial
from tests.simulation.checks.sessions import Sessions
from tests.simulation.checks.stops import Stops
from tests.simulation.checks.successions import Successions
from tests.simulation.checks.suspends import Suspends
from tests.simulation.checks.uids import Uids

CHECKS: tuple[type[Check], ...] = (
    Addresses,
    Budget,
    Cadence,
    Converged,
    Coverage,
    Durable,
    Excludes,
    Foreign,
    Grace,
    Guards,
    Halts,
    Intents,
    Kept,
    Layouts,
    Limits,
    Lock,
    Lost,
    Notices,
    Orphans,
    Pairing,
    Policies,
    Renames,
    Renewals,
    Restarts,
    Rotations,
    Schedules,
    Secrets,
    Serial,
    Sessions,
    Stops,
    Successions,
    Suspends,
    Uids,
)
