"""The options that decide what a plan may do, for `plan` and `apply` alike."""

import argparse


def add_plan_options(parser: argparse.ArgumentParser) -> None:
    """Declare targets, pruning, and what lifts the guards."""
    parser.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="NAME",
        help="only this Recording or RecordingSet; repeatable",
    )
    parser.add_argument(
        "--no-prune", action="store_true", help="leave recordings that are gone from the specs"
    )
    parser.add_argument(
        "--prune-all",
        action="store_true",
        help="also stop recordings that were read from other paths and are in none now",
    )
    parser.add_argument(
        "--allow-stops",
        type=int,
        default=0,
        metavar="N",
        help="let the plan stop or replace up to N running sessions, however many that is of all",
    )
    parser.add_argument(
        "--allow-empty", action="store_true", help="let specs that yield nothing stop what runs"
    )
