"""Fixtures for real servers, shared by all tests."""

pytest_plugins = ["tests.support.postgres", "tests.support.nats"]
