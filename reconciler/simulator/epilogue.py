"""What customers are told when a recording ends. Changes a World."""

from reconciler.simulator import tree
from reconciler.simulator.bodies import WEB
from reconciler.simulator.effective import service
from reconciler.simulator.ends import HOURS_OVER, STOPPED, End
from reconciler.simulator.notices import Event
from reconciler.simulator.session import Session
from reconciler.simulator.tree import Json, Object
from reconciler.simulator.views import file_list, page_files
from reconciler.simulator.world import World

FATAL = 5
PROGRESS_WHOLE = 10_000
POSTPONED_S = 600.0  # the real service takes hours (agora-api.md 0.1)
REUPLOADED = 32  # warning: a slice went to the backup cloud (8.6)


def report_end(world: World, session: Session, reason: End) -> None:
    """Notify that it records no more, and why."""
    if reason.error is not None:
        module, code, message = reason.error
        report_error(world, session, module, code, message)
    if session.is_web:
        world.emit(session, Event.WEB_STOPPED, _stopped_page(world, session, reason))
    else:
        world.emit(session, Event.RECORDER_LEAVE, {"leaveCode": reason.leave_code})


def report_exit(world: World, session: Session, *, abnormal: bool) -> None:
    """Notify that its files are where they belong, and that it is over."""
    if session.has_data and session.upload_result != "unknown":
        _report_upload(world, session)
    if session.has_data and session.has_vod:
        world.emit(session, Event.VOD_TRIGGERED, {})
    if session.has_data and "transcodeOptions" in session.config:
        _report_postponed(world, session)
    world.emit(session, Event.SESSION_EXIT, {"exitStatus": 1 if abnormal else 0})


def report_error(world: World, session: Session, module: int, code: int, message: str) -> None:
    """Notify of an error of the highest level."""
    details: Object = {
        "module": module,
        "errorLevel": FATAL,
        "errorCode": code,
        "stat": 0,
        "errorMsg": message,
    }
    world.emit(session, Event.ERROR, details)


def _report_upload(world: World, session: Session) -> None:
    details: Object = {"status": 0}
    if not session.is_web:
        details["fileList"] = file_list(session.files(world.now_s))
    event = Event.UPLOADED
    if session.upload_result == "backuped":
        event = Event.BACKUPED
        world.emit(session, Event.WARNING, {"module": 1, "warnCode": REUPLOADED})
    world.emit(session, event, details)
    world.emit(session, Event.PROGRESS, {"progress": PROGRESS_WHOLE})


def _report_postponed(world: World, session: Session) -> None:
    options = tree.child(session.config, "transcodeOptions")
    mixes = tree.text(tree.child(options, "transConfig"), "transMode") == "audioMix"
    form = tree.text(tree.child(options, "container"), "format") or ("mp3" if mixes else "mp4")
    files: list[Json] = [{"fileName": f"{session.stem}_0.{form}"}]
    uids = sorted({file.uid for file in session.files(world.now_s)})
    each: list[Json] = [{"uid": uid, "result": "success", "fileList": files} for uid in uids]
    world.emit(session, Event.TRANSCODER_STARTED, {})
    done: Object = {"result": "all_success", "uids": each}
    world.emit(session, Event.TRANSCODER_COMPLETED, done, delay_s=POSTPONED_S)
    final: Object = {"result": "total_success", "fileList": files}
    world.emit(session, Event.POSTPONED_RESULT, final, delay_s=POSTPONED_S)


def _stopped_page(world: World, session: Session, reason: End) -> Object:
    code, message = (0, "ok") if reason is STOPPED else reason.web
    details = message
    if reason is HOURS_OVER:
        hours = tree.whole(service(session.config, WEB) or {}, "maxRecordingHour")
        details = f"max recording hour is {hours}"
    files = page_files(session, world.now_s, world.tuning, "ms")
    return {"code": code, "message": message, "details": details, "fileList": files}
