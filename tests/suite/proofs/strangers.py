"""An answer comes, but from somebody who has no business there: a pod that is no backend, a name server that gives another address."""

from __future__ import annotations

from spoiling import Evidence

from .proof import FAILED, WARNING, Edit, Proof, reply
from .records import answer, message

BACKENDS = "by one of pod/a@control, pod/a@w1, pod/a@w2"


def found_by_name(id: str, address: str) -> Edit:
    """The name leads to another address, at which a backend answers all the same."""
    return lambda evidence: evidence.samples(id, lambda sample: sample["detail"].update(resolved=[address]))


def at_one_server(transport: str, evidence: Evidence) -> None:
    """One replica of cluster DNS gives another address to a pod of w1."""
    message("cluster", answer("192.0.2.1"), target="dns@w2", transport=transport)(evidence)


PROOFS = (
    Proof(
        "NET-SERVICE-004",
        "a pod that is no backend answers at the Service's name",
        reply("tcp4+by-name:pod/b@w1>service/web", server="pod/b@w1"),
        red=("pod/b@w1 > service/web tcp+by-name",),
        status=WARNING,
        text=("3 of 3 samples reached, answered by pod/b@w1 (3), by name 10.96.", BACKENDS),
    ),
    Proof(
        "NET-SERVICE-004",
        "the Service's name leads elsewhere",
        found_by_name("tcp4+by-name:pod/b@w1>service/web", "192.0.2.1"),
        red=("pod/b@w1 > service/web tcp+by-name",),
        status=WARNING,
        text=("3 of 3 samples reached", "by name 192.0.2.1; documented: reached, by one of ", ", by name 10.96."),
    ),
    Proof(
        "NET-SERVICE-007",
        "a pod that is no backend answers at a node port",
        reply("tcp4:host@w1>node-port/web@w2", server="pod/b@w1"),
        red=("host@w1 > node-port/web@w2 tcp",),
        text=("host@w1 ({w1}) > node-port/web@w2 at {w2}:", "answered by pod/b@w1 (3); documented: reached", BACKENDS),
    ),
    Proof(
        "NET-SERVICE-008",
        "a process of the node answers at its node port",
        reply("tcp4:host@w1>node-port/web@w1", server="host@w1"),
        red=("host@w1 > node-port/web@w1 tcp",),
        status=WARNING,
        text=("answered by host@w1 (3); documented: reached", BACKENDS),
        also={"NET-SERVICE-007 host@w1 > node-port/web@w1 tcp": FAILED},
    ),
    Proof(
        "NET-SERVICE-009",
        "a process of the node answers at a node port on localhost",
        reply("tcp4:host@w1>loopback/web@w1", server="host@w1"),
        red=("host@w1 > loopback/web@w1 tcp",),
        status=WARNING,
        text=("answered by host@w1 (1); documented: reached", BACKENDS),
    ),
    Proof(
        "NET-EXTERNAL-001",
        "a pod that is no backend answers an outside client",
        reply("tcp4:outside/runner>node-port/web@w1", server="pod/b@w1"),
        red=("outside/runner > node-port/web@w1 tcp",),
        status=WARNING,
        text=("outside/runner > node-port/web@w1 at {w1}:", "answered by pod/b@w1 (3); documented: reached", BACKENDS),
    ),
    Proof(
        "NET-DNS-028",
        "one replica gives another address",
        lambda evidence: at_one_server("udp", evidence),
        red=("pod/a@w1 > dns@w2 query+udp-cluster",),
        text=("> dns@w2 at 10.244.", "3 of 3 samples reached, by name 192.0.2.1; documented: reached, by name 10.96.0.1 - "),
    ),
    Proof(
        "NET-DNS-028",
        "one replica gives another address over TCP only",
        lambda evidence: at_one_server("tcp", evidence),
        red=("pod/a@w1 > dns@w2 query+tcp-cluster",),
        text=("query tcp-cluster: 3 of 3 samples reached, by name 192.0.2.1; documented: reached, by name 10.96.0.1 - ",),
    ),
)
