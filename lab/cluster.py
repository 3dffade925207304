"""The lab as its steps see it: places, remembered state, nodes and the API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rcode

from lab import addresses, namespace, node, process, state, wait
from lab.addresses import Node
from lab.api import Api
from lab.errors import LabError
from lab.process import Process
from lab.state import Lab, Places

PROXY_HEALTH = 10256


class Cluster:
    """What a lab's steps share; holds no state that is not in `lab`."""

    def __init__(self, where: Places, lab: Lab) -> None:
        self.where = where
        self.lab = lab
        self._api: Api | None = None

    @property
    def nodes(self) -> list[Node]:
        """The nodes of this flavour, the control-plane node first."""
        return addresses.nodes(self.lab.flavour.workers)

    @property
    def workers(self) -> list[Node]:
        """The nodes without the control plane."""
        return self.nodes[1:]

    @property
    def router(self) -> int:
        """Pid that holds the router's network namespace."""
        return self.lab.process("router").pid

    @property
    def api(self) -> Api:
        """The API, as admin, from the underlay."""
        if self._api is None:
            self._api = Api(self.where.admin, self.router, self.where.run)
        return self._api

    def remember(self, started: Process) -> Process:
        """Add a process to the state file."""
        self.lab.add(started)
        state.save(self.where, self.lab)
        return started

    def holder(self, one: Node) -> Process:
        """The process that holds a node's network namespace."""
        return self.lab.process(f"net-{one.name}")

    def booted(self, one: Node) -> Process:
        """The outer process of a node."""
        return self.lab.process(one.name)

    def command(self, one: Node, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` inside a node."""
        return node.command(self.booted(one), argv)

    def run(self, one: Node, argv: Sequence[str], what: str, timeout: float = 60) -> str:
        """Run a command inside a node; its output, or LabError."""
        return node.run(self.booted(one), argv, what=what, timeout=timeout)

    def kubectl(self, argv: Sequence[str], what: str, text: str | None = None) -> str:
        """Run kubectl as admin from the underlay."""
        program = [f"{self.lab.bin}/kubectl", "--kubeconfig", str(self.where.admin), *argv]
        with namespace.network(self.router):
            return process.run(program, what=what, text=text)

    def pods(self, selector: str, space: str = "kube-system") -> list[dict[str, Any]]:
        """The pods with a label, those being deleted left out."""
        found = self.api.items(f"/api/v1/namespaces/{space}/pods?labelSelector={selector}")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def wait(self, fact: Callable[[], bool], what: str, component: str, timeout: float = 120) -> None:
        """Wait for a fact that a component brings about; its log explains a failure, and a dead node ends the wait."""
        try:
            wait.until(fact, what, timeout=timeout, alive=self.check_nodes)
        except LabError as error:
            raise LabError(f"{error}{wait.excerpt(self.component_logs(component))}") from None

    def check_nodes(self) -> None:
        """Raise LabError if a node's processes are gone."""
        for one in self.nodes:
            started = self.lab.processes.get(one.name)
            if started and not started.alive():
                logs = [self.where.log(one.name)]
                raise LabError(f"node {one.name} ended{wait.excerpt(logs)}")

    def component_logs(self, component: str) -> list[Path]:
        """Log files of a component: containerd or kubelet of any node, a container, or a host's program."""
        found = [self.where.log(component), self.where.log(f"kubeadm-{component}")]
        for one in sorted(self.where.disks.glob("k8snet-*/log")):
            found.append(one / f"{component}.log")
            found += sorted(one.glob(f"pods/*/*{component}*/*.log"))
        return [path for path in found if path.is_file()]

    def node_ready(self, name: str, since: datetime | None = None) -> bool:
        """True if the node's Ready condition is True, and its kubelet said so not before `since`."""
        conditions = self.api.get(f"/api/v1/nodes/{name}").get("status", {}).get("conditions", [])
        ready = [one for one in conditions if one["type"] == "Ready" and one["status"] == "True"]
        return any(since is None or datetime.fromisoformat(one["lastHeartbeatTime"]) >= since for one in ready)

    def proxy_synced(self, one: Node) -> bool:
        """True if kube-proxy of a node has written its rules (its healthz endpoint)."""
        with namespace.connect(self.holder(one).pid, "127.0.0.1", PROXY_HEALTH, 2) as client:
            client.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            return b" 200 " in client.recv(100).split(b"\r\n")[0]

    def resolves(self, one: Node, name: str) -> bool:
        """True if the cluster's DNS Service gives a node an address of its own family."""
        server = addresses.of_cluster(self.lab.flavour.families, addresses.DNS_SERVICE, addresses.DNS_SERVICE6)[0]
        query = dns.message.make_query(name, "A" if server.version == 4 else "AAAA")
        with namespace.datagram_socket(self.holder(one).pid, server.version) as client:
            client.setblocking(False)
            try:
                answer = dns.query.udp(query, str(server), timeout=1, sock=client)
            except (dns.exception.DNSException, OSError):
                return False
        return answer.rcode() == dns.rcode.NOERROR and bool(answer.answer)


def pods_ready(pods: list[dict[str, Any]], number: int) -> bool:
    """True if there are this many pods and all are Ready."""
    return len(pods) == number and all(_pod_ready(pod) for pod in pods)


def _pod_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
