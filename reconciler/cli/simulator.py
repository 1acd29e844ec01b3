"""`reconciler simulator`: a local Agora Cloud Recording service for trying and testing.

Its base URL is the first line of stdout once it listens; it ends with SIGINT or SIGTERM.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.cli.console import Console
from reconciler.errors import UsageError
from reconciler.simulator.settings import DEFAULT_APP_ID, DEFAULT_CUSTOMER, Settings, Tuning

EXAMPLE = "reconciler simulator --port 0 --port-file simulator.port --time-scale 10"

PORT_MAX = 65_535
SCALE_MAX = 100_000.0
WAIT_S_MAX = 86_400.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (127.0.0.1)")
    parser.add_argument(
        "--port", type=_number(int, 0, PORT_MAX), default=8787, help="0 is any free one (8787)"
    )
    parser.add_argument(
        "--port-file", type=Path, metavar="FILE", help="write the port there once it listens"
    )
    parser.add_argument(
        "--app-id",
        action="append",
        metavar="ID",
        help=f"an App ID to accept; several times for several ({DEFAULT_APP_ID})",
    )
    parser.add_argument(
        "--customer-id", default=DEFAULT_CUSTOMER, metavar="ID", help=f"({DEFAULT_CUSTOMER})"
    )
    parser.add_argument(
        "--customer-secret", default=DEFAULT_CUSTOMER, metavar="S", help=f"({DEFAULT_CUSTOMER})"
    )
    parser.add_argument(
        "--certificate", metavar="C", help="the App Certificate: tokens are checked with it"
    )
    _add_behaviour(parser)


def _add_behaviour(parser: argparse.ArgumentParser) -> None:
    behaviour = parser.add_argument_group("behaviour")
    behaviour.add_argument(
        "--qps", type=_number(int, 1, 1_000_000), default=10, help="calls a second of an App (10)"
    )
    behaviour.add_argument(
        "--start-delay",
        type=_number(float, 0, WAIT_S_MAX),
        default=Tuning().start_delay_s,
        metavar="S",
        help="seconds from a start until status 5 (2)",
    )
    behaviour.add_argument(
        "--time-scale",
        type=_number(float, 0, SCALE_MAX),
        default=1.0,
        metavar="K",
        help="how many times faster than the clock on the wall its time runs (1)",
    )
    behaviour.add_argument("--notify", metavar="URL", help="send notifications there")
    behaviour.add_argument(
        "--notify-secret", metavar="S", help="sign them with this; needed with --notify"
    )
    behaviour.add_argument(
        "--faults", type=Path, metavar="FILE", help="YAML rules for what goes wrong"
    )
    behaviour.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of all ids and all chance (0)"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Serve until told to end; 0."""
    settings = _settings(args)
    from reconciler.simulator.faults_file import read_faults
    from reconciler.simulator.server import Listening, serve

    listening = Listening(
        host=args.host,
        port=args.port,
        port_file=args.port_file,
        scale=args.time_scale,
        faults=read_faults(args.faults) if args.faults else (),
    )

    def announce(url: str) -> None:
        console.line(url)
        console.out.flush()
        console.note("control: /_sim/sessions, /_sim/calls, /_sim/faults, ...; Ctrl-C ends it")

    serve(settings, listening, announce)
    return 0


def _settings(args: argparse.Namespace) -> Settings:
    if bool(args.notify) != bool(args.notify_secret):
        raise UsageError("--notify and --notify-secret are given together or not at all")
    if args.notify and not _is_web_address(args.notify):
        raise UsageError(f"--notify {args.notify}: must be an http or https address")
    for app_id in args.app_id or []:
        if not app_id.isalnum():
            raise UsageError(f"--app-id {app_id}: an App ID has letters and digits only")
    return Settings(
        app_ids=tuple(args.app_id or (DEFAULT_APP_ID,)),
        customer_id=args.customer_id,
        customer_secret=args.customer_secret,
        certificate=args.certificate,
        seed=args.seed,
        notify_url=args.notify,
        notify_secret=args.notify_secret or "",
        tuning=Tuning(qps=args.qps, start_delay_s=args.start_delay),
    )


def _is_web_address(text: str) -> bool:
    try:
        address = urlsplit(text)
        return address.scheme in {"http", "https"} and bool(address.hostname)
    except ValueError:
        return False


def _number(kind: type[int] | type[float], low: float, high: float) -> Callable[[str], float]:
    """Return a reader of numbers in a range, for argparse."""

    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"`{text}` is no number") from None
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"`{text}` is not from {low:g} to {high:g}")
        return value

    return read
