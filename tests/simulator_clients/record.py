"""Record with the official Python client, and write what it was told as JSON.

Run by the client's own interpreter: `record.py BASE_URL MODE APP_ID CUSTOMER`. Nothing of the
client is changed but the base URL: where it would ask a name server for the nearest of Agora's
hosts it is given one host, and where it would say `https` it says what the base URL says.
"""

import json
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias

Client: TypeAlias = Any
Steps: TypeAlias = dict[str, Any]

SERVICE = "services.cloud_recording.v1"
CNAME, UID = "official-client", {"individual": "1001", "mix": "1002", "web": "1003"}
IDS = ("resource_id", "sid", "cname", "uid")
PAGE = "https://example.org/stage"
PUSH_ADDRESS, OTHER_PUSH_ADDRESS = "rtmp://push.example.org/a", "rtmps://push.example.org/b"


class OneHost:
    """What the client asks for hosts."""

    def __init__(self, host: str) -> None:
        self._host = host

    def run(self, _: object) -> None:
        """Look nothing up."""

    def get_domain_list(self) -> list[str]:
        return [self._host]

    def get_endpoint_region(self) -> int:
        return 0

    def get_service_region(self) -> None:
        """Return no area to put in front of paths."""


def main(base_url: str, mode: str, app_id: str, customer: str) -> int:
    """Record in one mode, from acquire to stop."""
    client = _client(base_url, mode, app_id, customer)
    cname, uid = CNAME, UID[mode]
    acquired = client.acquire(cname, uid, resource_expired_hour=24)
    start, updates = MODES[mode]
    started = start(client, acquired.resourceId, cname, uid)
    task = dict(zip(IDS, (acquired.resourceId, started.sid, cname, uid), strict=True))
    steps: Steps = {"acquire": acquired, "start": started}
    steps["start again"] = start(client, acquired.resourceId, cname, uid)
    steps["query"] = client.query(acquired.resourceId, started.sid)
    steps |= updates(client, task)
    steps["query again"] = client.query(acquired.resourceId, started.sid)
    steps["stop"] = client.stop(**task)
    told = {name: each.to_dict() for name, each in steps.items()}
    sys.stdout.write(json.dumps(told | {"after the end": _refusal(client, task)}))
    return 0


def _client(base_url: str, mode: str, app_id: str, customer: str) -> Client:
    def address(_self: object, _host: str, path: str, _region: str | None = None) -> str:
        return base_url + path

    _part("core.client").Client.get_api_url = address
    module = _part(f"{SERVICE}.{mode}_recording.{mode}_recording_client")
    builder = getattr(module, f"{mode.capitalize()}RecordingClient").new_builder()
    builder = builder.with_app_id(app_id).with_credential_basic_auth(customer, customer)
    return builder.with_domain(OneHost(base_url.rpartition("/")[2])).build()


def _start_individual(client: Client, resource_id: str, cname: str, uid: str) -> Any:
    api = _part(f"{SERVICE}.individual_recording.api_start")
    config = api.RecordingConfig(
        channelType=0,
        streamTypes=2,
        streamMode="standard",
        maxIdleTime=300,
        subscribeAudioUids=["123", "456"],
        subscribeVideoUids=["123", "456"],
        subscribeUidGroup=0,
    )
    return client.start(resource_id, cname, uid, None, _storage(api), recording_config=config)


def _start_mix(client: Client, resource_id: str, cname: str, uid: str) -> Any:
    api, parts = _part(f"{SERVICE}.mix_recording.api_start"), _part(f"{SERVICE}.api_start")
    canvas = parts.TranscodingConfig(
        width=640, height=360, fps=15, bitrate=500, mixedVideoLayout=1, backgroundColor="#FF0000"
    )
    config = api.RecordingConfig(
        channelType=1, streamTypes=2, maxIdleTime=300, transcodingConfig=canvas
    )
    return client.start(resource_id, cname, uid, None, _storage(api), recording_config=config)


def _start_web(client: Client, resource_id: str, cname: str, uid: str) -> Any:
    api = _part(f"{SERVICE}.web_recording.api_start")
    page = api.ServiceParam(
        url=PAGE, audioProfile=0, videoWidth=1280, videoHeight=720, maxRecordingHour=3
    )
    push = api.ServiceParam(outputs=[_part(f"{SERVICE}.api_update").Outputs(rtmpUrl=PUSH_ADDRESS)])
    services = [
        api.ExtensionServices(serviceName="web_recorder_service", serviceParam=page),
        api.ExtensionServices(serviceName="rtmp_publish_service", serviceParam=push),
    ]
    config = api.ExtensionServiceConfig(errorHandlePolicy="error_abort", extensionServices=services)
    return client.start(resource_id, cname, uid, _storage(api), config)


def _subscribe(client: Client, task: dict[str, str]) -> Steps:
    api = _part(f"{SERVICE}.api_update")
    lists = api.StreamSubscribe(
        audioUidList=api.AudioUidList(subscribeAudioUids=["#allstream#"]),
        videoUidList=api.VideoUidList(subscribeVideoUids=["123"]),
    )
    return {"update": client.update(**task, stream_subscribe=lists)}


def _subscribe_and_lay_out(client: Client, task: dict[str, str]) -> Steps:
    api = _part(f"{SERVICE}.api_update_layout")
    region = api.LayoutConfig(uid="123", x_axis=0.1, y_axis=0.1, width=0.5, height=0.5, alpha=1)
    image = api.BackgroundConfig(uid="123", image_url="https://example.org/a.jpg", render_mode=0)
    laid_out = client.update_layout(
        **task, mixed_video_layout=3, layout_config=[region], background_config=[image]
    )
    return _subscribe(client, task) | {"updateLayout": laid_out}


def _hold_and_move(client: Client, task: dict[str, str]) -> Steps:
    api = _part(f"{SERVICE}.api_update")
    onhold = api.WebRecordingConfig(onhold=True)
    output = api.RtmpPublishConfig(outputs=[api.Outputs(rtmpUrl=OTHER_PUSH_ADDRESS)])
    return {
        "update": client.update(**task, web_recording_config=onhold),
        "update of the push": client.update(**task, rtmp_publish_config=output),
    }


def _refusal(client: Client, task: dict[str, str]) -> dict[str, object]:
    """Return what the client makes of an update that comes too late."""
    try:
        client.update(**task)
    except _part("core.exceptions").ServiceResponseException as problem:
        return {"status": problem.status_code, "code": problem.error_code}
    return {}


def _storage(api: Any) -> Any:
    return api.StorageConfig(
        vendor=2,
        region=3,
        bucket="recordings",
        accessKey="an-access-key",
        secretKey="a-secret-key",
        fileNamePrefix=["directory1", "directory2"],
    )


def _part(name: str) -> Any:
    """Import a part of the client, which is not there where this file is checked."""
    return import_module(f"agora_rest_client.{name}")


Start: TypeAlias = Callable[[Client, str, str, str], Any]
Updates: TypeAlias = Callable[[Client, dict[str, str]], Steps]
MODES: dict[str, tuple[Start, Updates]] = {
    "individual": (_start_individual, _subscribe),
    "mix": (_start_mix, _subscribe_and_lay_out),
    "web": (_start_web, _hold_and_move),
}

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
