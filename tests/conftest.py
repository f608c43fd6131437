"""Fixtures and hypothesis profiles for all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support import ROOT

# Two cores are often shared: a slow example is no finding.
settings.register_profile(
    "default", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("slow", settings.get_profile("default"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def payloads() -> Path:
    """The folder of real webhook bodies, which is kept beside the repository; $PAGER_PAYLOADS names another place."""
    folder = Path(os.environ.get("PAGER_PAYLOADS", ROOT.parent / "shared" / "payloads"))
    if not folder.is_dir():
        pytest.skip(f"no payload corpus at {folder}; set PAGER_PAYLOADS")
    return folder
