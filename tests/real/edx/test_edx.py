"""The block in edx-platform itself; what is tried there is in ``platform/``."""

import pytest


@pytest.mark.parametrize("system", ["lms", "cms"])
def test_the_block_holds_in(edx, system):
    ran = edx.run(system)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed" in ran.stdout
