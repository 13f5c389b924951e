"""What holds for all tests, the connectors' too."""

import os

from hypothesis import settings

# The same examples each time, so that what fails can be run again and nobody's change fails for another's luck.
# HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile("steady", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
