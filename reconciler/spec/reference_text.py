"""What the reference says in words of its own: introductions and examples, no values.

`reference.py` adds the tables. A test reads all examples together as specs.
"""

INDEX = """\
These pages are written by `make docs` from the models that read specs, so they say what the program
does. A spec file is YAML 1.2, one or more documents, each a manifest of one of these kinds:"""

OTHER_PAGES = """\
Beside them: [Vendors and regions](storage-regions.md) of storage; [Diagnostics](diagnostics.md),
what each code of an error or warning means; [Commands](commands.md) with all their options; and
[Reasons](reasons.md), why a plan does what it does."""

ENVELOPE = """\
A manifest has `apiVersion: reconciler/v1`, its `kind`, `metadata` and `spec`, and nothing else.
Unknown keys are errors everywhere, with the nearest known one as a hint. `metadata` has:"""

COLUMNS = """\
- **Type**: what may be written; `words like this` as they stand, the linked ones as explained under
  [Values](#values).
- **Default**: what leaving the key out means. With *(service)* the service takes this by itself; a
  dash means that there is none.
- **Wire**: where the value stands in the service's calls. `clientRequest` is that of `start`, with
  `acquire:` that of `acquire`; `cname` and `uid` stand beside it, `URL` and `header` are the call's
  own. What most paths of a table start with is said above it. A dash means that it is not sent.
- **Change**: what becomes of a running session. `update` and `updateLayout` are calls to it;
  *replacement* starts another, as `policy.replace` says; *local* concerns the next session."""

EDITOR = """\
`reconciler schema` prints the JSON Schema of all kinds. With it an editor completes and explains
keys while you write: save it once, and name it in the first line of a spec.

```
reconciler schema > reconciler.schema.json
```

```yaml
# yaml-language-server: $schema=reconciler.schema.json
```"""

APP = """\
A Recording that names no `app` uses the App named `default`, or the only one there is. With no App
at all, one named `default` is made from the environment: `AGORA_APP_ID`, `AGORA_CUSTOMER_ID`,
`AGORA_CUSTOMER_SECRET`, and if set `AGORA_APP_CERTIFICATE`, `AGORA_ENDPOINTS` (separated by
commas) and `AGORA_NCS_SECRET`.

```yaml
apiVersion: reconciler/v1
kind: App
metadata: {name: default}
spec:
  appId: {env: AGORA_APP_ID}
  credentials:
    customerId: {env: AGORA_CUSTOMER_ID}
    customerSecret: {env: AGORA_CUSTOMER_SECRET}
```"""

STORAGE = """\
Recordings name a Storage, or have the same fields inline. [Vendors and regions](storage-regions.md)
are a page of their own.

```yaml
apiVersion: reconciler/v1
kind: Storage
metadata: {name: archive}
spec:
  vendor: aws
  region: eu-central-1
  bucket: recordings
  accessKey: {env: STORAGE_ACCESS_KEY}
  secretKey: {env: STORAGE_SECRET_KEY}
```"""

RECORDING = """\
What a spec does not say is not sent, so the service's own defaults hold, except where the service
requires a value. A field of another mode is an error, as an unknown key is.

```yaml
apiVersion: reconciler/v1
kind: Recording
metadata: {name: standup}
spec:
  mode: mix
  channel: standup
  storage: archive
  channelProfile: communication
  layout: {type: best-fit}
  schedule:
    - {cron: "0 9 * * mon-fri", duration: 1h30m, timezone: Europe/Berlin}
```"""

MODES = """\
`mode` is required. It stands in the URL, and a change of it is a replacement. `composite` is read
as `mix`, with a warning."""

RECORDING_SET = """\
Each row of the generators makes one Recording. `${name}` is replaced by the row's value, in keys
and values; a value that is exactly one `${name}` takes the type of the row's value. A cell of a
CSV file is read as the type of its field, and an empty one leaves its key out. A message about a
row names it, such as `rooms.csv:57`; a bad row fails its own Recording only.

```yaml
apiVersion: reconciler/v1
kind: RecordingSet
metadata: {name: rooms}
spec:
  generators:
    - list: [{room: attic, host: 101}, {room: cellar, host: 102}]
    - matrix: {room: [hall, roof], host: [103]}
  recording:
    metadata: {name: "room-${room}"}
    spec:
      mode: mix
      channel: "room-${room}"
      storage: archive
      channelProfile: live
      layout: {type: vertical, focusUid: "${host}"}
```"""

TEMPLATE = """\
A Recording with `template: NAME`, or a list of names, is its own spec merged over theirs: later
ones win, then the Recording. A Template may name Templates itself. Mappings merge deeply, lists
replace, and `null` removes an inherited key. What may be written in several ways replaces whole:
"""

TEMPLATE_EXAMPLE = """\
Its `spec` is any part of a [Recording](recording.md)'s, of one mode or of none.

```yaml
apiVersion: reconciler/v1
kind: Template
metadata: {name: house}
spec:
  storage: archive
  channelProfile: live
  maxIdle: 10m
---
apiVersion: reconciler/v1
kind: Recording
metadata: {name: panel}
spec:
  template: house
  mode: mix
  channel: panel
  maxIdle: null # the default again
```"""

REGIONS = """\
`vendor` and `region` of a [Storage](storage.md) are written by name, in any case and with `-` or
`_`, or as the number that the service knows them by. *Area* is where a region lies, in the words of
a Recording's `region`; a Storage outside the area that a Recording asks for is a warning
(`storage-area`). A number that is not listed is accepted with a warning: new regions come before
documents do."""

DIAGNOSTICS = """\
Every problem of every file is reported at once, one line each, with what to do about it below:

```
FILE:LINE:COLUMN: error[code] PATH: message
  hint: what to do
```

A manifest with an *error* is not used, the others are. A *warning* is reported and lived with; with
`--strict` it makes the exit code 1, as an error does."""

RULES = """\
They judge the call that a spec comes to, so they hold for `raw` and `convert` too. *Source* is the
place in `agora-api.md`, the digest of the service's documentation: C and T number the rules there,
K the contradictions between its sources."""

CODES = """\
They are about files, values, and what manifests say about each other."""
