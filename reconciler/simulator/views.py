"""What query and stop tell of a session: variants QA to QE and SA to SD (agora-api.md 4.3, 4.4).

Pure.
"""

from reconciler.simulator import tree
from reconciler.simulator.bodies import RTMP, WEB
from reconciler.simulator.effective import service
from reconciler.simulator.files import File
from reconciler.simulator.notices import milliseconds
from reconciler.simulator.session import READY, RECORDING, Phase, Session
from reconciler.simulator.settings import Tuning
from reconciler.simulator.tree import Json, Object

UNSETTLED = "unknown"


def session_ids(session: Session) -> Object:
    """Return what every answer of update, updateLayout, query and stop begins with."""
    return {
        "cname": session.identity.cname,
        "uid": session.identity.uid,
        "resourceId": session.resource_id,
        "sid": session.sid,
    }


def queried(session: Session, now_s: float, tuning: Tuning) -> Object:
    """Return the serverResponse of query."""
    response: Object = {"status": session.status}
    if tuning.sub_services and not session.is_web:
        response["subServiceStatus"] = {"recordingService": _sub_service(session)}
    if session.is_web:
        states = [_service(WEB, _page(session, now_s, tuning), "payload")]
        if session.has_rtmp:
            states.append(_service(RTMP, {"outputs": outputs(session)}, "payload"))
        return response | {"extensionServiceState": states}
    # Before the first file is uploaded the service knows of none (variant Q0).
    return response | (_files(session, now_s, tuning) if session.status >= RECORDING else {})


def stopped(session: Session, now_s: float, tuning: Tuning, upload: str) -> Object:
    """Return the serverResponse of stop; `upload` is what became of the files so far."""
    uploading: Object = {"uploadingStatus": upload}
    if not session.is_web:
        files = _files(session, now_s, tuning)
        files.pop("sliceStartTime", None)
        return files | uploading
    key = "playload" if tuning.playload else "payload"
    states = [
        _service("upload_service", uploading, key),
        _service(WEB, _page(session, now_s, tuning), key),
    ]
    if session.has_rtmp:
        states.append(_service(RTMP, {"status": session.page.rtmp}, key))
    return {"extensionServiceState": states}


def file_list(files: list[File]) -> list[Json]:
    """Return the fileList of notifications."""
    return [file.listed(in_seconds=False) for file in files]


def page_files(session: Session, now_s: float, tuning: Tuning, unit: str) -> list[Json]:
    """Return the fileList of a web page recording."""
    in_seconds = unit == "s"
    return [
        {
            tuning.web_file_key: file.name,
            "sliceStartTime": int(file.start_s) if in_seconds else milliseconds(file.start_s),
        }
        for file in session.files(now_s)
    ]


def outputs(session: Session) -> list[Json]:
    """Return where a recording is pushed to, and how that goes."""
    parameters = service(session.config, RTMP) or {}
    return [
        {"rtmpUrl": entry.get("rtmpUrl"), "status": session.page.rtmp}
        for entry in tree.items(parameters, "outputs")
    ]


def _files(session: Session, now_s: float, tuning: Tuning) -> Object:
    first_s = session.first_slice_s
    if first_s is None:
        return {}
    began: Object = {"sliceStartTime": milliseconds(first_s)}
    if session.has_screenshots:
        return began
    if session.lists_names_only:
        return {"fileListMode": "string", "fileList": session.index_name(now_s), **began}
    in_seconds = tuning.slice_time_unit == "s"
    files: list[Json] = [file.listed(in_seconds=in_seconds) for file in session.files(now_s)]
    return {"fileListMode": "json", "fileList": files, **began}


def _page(session: Session, now_s: float, tuning: Tuning) -> Object:
    known = session.status >= RECORDING
    return {
        "fileList": page_files(session, now_s, tuning, tuning.slice_time_unit) if known else [],
        "onhold": session.page.onhold,
        "state": _page_state(session),
    }


def _page_state(session: Session) -> str:
    if session.phase is not Phase.LIVE:
        return "exit"
    return "inProgress" if session.status >= READY else "init"


def _service(name: str, payload: Object, key: str) -> Json:
    return {"serviceName": name, key: payload}


def _sub_service(session: Session) -> str:
    if session.phase is not Phase.LIVE:
        return "serviceAbnormal" if session.end and session.end.abnormal else "serviceCompleted"
    names = {READY: "serviceReady", RECORDING: "serviceInProgress"}
    return names.get(session.status, "serviceStarted" if session.status else "serviceIdle")
