"""The model of each recording mode."""

from typing import TypeAlias

from reconciler.spec.kinds.individual import IndividualSpec
from reconciler.spec.kinds.mix import MixSpec
from reconciler.spec.kinds.web import WebSpec
from reconciler.spec.wire import Mode

ModeSpec: TypeAlias = IndividualSpec | MixSpec | WebSpec

MODELS: dict[Mode, type[ModeSpec]] = {
    Mode.INDIVIDUAL: IndividualSpec,
    Mode.MIX: MixSpec,
    Mode.WEB: WebSpec,
}
