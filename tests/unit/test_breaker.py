"""What the breaker does before anything is judged."""

from __future__ import annotations

import os
import subprocess
import sys

MADE = """
import sys
from expectations.breaker import Breaker
from warehouse.settings import load_settings
assert "sqlalchemy.orm" not in sys.modules
Breaker(load_settings(), {})
print(sorted({"sqlalchemy.orm", "great_expectations"} & set(sys.modules)))
"""


def test_the_orm_is_whole_before_threads_import_what_needs_it() -> None:
    """Dagster's statements fail while another thread imports it; Great Expectations itself can wait."""
    made = subprocess.run(
        [sys.executable, "-c", MADE],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MILLRACE_ENV_FILE": ""},
    )
    assert (made.stdout, made.returncode) == ("['sqlalchemy.orm']\n", 0), made.stderr
