#!/bin/sh
# The whole story on the specs of this repository, against a simulator on this machine: no account,
# no network, about a minute. Everything that is written goes to a temporary folder, which is removed
# at the end.
set -eu

CDPATH= cd -- "$(dirname -- "$0")/../.."
demo=$PWD/examples/demo
PATH="$PATH:$PWD/.venv/bin"
if ! command -v reconciler >/dev/null; then
    printf 'reconciler is not installed; run: make setup\n' >&2
    exit 1
fi

folder=$(mktemp -d)
simulator=
daemon=
end() {
    for process in $daemon $simulator; do
        kill "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() {
    printf '\n# %s\n' "$*"
}
show() {
    printf '\n$ %s\n' "$*"
    "$@"
}

# The secrets that the specs name. A real account has its own; the simulator takes any but these two.
export AGORA_CUSTOMER_ID=simulator AGORA_CUSTOMER_SECRET=simulator
export AGORA_APP_CERTIFICATE=0123456789abcdef0123456789abcdef
export ARCHIVE_ACCESS_KEY=demo ARCHIVE_SECRET_KEY=demo
export CLINIC_KEY=demo CLINIC_SALT=MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA=
export NEWSROOM_RTMP_URL=rtmp://push.example.com/live/demo
export RECONCILER_CACHE="$folder/cache" RECONCILER_STATE="sqlite:///$folder/state.db"

reconciler simulator --port 0 --port-file "$folder/port" >"$folder/simulator.log" 2>&1 &
simulator=$!
waited=0
while [ ! -s "$folder/port" ]; do
    waited=$((waited + 1))
    if [ "$waited" -gt 100 ] || ! kill -0 "$simulator" 2>/dev/null; then
        cat "$folder/simulator.log" >&2
        exit 1
    fi
    sleep 0.1
done
url=http://127.0.0.1:$(cat "$folder/port")

cp -R specs "$folder/specs"
sed -i.old "s|http://127.0.0.1:8787|$url|" "$folder/specs/app.yaml"
rm "$folder/specs/app.yaml.old"
cd "$folder"

edit() { # edit FILE OLD NEW: what somebody would do in an editor
    printf '\n$ sed -i "s|%s|%s|" specs/%s\n' "$2" "$3" "$1"
    sed -i.old "s|$2|$3|" "specs/$1"
    rm "specs/$1.old"
}
someone() { # what happens at the service without us
    python3 "$demo/someone.py" "$url" "$@"
}

say 'The specs are sound; three show what the service offers no longer, and are left out from here.'
show reconciler validate specs -q
rm -r specs/withdrawn

say 'What would be done? Nothing runs yet.'
show reconciler plan specs

say 'Do it. Each recording is started, then asked until it records.'
show reconciler apply specs --yes

say 'What runs?'
show reconciler status

say 'Once more: everything is as desired, so nothing is called but queries.'
show reconciler apply specs --yes

say 'Another background for the town hall, and the wall of the newsroom is paused: no restart.'
edit town-hall.yaml '#101828' '#203040'
edit newsroom.yaml 'paused: false' 'paused: true'
show reconciler apply specs --yes

say 'Somebody resumes the page by hand, and a recorder crashes. Both are mended.'
someone resume newsroom
someone crash panel
show reconciler apply specs --yes
show reconciler events panel

say 'From here on the daemon keeps watch: an edit is acted on by itself, and so is a request.'
printf '\n$ reconciler run specs &\n'
reconciler run specs --listen off 2>"$folder/run.log" &
daemon=$!
until_so() { # until_so COMMAND...: wait until it succeeds
    waited=0
    until "$@" >/dev/null 2>&1; do
        waited=$((waited + 1))
        [ "$waited" -le 100 ] || { cat "$folder/run.log" >&2; exit 1; }
        sleep 0.2
    done
}
until_so grep -q 'the specs are read' "$folder/run.log"
edit town-hall.yaml '#203040' '#304050'
until_so sh -c 'test "$(reconciler plan specs --no-refresh --format json | grep -c spec-changed)" = 0'
show reconciler plan specs
show reconciler suspend panel --reason 'the panel is over'
until_so sh -c 'reconciler status panel --format json | grep -q "\"phase\": \"ended\""'
show reconciler coverage panel --since 2m
kill "$daemon"
wait "$daemon"
daemon=

say 'All down. The court room is protected, so it stays until its spec lets it go.'
show reconciler destroy --yes || printf '(exit %s)\n' "$?"
edit court-room.yaml 'protect: true' 'protect: false'
show reconciler apply specs --yes --target court-room
show reconciler destroy --yes
show reconciler status

printf '\nThat was all. specs/README.md says what each of the specs shows.\n'
