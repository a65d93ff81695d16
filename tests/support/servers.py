"""Where the servers of the tests come from: HEELRISE_TEST_SERVERS is `wheels` (default) or `containers`."""

import os


def in_containers() -> bool:
    """Whether the tests are to run on containers."""
    chosen = os.environ.get("HEELRISE_TEST_SERVERS", "wheels")
    if chosen not in ("wheels", "containers"):
        raise ValueError(f"HEELRISE_TEST_SERVERS is {chosen!r}: expected wheels or containers")
    return chosen == "containers"
