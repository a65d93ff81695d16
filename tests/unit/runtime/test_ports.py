"""Ports: the wanted ones where they are free."""

import socket
from collections.abc import Iterator

import pytest

from libs.runtime.ports import DEFAULTS, choose_ports, held_ports


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_is_replaced_by_a_free_one(taken: int) -> None:
    chosen = choose_ports({"edge": taken})
    assert chosen["edge"] not in (0, taken)


def test_a_free_port_is_taken_as_wanted(taken: int) -> None:
    free = choose_ports({"edge": 0})["edge"]
    assert choose_ports({"edge": free, "nats": taken})["edge"] == free


def test_no_port_is_given_twice() -> None:
    chosen = choose_ports(dict.fromkeys(DEFAULTS, 0))
    assert len(set(chosen.values())) == len(DEFAULTS)


def test_a_port_that_another_stack_will_listen_on_is_not_chosen() -> None:
    free = choose_ports({"edge": 0})["edge"]
    with held_ports({"edge": free}) as held, held_ports({"edge": free}) as other:
        assert held["edge"] == free
        assert other["edge"] != free
    assert choose_ports({"edge": free})["edge"] == free
