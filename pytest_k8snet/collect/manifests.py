"""What a run creates, as plain dicts of long-stable fields: namespaces, the agent's ConfigMap and the probe pods."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.settings import Settings, Tier

ECHO_PORT, PEER_PORT, SECOND_PORT = 7801, 7802, 7803
HOST_PORTS = {"host": 17801, "hostdns": 17802}  # host network: away from ports that nodes use
HOST_PORT_STEPS = 500  # runs on one cluster at the same time must not meet on a node's ports
SOCKET = "/run/k8snet/agent.sock"
BUNDLE = "/k8snet/agent.pyz"
LIFE = 3600  # s; a forgotten pod ends by itself
USER = 65532
NONE_SEARCH, NONE_SERVER = "k8snet.test", "127.0.0.1"
PEERS = "peers"  # the headless Service that the pods `a` name as their subdomain
NEVER = "k8snet/never"  # a readiness gate that nobody opens: the pod runs and is never Ready
MOST_SEARCHES = 32  # that the API admits in a dnsConfig
SAFE_SYSCTLS = {"net.ipv4.ping_group_range": "0 2147483647"}  # datagram ICMP without a capability
POOL, POOL_OF_ECHO = "k8snet/pool", "echo"  # pods that serve the Services of scenarios
POOL_ROLES = ("a", "b")
NAMED_PORTS = (("echo", "TCP", ECHO_PORT), ("echo-udp", "UDP", ECHO_PORT), ("second", "TCP", SECOND_PORT))
PLACE = "k8snet/place"  # number of the pod's node
LOW_PORTS = {"net.ipv4.ip_unprivileged_port_start": "0"}  # the agent answers DNS on port 53


@dataclass(frozen=True, slots=True)
class Role:
    """One probe pod a node, or one in all: where it lives and what its resolver is made of."""

    name: str
    tier: Tier
    host_network: bool
    dns_policy: str

    def endpoint(self, node: str) -> Endpoint:
        """The stable name of this role's pod on a node."""
        return Endpoint(EndpointKind.HOST, "", node) if self.name == "host" else Endpoint(EndpointKind.POD, self.name, node)

    def port(self, run: str) -> int:
        """Where its echo server listens, TCP and UDP; on the host network 17801 to 18800, by the run's id."""
        if self.name not in HOST_PORTS:
            return ECHO_PORT
        return HOST_PORTS[self.name] + 2 * (zlib.crc32(run.encode()) % HOST_PORT_STEPS)


ROLES = {
    role.name: role
    for role in (
        Role("host", Tier.PRIVILEGED, True, "ClusterFirst"),
        Role("a", Tier.RESTRICTED, False, "ClusterFirst"),
        Role("b", Tier.RESTRICTED, False, "ClusterFirstWithHostNet"),
        Role("default", Tier.RESTRICTED, False, "Default"),
        Role("none", Tier.RESTRICTED, False, "None"),
        Role("custom", Tier.RESTRICTED, False, "ClusterFirst"),
        Role("hostdns", Tier.PRIVILEGED, True, "ClusterFirstWithHostNet"),
    )
}


@dataclass(frozen=True, slots=True)
class Owner:
    """Marks everything that a run creates, so that it can be found and swept."""

    run: str
    expires: datetime

    @classmethod
    def of(cls, settings: Settings) -> Owner:
        """Everything of this run expires with its pods."""
        return cls(settings.run_id, datetime.now(UTC) + timedelta(seconds=LIFE))

    def metadata(self, name: str, **labels: str) -> dict[str, Any]:
        """ObjectMeta with owner, run and expiry."""
        return {
            "name": name,
            "labels": {"app.kubernetes.io/managed-by": "pytest-k8snet", "k8snet/run": self.run, **labels},
            "annotations": {"k8snet/expires": self.expires.isoformat(timespec="seconds")},
        }


def namespace(owner: Owner, name: str, tier: Tier) -> dict[str, Any]:
    """A namespace that enforces the tier (Pod Security Admission)."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": owner.metadata(name, **{"pod-security.kubernetes.io/enforce": str(tier)})}


def agent_map(owner: Owner, bundle: bytes) -> dict[str, Any]:
    """The ConfigMap that carries the agent's program, by a name of this run: another's program must never be run."""
    data = {"agent.pyz": base64.b64encode(bundle).decode()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": owner.metadata(agent_name(owner.run)), "binaryData": data}


def agent_name(run: str) -> str:
    """Name of the ConfigMap that a run stores its agent in."""
    return f"k8snet-agent-{run}"


def pod(
    owner: Owner, settings: Settings, role: Role, node: str, name: str, place: int = 0, searches: int = MOST_SEARCHES
) -> dict[str, Any]:
    """One probe pod, pinned to its node past the scheduler, because every node must be a source (tainted ones too).

    `place` is the number of the node: scenarios choose backends by it, since a node's name may be no value of a label.
    `searches` is how many the API admits in a dnsConfig.
    """
    pool = {POOL: POOL_OF_ECHO} if role.name in POOL_ROLES else {}
    metadata = owner.metadata(name, **{"k8snet/role": role.name, PLACE: str(place), **pool})
    spec = _spec(settings, role, node) | _particular(role, name, searches)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def pod_name(role: Role, node: str, position: int) -> str:
    """A DNS label; the node's place in the list keeps long or dotted node names apart."""
    plain = "".join(c if c.isalnum() else "-" for c in node.lower()).strip("-")
    return f"{role.name}-{position}-{plain}"[:63].rstrip("-")


