#!/bin/sh
# Try reconciler on the specs of this repository: no account, no network, a few seconds. Everything
# that is written goes to a temporary folder, which is removed at the end.
set -eu

CDPATH= cd -- "$(dirname -- "$0")/../.."
PATH="$PATH:$PWD/.venv/bin"
if ! command -v reconciler >/dev/null; then
    printf 'reconciler is not installed; run: make setup\n' >&2
    exit 1
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
export RECONCILER_CACHE="$folder/cache"

show() {
    printf '\n$ %s\n' "$*"
    "$@"
}

show reconciler validate specs
show reconciler preview specs --name town-hall
show reconciler preview specs --name town-hall --out "$folder/town-hall.svg"
show reconciler preview specs --name panel --users 7 --out "$folder/panel.png"

printf '\nThe pictures are gone with their folder; keep one with --out town-hall.png.\n'
printf 'specs/README.md says what each of the specs shows.\n'
