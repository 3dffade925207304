"""A cell of the matrix before it is observed: the probe, and what the documentation says about it."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_k8snet.model.observation import Outcome
from pytest_k8snet.model.probe import Probe
from pytest_k8snet.model.verdict import Level


@dataclass(frozen=True, slots=True)
class Documented:
    """What a line of matrix.yaml documents. Only what is set is demanded.

    source   kinds of address of which the target must see one: "client" (the source's own), "node" (InternalIP of the source's node),
             "tunnel" (network address of that node's podCIDR), "bridge" (first host of it), "receiver" (any of these of the target's node)
    ttl      of the echo reply
    servers  "backends": every ready backend answered, and nobody else; "among": nobody but them; "remote": one of another node did;
             "source": the asking pod itself answered
    named    what name servers gave is the address of the "target", or of Service "kubernetes"
    seconds  no sample takes longer
    dialled  the target's own end of the conversation has the address that was asked
    hops     kinds of address of the routers on the way, the source's node's "bridge", the target's node's "tunnel", then "target"
    mutual   who is reached that way reaches back
    by       who documents it
    """

    text: str
    outcomes: frozenset[Outcome] = frozenset({Outcome.REACHED})
    source: tuple[str, ...] = ()
    ttl: int | None = None
    servers: str = ""
    seconds: float | None = None
    by: str = ""
    dialled: bool = False
    mutual: bool = False
    hops: tuple[str, ...] = ()
    named: str = ""


@dataclass(frozen=True, slots=True)
class CellPlan:
    """One cell. `reach` names the requirement that demands the conversation of which this cell judges a property.

    If the cell is not reached, at least one of `controls` must be, else nothing is known about the cluster (egress by difference).
    `level` differs from the requirement's where one id holds a weaker part.
    """

    requirement: str
    probe: Probe
    documented: Documented
    plane: str = ""
    level: Level | None = None
    reach: str = ""
    controls: tuple[Probe, ...] = ()
    samples: int = 3
    until: int = 0
    maximum: int = 0
    doubt: str = ""  # why it is not known whether the line applies
