"""The pages of docs/reference, made from the models and the tables: they cannot say another thing.

`tools/reference.py` writes them, and a test compares them. Pure: names of pages to their texts.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from reconciler.spec import reference_text as text
from reconciler.spec.reference_tables import NONE, FieldTables, table
from reconciler.spec.rules.rule import Rule
from reconciler.spec.rules.table import RULES
from reconciler.spec.schema_models import KINDS, VALUES, Schema, model_schemas, one_line
from reconciler.spec.schema_notes import app_note, no_note, recording_note, storage_note
from reconciler.spec.templates import WHOLE
from reconciler.spec.vendors import VENDORS, Vendor
from reconciler.spec.wire import Mode

_PAGES = {
    "App": "app.md",
    "Storage": "storage.md",
    "Recording": "recording.md",
    "RecordingSet": "recording-set.md",
    "Template": "template.md",
}
_MODES = {Mode.INDIVIDUAL: "IndividualSpec", Mode.MIX: "MixSpec", Mode.WEB: "WebSpec"}

Severity = Literal["error", "warning", "both"]

CODES: tuple[tuple[str, Severity, str], ...] = (
    ("acquire-key", "error", "`convert`: the acquire request holds what this format cannot say."),
    ("alias", "error", "An alias names an anchor that does not end before it."),
    ("alias-expansion", "error", "Aliases would expand to too much; a Template serves better."),
    ("api-version", "error", "`apiVersion` is another than this program reads."),
    ("boolean", "error", "A value is not `true` or `false`."),
    ("choice", "error", "A value is none of the words that its field has."),
    ("credentials-twice", "error", "A Storage has `credentials` and a key beside it."),
    ("cron", "error", "A cron expression cannot be read, or never comes."),
    ("document", "error", "A document is no mapping."),
    ("duplicate-key", "error", "A key stands twice in one mapping."),
    ("duplicate-name", "error", "Two manifests of a kind have one name; neither is used."),
    ("duration", "error", "A duration cannot be read, or is not in the whole units asked for."),
    ("empty", "error", "A text or a list is empty that must not be."),
    ("encoding", "error", "A file is not UTF-8."),
    ("endpoint", "error", "An endpoint is no base URL, or plain http beyond this machine."),
    ("endpoint-not-allowed", "warning", "Credentials are not sent to an endpoint's host."),
    ("file-size", "error", "A file is larger than a spec may be."),
    ("files", "error", "`files` is empty and there are no snapshots: nothing would be recorded."),
    ("generator-file", "error", "A generator's file cannot be found, read or understood."),
    ("group", "error", "`subscriptions.group` is no group and no range of uids."),
    ("group-unused", "warning", "`subscriptions.group` means nothing in mode mix."),
    ("ignore", "error", "`policy.ignore` names no field of this mode."),
    ("inline-secret", "warning", "A secret stands in the spec itself."),
    ("key", "error", "A key is no text."),
    ("kind", "error", "There is no such kind."),
    ("layout-field", "error", "A field belongs to another type of layout."),
    ("list", "error", "A value is no list."),
    ("mapping", "error", "A value is no mapping."),
    ("matrix", "error", "A matrix has a value that is no list, or too many combinations."),
    ("merge-key", "error", "`<<` has something else than mappings."),
    ("missing", "error", "A required key is missing."),
    ("mode-composite", "warning", "`composite` is read as `mix`."),
    ("name", "error", "A name has other letters than a name may have, or is too long."),
    ("nesting", "error", "Mappings or lists are nested too deep."),
    ("nul-byte", "error", "A file or text has a NUL in it."),
    ("null", "error", "A key has no value, where no template gives one to remove."),
    ("number", "error", "A value is no number, no whole one, or too small."),
    ("path", "error", "A path is not there or cannot be read; nothing is pruned then."),
    ("post-processing", "error", "`postProcessing` asks for both kinds, or for none."),
    ("prefix", "error", "A prefix is no list of folders."),
    ("raw", "both", "`raw` holds what JSON cannot; from `convert`: a key went to `raw`."),
    (
        "reference",
        "error",
        "An App, Storage or Template is named that is not there, or is there twice.",
    ),
    ("refresh", "error", "`refresh` is too short."),
    ("region", "error", "The vendor has no such region."),
    ("replicas", "error", "Too few or too many replicas."),
    ("resource-expiry-run", "warning", "A window outlasts a session, which is handed over then."),
    ("row", "error", "A row of a generator cannot be used; its Recording alone fails."),
    ("rtmp-url", "error", "An address to push to is not `rtmp://` or `rtmps://`."),
    ("schedule", "error", "A schedule has no windows and would never record."),
    ("secret", "error", "A Secret is neither text nor one sound reference."),
    ("subscribes-nothing", "error", "Nobody is subscribed: nothing would be recorded."),
    ("symlink", "error", "A link leads out of the path that was given."),
    ("tab", "error", "A tab indents a line."),
    ("tag", "error", "A YAML tag is not known, or does not fit its value."),
    (
        "template",
        "error",
        "`template` is no list of names, or Templates use each other in a circle.",
    ),
    ("text", "error", "A value is no text; quotes make it one."),
    ("time", "error", "A time cannot be read, has no offset, or comes after its end."),
    ("timezone", "error", "There is no such time zone."),
    ("token", "error", "`generate` needs the App's `certificate`."),
    ("token-end", "warning", "The token ends, and the recording cannot go on."),
    ("token-expired", "error", "The token has ended."),
    (
        "token-hand-over",
        "warning",
        "The recording outlasts any token, and the App could make new ones.",
    ),
    ("uid", "error", "A value is no uid."),
    ("uid-clash", "error", "Two Recordings record one channel as one uid."),
    ("uid-twice", "error", "A uid stands twice in one Recording."),
    ("unknown-key", "both", "A key is not known here; in `raw`, to the service's documents."),
    ("url", "error", "A page's address is no web address."),
    ("value", "error", "A value cannot be read."),
    ("variable", "error", "A `${...}` names nothing that is known, or is not closed."),
    ("vendor", "error", "There is no such storage vendor."),
    ("window-over", "warning", "A window has been over for good."),
    ("yaml", "error", "A file is not YAML."),
    ("yaml-version", "error", "A file asks for another YAML than 1.2."),
)
"""The codes that no rule has, each with the severity it comes with."""


def pages() -> dict[str, str]:
    """Return every page by its file name."""
    models = model_schemas()
    return {
        "README.md": _index(models),
        "app.md": _page("App", text.APP, FieldTables(models, app_note).write("AppSpec")),
        "storage.md": _page(
            "Storage", text.STORAGE, FieldTables(models, storage_note).write("StorageSpec")
        ),
        "recording.md": _recording(models),
        "recording-set.md": _page(
            "RecordingSet",
            text.RECORDING_SET,
            FieldTables(models, no_note).write("RecordingSetSpec"),
        ),
        "template.md": _page("Template", f"{text.TEMPLATE}{_whole()}.", text.TEMPLATE_EXAMPLE),
        "storage-regions.md": _regions(),
        "diagnostics.md": _diagnostics(),
    }


def _page(kind: str, *parts: str) -> str:
    said = {model.__name__: " ".join((model.__doc__ or "").split()) for model in KINDS}
    return _joined(f"# {kind}", said[kind], *parts)


def _joined(*parts: str) -> str:
    return "\n\n".join(parts) + "\n"


def _index(models: Mapping[str, Schema]) -> str:
    kinds = [[f"[{kind}]({page})", one_line(models[kind])] for kind, page in _PAGES.items()]
    names = [name for name in VALUES if name != "Reference"]
    values = [part for name in names for part in (f"### {name}", VALUES[name])]
    return _joined(
        "# Reference",
        text.INDEX,
        table(["Kind", "What it is"], kinds),
        text.OTHER_PAGES,
        "## Every manifest",
        text.ENVELOPE,
        FieldTables(models, no_note, home="").write("Metadata"),
        "## Columns",
        text.COLUMNS,
        "## Values",
        *values,
        "## In an editor",
        text.EDITOR,
    )


def _recording(models: Mapping[str, Schema]) -> str:
    tables = FieldTables(models, recording_note)
    common = set(models["CommonSpec"]["properties"])
    channel = set(models["ChannelSpec"]["properties"])
    modes = [[f"`{mode}`", one_line(models[name])] for mode, name in _MODES.items()]
    parts = [text.RECORDING, table(["Mode", "What it does"], modes), text.MODES]
    parts += ["## Fields of every mode", tables.write("CommonSpec")]
    parts += [
        "## Fields of modes individual and mix",
        tables.write("ChannelSpec", without=common),
    ]
    for mode, name in _MODES.items():
        own = tables.write(name, without={"mode"} | common | channel)
        parts += [f"## Fields of mode {mode}", own]
    return _page("Recording", *parts)


def _whole() -> str:
    return ", ".join(["a Secret", *(f"`{path}`" for path in sorted(WHOLE))])


def _regions() -> str:
    vendors = [
        [
            _link(vendor),
            str(vendor.number),
            str(len(vendor.regions) or NONE),
            vendor.warning or NONE,
        ]
        for vendor in VENDORS
    ]
    parts = ["# Vendors and regions", text.REGIONS]
    parts.append(table(["Vendor", "Number", "Regions", "Remark"], vendors))
    for vendor in VENDORS:
        if vendor.regions:
            rows = [
                [f"`{one.name}`", str(one.number), one.area or NONE, one.warning or NONE]
                for one in vendor.regions
            ]
            parts += [f"## {vendor.name}", table(["Region", "Number", "Area", "Remark"], rows)]
    return _joined(*parts)


def _link(vendor: Vendor) -> str:
    return f"[`{vendor.name}`](#{vendor.name})" if vendor.regions else f"`{vendor.name}`"


def _diagnostics() -> str:
    rules = [
        [f"`{rule.code}`", rule.id, severity(rule), _modes(rule.modes), rule.summary, _source(rule)]
        for rule in sorted(RULES, key=lambda rule: rule.code)
    ]
    codes = [[f"`{code}`", _SEVERITIES[grave], said] for code, grave, said in CODES]
    return _joined(
        "# Diagnostics",
        text.DIAGNOSTICS,
        "## Rules of the service",
        text.RULES,
        table(["Code", "Rule", "Severity", "Modes", "What it does", "Source"], rules),
        "## Other codes",
        text.CODES,
        table(["Code", "Severity", "When"], codes),
    )


_SEVERITIES: Mapping[Severity, str] = {
    "error": "error",
    "warning": "warning",
    "both": "error or warning",
}


def severity(rule: Rule) -> str:
    """Return how grave a rule's findings are; its summary says whether it refuses or warns."""
    words = {"refuse ": "error", "warn ": "warning"}
    return " or ".join(name for word, name in words.items() if word in rule.summary.lower())


def _modes(modes: Iterable[Mode]) -> str:
    chosen = set(modes)
    return "all" if chosen == set(Mode) else ", ".join(mode for mode in Mode if mode in chosen)


def _source(rule: Rule) -> str:
    return rule.source.removeprefix("agora-api.md ")
