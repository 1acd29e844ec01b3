"""What all tests share: how Hypothesis chooses its examples.

`ci`, the default, takes the same examples in every run; `pytest --hypothesis-profile=explore`
takes many new ones.
"""

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile("ci")
