import pytest
from evidence_world import World


@pytest.fixture
def world():
    return World()