def nameless_dns_pod(owner: Owner, settings: Settings) -> dict[str, Any]:
    """A pod that the API must refuse: dnsPolicy None without a nameserver (Kubernetes, DNS for Services and Pods)."""
    manifest = pod(owner, settings, ROLES["a"], "", "no-nameserver")
    manifest["spec"] |= {"dnsPolicy": "None"}
    manifest["spec"].pop("nodeName")
    return manifest


def _spec(settings: Settings, role: Role, node: str) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "nodeName": node,
        "tolerations": [{"operator": "Exists"}],
        "restartPolicy": "Never",
        "activeDeadlineSeconds": LIFE,
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "dnsPolicy": role.dns_policy,
        "containers": _containers(settings, role, node),
        "volumes": _volumes(settings, role),
    }
    return spec | ({"hostNetwork": True} if role.host_network else _pod_network(role))


def _particular(role: Role, name: str, searches: int) -> dict[str, Any]:
    """What the name and the resolver of this role's pods are made of, beside the policy."""
    options = [{"name": "ndots", "value": "2"}]
    match role.name:
        case "a":
            return {"hostname": name, "subdomain": PEERS}
        case "none":
            return {"dnsConfig": {"nameservers": [NONE_SERVER], "searches": [NONE_SEARCH], "options": options}}
        case "custom":
            # one server and, with those of the cluster, two entries more than fit; the first entry stands there twice
            servers = [f"192.0.2.{last}" for last in (51, 52, 53)]
            entries = [f"s{number:02}.{NONE_SEARCH}" for number in (1, *range(1, searches))]
            config = {"nameservers": servers, "searches": entries, "options": [*options, {"name": "attempts", "value": "3"}]}
            return {"dnsConfig": config, "readinessGates": [{"conditionType": NEVER}]}
    return {}


def _pod_network(role: Role) -> dict[str, Any]:
    sysctls = SAFE_SYSCTLS | (LOW_PORTS if role.name == "none" else {})
    listed = [{"name": name, "value": value} for name, value in sysctls.items()]
    return {"securityContext": {"runAsNonRoot": True, "runAsUser": USER, "fsGroup": USER, "sysctls": listed, "seccompProfile": _SECCOMP}}


def _containers(settings: Settings, role: Role, node: str) -> list[dict[str, Any]]:
    serve = ["serve", "--endpoint", str(role.endpoint(node)), "--run", settings.run_id, "--socket", SOCKET, "--echo-port"]
    silence = int(2 * settings.ready_timeout + 120)  # no question is asked while pods are waited for
    serve += [str(role.port(settings.run_id)), "--silence", str(silence), "--life", str(LIFE)] + (["--dns"] if role.name == "none" else [])
    serve += ["--second-port", str(SECOND_PORT)] if role.name in POOL_ROLES else []
    containers = [_container(settings, role, "agent", serve)]
    if role.name in POOL_ROLES:
        containers[0]["ports"] = [{"name": name, "protocol": proto, "containerPort": port} for name, proto, port in NAMED_PORTS]
    if role.name == "a":
        peer = ["peer", "--endpoint", f"{EndpointKind.LOOPBACK}@{node}", "--run", settings.run_id, "--port", str(PEER_PORT)]
        containers.append(_container(settings, role, "peer", peer))
    return containers


def _container(settings: Settings, role: Role, name: str, arguments: list[str]) -> dict[str, Any]:
    mounts: list[dict[str, Any]] = [{"name": "agent", "mountPath": "/k8snet", "readOnly": True}]
    mounts.append({"name": "run", "mountPath": "/run/k8snet"})
    if role.name == "host":
        mounts.append({"name": "host", "mountPath": "/host", "readOnly": True, "mountPropagation": "HostToContainer"})
    return {
        "name": name,
        "image": settings.image,
        "imagePullPolicy": settings.pull_policy,
        "command": ["python3", BUNDLE, *arguments],
        "securityContext": _privileged() if role.name == "host" else _restricted(),
        "resources": {"requests": {"cpu": "5m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}},
        "volumeMounts": mounts,
    }


def _volumes(settings: Settings, role: Role) -> list[dict[str, Any]]:
    program = {"name": "agent", "configMap": {"name": agent_name(settings.run_id)}}
    volumes: list[dict[str, Any]] = [program, {"name": "run", "emptyDir": {}}]
    return volumes + ([{"name": "host", "hostPath": {"path": "/"}}] if role.name == "host" else [])


_SECCOMP: Mapping[str, str] = {"type": "RuntimeDefault"}


def _restricted() -> dict[str, Any]:
    """Pod Security Standards, profile restricted."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": _SECCOMP,
        "readOnlyRootFilesystem": True,
    }


def _privileged() -> dict[str, Any]:
    return {"privileged": True, "runAsUser": 0}
