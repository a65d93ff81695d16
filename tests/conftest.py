"""Fixtures for real servers, shared by all tests."""

import pytest

from tests.support.rule_ids import rules_in_name

pytest_plugins = ["tests.support.postgres", "tests.support.nats"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--rule P4`: only the tests that show a rule."""
    parser.addoption("--rule", action="append", default=[], help="run only the tests that show this rule")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what shows none of the rules asked for."""
    wanted = set(config.getoption("--rule"))
    if wanted:
        left_out = [each for each in items if not wanted.intersection(_rules(each))]
        items[:] = [each for each in items if wanted.intersection(_rules(each))]
        config.hook.pytest_deselected(items=left_out)


def _rules(item: pytest.Item) -> set[str]:
    marked = {rule for mark in item.iter_markers("rule") for rule in mark.args}
    return marked | rules_in_name(item.name)
