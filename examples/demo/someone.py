"""What somebody else does at the service in the demo: `resume CHANNEL`, `crash CHANNEL`."""

import base64
import json
import sys
from urllib.request import Request, urlopen


def main(url: str, deed: str, channel: str) -> None:
    """Find the channel's session at the simulator and do it."""
    sessions = call(f"{url}/_sim/sessions")["sessions"]
    session = next(
        each for each in sessions if each["cname"] == channel and each["phase"] == "live"
    )
    sid = session["sid"]
    if deed == "crash":
        call(f"{url}/_sim/tuning", {"linger_s": 60})  # time enough to be asked how it ended
        call(f"{url}/_sim/sessions/{sid}/fail", {"cause": "storage"})
    else:
        path = f"/v1/apps/{session['appId']}/cloud_recording/resourceid/{session['resourceId']}"
        request = {"webRecordingConfig": {"onhold": False}}
        body = {"cname": channel, "uid": session["uid"], "clientRequest": request}
        call(f"{url}{path}/sid/{sid}/mode/web/update", body)


def call(url: str, body: object = None) -> dict:
    """Send a GET, or a POST with a body; the simulator's customer is known to everybody."""
    data = None if body is None else json.dumps(body).encode()
    customer = base64.b64encode(b"simulator:simulator").decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {customer}"}
    with urlopen(Request(url, data, headers), timeout=10) as answer:
        return json.load(answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
