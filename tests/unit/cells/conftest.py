from __future__ import annotations

import pytest
from cell_world import World


@pytest.fixture
def world():
    return World()
