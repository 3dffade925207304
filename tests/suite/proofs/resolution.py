"""Name resolution: cluster DNS itself, the files that kubelet writes, and what resolvers find."""

from __future__ import annotations

from typing import Any

from spoiling import Evidence

from .proof import FAILED, WARNING, Edit, Proof, each, outcome, reply

DNS = ("k8s-app", "kube-dns")
LOG = "log/kube-system/*"
LOOP = "[FATAL] plugin/loop: Loop (127.0.0.1:33333 -> :53) detected for zone ., see https://coredns.io/plugins/loop#troubleshooting\n"
FLOOD = "[ERROR] plugin/errors: 2 www.example.test. A: read udp 10.0.0.1:1->192.0.2.1:53: i/o timeout\n" * 30


def resolv_conf(role: str, old: str, new: str, node: str = "w1") -> Edit:
    """A line of a pod's own file reads differently."""
    return lambda evidence: evidence.replace(node, f"resolv.conf/{role}" if role else "resolv.conf", old, new)


def logged(line: str) -> Edit:
    """The first CoreDNS pod's log ends with this."""

    def edit(evidence: Evidence) -> None:
        names = sorted({entry["name"] for entry in evidence.recording.streams["objects"] if entry["name"].startswith("log/kube-system/")})
        evidence.object(names[0], lambda body: body + line)

    return edit


def _one_replica(item: Any) -> None:
    item["status"]["readyReplicas"] = 1


def _without_tcp(piece: Any) -> None:
    piece["ports"] = [port for port in piece["ports"] if port["name"] != "dns-tcp"]


def _not_ready(piece: Any) -> None:
    piece["endpoints"][0]["conditions"].update(ready=False, serving=False)


def _crash(pod: Any) -> None:
    container = pod["status"]["containerStatuses"][0]
    container.update(ready=False, restartCount=7, state={"waiting": {"reason": "CrashLoopBackOff"}})


def _without_nameserver_events(body: Any) -> None:
    body["items"] = [item for item in body["items"] if "ameserver" not in item["message"]]


def _accepted(evidence: Evidence) -> None:
    for entry in evidence.recording.entries("objects", name="dry-run/dns-none-without-nameserver"):
        entry.update(status=201, body={"kind": "Pod"})  # type: ignore[attr-defined]


HEALTH = (
    Proof(
        "NET-DNS-001",
        "one replica",
        lambda evidence: evidence.item("deployments/kube-system", "coredns", _one_replica),
        red=("cluster",),
        status=WARNING,
        text=(
            "cluster: Deployment kube-system/coredns (spec.replicas 2)",
            "ready replicas: expected 2, found 1",
            "on w1: Running and Ready",
        ),
    ),
    Proof(
        "NET-DNS-003",
        "no endpoint for TCP",
        lambda evidence: evidence.item("endpointslices", "kube-dns-*", _without_tcp),
        red=("cluster",),
        text=("EndpointSlices of Service kube-system/kube-dns, port 53", "TCP: expected {replicas}, found nothing"),
        also={f"NET-PROXY-022 {node}": FAILED for node in ("control", "w1", "w2")},
    ),
    Proof(
        "NET-DNS-015",
        "CoreDNS forwards to itself",
        logged(LOOP),
        red=("cluster",),
        text=("CoreDNS pods and their last 200 log lines", "a forwarding loop: [FATAL] plugin/loop: Loop", "(on w", "expected no loop"),
    ),
    Proof(
        "NET-DNS-015",
        "the servers upstream do not answer",
        logged(FLOOD),
        red=("cluster",),
        text=("found 30 upstream timeouts in the last", "(on w"),
    ),
    Proof(
        "NET-DNS-015",
        "CoreDNS crashes",
        lambda evidence: evidence.pod_on("pods/kube-system", DNS, "w1", _crash),
        red=("cluster",),
        text=("found CrashLoopBackOff (restarts: 7) (on w1)",),
    ),
)

