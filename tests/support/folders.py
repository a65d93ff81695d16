"""Data folders for real servers."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def data_folder() -> Iterator[Path]:
    """A folder that another account can reach, gone afterwards.

    Not below pytest's: where root runs the tests, PostgreSQL runs as a user of its own, and each start of
    pytest closes that folder to everybody else.
    """
    with tempfile.TemporaryDirectory(prefix="heelrise-") as folder:
        yield Path(folder) / "data"
