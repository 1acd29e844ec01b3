"""What all tests share: how Hypothesis chooses its examples.

`ci`, the default, takes the same examples in every run; `pytest --hypothesis-profile=explore`
takes many new ones.
"""

from hypothesis import Phase, settings

# Explaining a failure traces every line that runs, which takes longer than finding it.
PHASES = (Phase.explicit, Phase.generate, Phase.target, Phase.shrink)

settings.register_profile("ci", derandomize=True, deadline=None, database=None, phases=PHASES)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile("ci")
