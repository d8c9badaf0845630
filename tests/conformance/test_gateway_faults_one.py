"""A third of the venues under the faults of ``fault_cases``."""

import pytest

from tests.conformance.fault_cases import *  # noqa: F403 - the cases become this module's tests
from tests.conformance.fault_cases import share

pytestmark = pytest.mark.parametrize(("venue", "kind"), share(0, 3))
