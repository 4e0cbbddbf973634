"""Ports that servers of tests and benchmarks are given: below the kernel's, and not those of another process."""

import socket
import subprocess
import sys

from benchmarks.free_ports import CLUSTER_BUS, free_port

MANY = 600
"""More than a block has."""


def test_no_outgoing_connection_takes_a_port_nor_its_cluster_bus():
    ports = {free_port() for _ in range(MANY)}

    assert len(ports) > 400
    assert max(ports) + CLUSTER_BUS < 32_768


def test_a_port_that_somebody_listens_on_is_not_given():
    ports = {free_port() for _ in range(MANY)}
    taken, watched = min(ports), max(ports)
    with socket.create_server(("127.0.0.1", taken)), socket.create_server(("127.0.0.1", watched + CLUSTER_BUS)):
        again = {free_port() for _ in range(MANY)}

    assert {taken, watched} & again == set()


def test_two_processes_are_given_different_ports():
    ports = {free_port() for _ in range(MANY)}
    program = f"from benchmarks.free_ports import free_port\nprint(*(free_port() for _ in range({MANY})))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ports & set(map(int, ran.stdout.split())) == set()
