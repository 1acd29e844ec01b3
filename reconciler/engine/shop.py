"""The parts of the engine, put together for one run: one place for commands and the daemon."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.engine.apps import Apps, Outside, at_known_endpoints
from reconciler.engine.assess import specs_of
from reconciler.engine.differ import Differ
from reconciler.engine.halt import Halt
from reconciler.engine.records import Records
from reconciler.engine.site import NO_SPECS, Site, Specs
from reconciler.engine.vault import Vault
from reconciler.plan.world import Options
from reconciler.spec.apps import AppDefinition, broken, thaw
from reconciler.spec.catalog import Catalog
from reconciler.spec.resolve import Resolver


@dataclass(frozen=True, slots=True)
class Shop:
    """A Site and what decides on it; `held`: another run has the scope's lock."""

    site: Site
    differ: Differ
    held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Materials:
    """What a Shop is made of beside the specs and the records.

    `acts`: it may change things, and call Apps wherever the specs say. `halt` ends the work on all
    Shops that are made of these.
    """

    outside: Outside
    resolver: Resolver
    acts: bool
    at_s: float | None = None
    alarm: Callable[[str], None] = lambda _: None
    halt: Halt = field(default_factory=Halt)


def assemble(
    records: Records, catalog: Catalog | None, options: Options, materials: Materials
) -> Shop:
    """Put the parts together; without a catalog the Apps are those that state remembers."""
    store, outside = records.store, materials.outside
    vault = Vault(materials.resolver, store.key)
    specs = specs_of(catalog, records.recorded) if catalog else NO_SPECS
    remembered = {name: _thawed(name, text) for name, text in records.apps.items()}
    definitions = _definitions(catalog.apps if catalog else {}, remembered, specs)
    calls = definitions if materials.acts else at_known_endpoints(definitions, remembered)
    apps = Apps(definitions, vault, store.salt, outside, calls=calls, halt=materials.halt)
    site = Site(
        records=records,
        apps=apps,
        vault=vault,
        specs=specs,
        clock=outside.clock,
        rng=outside.rng,
        options=options,
        at_s=materials.at_s,
        alarm=materials.alarm,
    )
    return Shop(site, Differ(specs, apps, vault, store))


def _definitions(
    named: Mapping[str, AppDefinition], remembered: Mapping[str, AppDefinition], specs: Specs
) -> dict[str, AppDefinition]:
    """Return the Apps of the specs, and those that only state knows.

    Where the last App manifest is gone, the specs' App is that of the environment. If nothing uses
    it, what runs is stopped with what state remembers of its name.
    """
    found = {**remembered, **named}
    for name in named.keys() & remembered.keys():
        is_used = any(wanted.app == name for wanted in specs.wanted.values())
        if named[name].of_environment and not is_used:
            found[name] = remembered[name]
    return found


def _thawed(name: str, text: str) -> AppDefinition:
    try:
        return thaw(text)
    except (ValueError, TypeError, KeyError, AttributeError):
        return broken(name, "what state says of it cannot be read")