FILES = (
    Proof(
        "NET-DNS-006",
        "search list in another order",
        resolv_conf("a", "svc.cluster.local cluster.local", "cluster.local svc.cluster.local"),
        red=("pod/a@w1",),
        text=(
            "pod/a@w1: /etc/resolv.conf, content of dnsPolicy ClusterFirst (kubelet: clusterDNS 10.96.0.10, clusterDomain cluster.local",
            "search: expected",
            "svc.cluster.local svc.cluster.local cluster.local, found",
        ),
        also={"NET-DNS-005 pod/a@w1": FAILED},
    ),
    Proof(
        "NET-DNS-006",
        "a pod resolves the API server's name to another address",
        reply("resolve4+udp-cluster:pod/a@w1>resolver", answers=["192.0.2.1"]),
        red=("pod/a@w1",),
        text=("pod/a@w1: answers through its own resolver", "udp-cluster: expected 10.96.0.1, found 192.0.2.1", "to 10.96.0.10"),
    ),
    Proof(
        "NET-DNS-006",
        "a short name resolves over UDP only",
        outcome("resolve4+tcp-short:pod/a@w1>resolver", "timeout", 2.0),
        red=("pod/a@w1",),
        text=("pod/a@w1: answers", "tcp-short: expected 10.96.", "found timeout", "question web"),
        also={"NET-DNS-018 pod/a@w1": FAILED},
    ),
    Proof(
        "NET-DNS-007",
        "a host-network pod gets the cluster's server",
        resolv_conf("host", "198.51.100.53", "10.96.0.10"),
        red=("host@w1",),
        text=("host@w1: /etc/resolv.conf, content of dnsPolicy Default", "nameserver: expected 198.51.100.53, found 10.96.0.10"),
    ),
    Proof(
        "NET-DNS-008",
        "ClusterFirstWithHostNet does not work",
        resolv_conf("hostdns", "nameserver 10.96.0.10", "nameserver 198.51.100.53"),
        red=("pod/hostdns@w1",),
        text=(
            "pod/hostdns@w1: /etc/resolv.conf, content of dnsPolicy ClusterFirst",
            "nameserver: expected 10.96.0.10, found 198.51.100.53",
        ),
    ),
    Proof(
        "NET-DNS-009",
        "a Default pod gets ndots",
        resolv_conf("default", "nameserver", "options ndots:5\nnameserver"),
        red=("pod/default@w1",),
        text=("pod/default@w1: /etc/resolv.conf, content of dnsPolicy Default", "options: expected nothing, found ndots:5"),
    ),
    Proof(
        "NET-DNS-010",
        "a second server slips in",
        resolv_conf("none", "nameserver 127.0.0.1", "nameserver 127.0.0.1\nnameserver 10.96.0.10"),
        red=("pod/none@w1",),
        text=("pod/none@w1: /etc/resolv.conf, content of dnsPolicy None", "nameserver: expected 127.0.0.1, found 127.0.0.1 10.96.0.10"),
    ),
    Proof(
        "NET-DNS-010",
        "the API accepts None without a server",
        _accepted,
        red=("pod/none@control", "pod/none@w1", "pod/none@w2"),
        text=("pod with dnsPolicy None and no nameserver: expected refused for its dnsConfig (422), found answered 201",),
    ),
    Proof(
        "NET-DNS-014",
        "the node's file is the stub of systemd-resolved",
        each(*(resolv_conf(role, "198.51.100.53", "127.0.0.53") for role in ("", "host", "default"))),
        red=("w1",),
        text=("w1: /etc/resolv.conf (kubelet's resolvConf)", "expected one to three servers, none on loopback, found loopback 127.0.0.53"),
    ),
)

