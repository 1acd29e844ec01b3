"""`python -m tests.simulation`; processes that help find nothing here that they need."""

import sys

from tests.simulation.command import main

sys.exit(main(sys.argv[1:], sys.stdout, sys.stderr))