CUSTOM = (
    Proof(
        "NET-DNS-011",
        "the pod's value of an option does not win",
        resolv_conf("custom", "ndots:2", "ndots:5", "control"),
        red=("pod/custom@control",),
        status=WARNING,
        text=(
            "pod/custom@control: /etc/resolv.conf, content of dnsPolicy ClusterFirst with a dnsConfig",
            "options: expected attempts:3 ndots:2, found attempts:3 ndots:5",
        ),
    ),
    Proof(
        "NET-DNS-012",
        "four nameservers",
        resolv_conf("custom", "nameserver 192.0.2.52", "nameserver 192.0.2.52\nnameserver 192.0.2.53", "control"),
        red=("pod/custom@control",),
        text=("nameserver: expected 10.96.0.10 192.0.2.51 192.0.2.52, found 10.96.0.10 192.0.2.51 192.0.2.52 192.0.2.53",),
    ),
    Proof(
        "NET-DNS-012",
        "nobody is told that a nameserver was left out",
        lambda evidence: evidence.object("events/dns-config-forming", _without_nameserver_events),
        red=("pod/custom@control",),
        text=("event: expected a DNSConfigForming event about nameserver, found no such event",),
    ),
    Proof(
        "NET-DNS-013",
        "entries that fit are left out",
        resolv_conf("custom", " s28.k8snet.test s29.k8snet.test", "", "control"),
        red=("pod/custom@control",),
        status=WARNING,
        text=("entries: expected 32, found 30 (32 entries and 2048 characters fit with kubelet v1.", "wanted are 34"),
        also={"NET-DNS-011 pod/custom@control": WARNING},
    ),
    Proof(
        "NET-DNS-013",
        "more entries than fit",
        resolv_conf("custom", "s29.k8snet.test", "s29.k8snet.test s30.k8snet.test", "control"),
        red=("pod/custom@control",),
        status=WARNING,
        text=("entries: expected 32, found 33",),
    ),
    Proof(
        "NET-DNS-032",
        "the hosts file is not kubelet's",
        lambda evidence: evidence.replace("w1", "hosts/b", "# Kubernetes-managed hosts file.", "# my own"),
        red=("pod/b@w1",),
        text=("pod/b@w1: /etc/hosts and the pod's own name", "first line: expected # Kubernetes-managed hosts file., found # my own"),
    ),
    Proof(
        "NET-DNS-032",
        "the full name does not lead to the pod",
        lambda evidence: evidence.replace("w1", "hosts/a", "{pod/a@w1}\t", "192.0.2.1\t"),
        red=("pod/a@w1",),
        text=("pod/a@w1: /etc/hosts", "{pod/a@w1}: expected a-", ".svc.cluster.local a-", "found nothing"),
    ),
    Proof(
        "NET-DNS-032",
        "a pod does not know its full name",
        lambda evidence: evidence.fact("w1", "full-name/a", lambda text: text.partition(".")[0]),
        red=("pod/a@w1",),
        text=("hostname -f: expected a-", ".svc.cluster.local, found a-"),
    ),
    Proof(
        "NET-DNS-032",
        "a pod on the host network has other hosts than its node",
        lambda evidence: evidence.fact("w1", "hosts/host", lambda text: text + "192.0.2.7 elsewhere\n"),
        red=("host@w1",),
        text=("host@w1: /etc/hosts, the node's own on the host network", "expected nothing, found 192.0.2.7 elsewhere"),
    ),
)

NAMES = (
    Proof(
        "NET-DNS-019",
        "kubernetes.default does not exist",
        outcome("resolve4+udp-kubernetes:pod/a@w1>resolver", "name-error"),
        red=("pod/a@w1",),
        text=("pod/a@w1: answers", "udp-kubernetes: expected 10.96.0.1, found name-error", "question kubernetes.default"),
        also={"NET-DNS-018 pod/a@w1": FAILED},
    ),
    Proof(
        "NET-DNS-026",
        "port 53 refuses TCP",
        outcome("query4+tcp-cluster:pod/a@w1>service/kube-dns", "refused"),
        red=("pod/a@w1",),
        text=("pod/a@w1: answers", "tcp-cluster: expected 10.96.0.1, found refused", "question kubernetes.default.svc.cluster.local."),
        also={"NET-DNS-028 pod/a@w1 > service/kube-dns query+tcp-cluster": FAILED},
    ),
    Proof(
        "NET-DNS-027",
        "the answer over TCP lacks an address",
        lambda evidence: evidence.samples(
            "query4+tcp-big:pod/a@w1>service/kube-dns", lambda sample: sample["reply"]["answers"].remove("192.0.2.7")
        ),
        red=("pod/a@w1",),
        status=WARNING,
        text=("pod/a@w1: answers", "tcp-big: expected 192.0.2.1,", "question big."),
    ),
    Proof(
        "NET-DNS-027",
        "the large answer comes over UDP without being cut",
        lambda evidence: evidence.samples(
            "query4+udp-big:pod/a@w1>service/kube-dns",
            lambda sample: sample.update(outcome="reached", reply={**sample["reply"], "tc": False}),
        ),
        red=("pod/a@w1",),
        status=WARNING,
        text=("pod/a@w1: answers", "udp-big: expected truncated, found 192.0.2.", "question big."),
    ),
    Proof(
        "NET-DNS-031",
        "an absolute name runs through the search list",
        lambda evidence: evidence.samples(
            "resolve4+udp-external-absolute:pod/a@w1>resolver",
            lambda sample: sample["detail"]["messages"].append(
                {**sample["detail"]["messages"][0], "qname": "www.example.test.cluster.local."}
            ),
        ),
        red=("pod/a@w1",),
        text=("udp-external-absolute, names asked: expected www.example.test, found www.example.test, www.example.test.cluster.local",),
    ),
    Proof(
        "NET-DNS-031",
        "nothing upstream answers",
        outcome("resolve4+udp-external:pod/a@w1>resolver", "name-failure", rcode="SERVFAIL"),
        red=("pod/a@w1",),
        text=("pod/a@w1: answers", "udp-external: expected an address, found name-failure", "question www.example.test"),
        also={"NET-DNS-006 pod/a@w1": FAILED},
    ),
)

PROOFS = (*HEALTH, *FILES, *CUSTOM, *NAMES)
