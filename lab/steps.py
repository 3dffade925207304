"""The steps of `up`: a cold start, and a resume from kept disks."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import yaml

from lab import addons, addresses, joining, kubeadm, namespace, network, nft, node, podnet, rootfs, state, wait
from lab.addresses import Address, Node
from lab.artifacts import Artifacts
from lab.cluster import Cluster
from lab.errors import LabError
from lab.progress import Progress

COLD = (
    "networks, router, internet and runner", "disks of the nodes", "nodes boot", "kubeadm init", "pod network",
    "kubeadm join", "nodes ready", "kube-proxy", "CoreDNS answers", "all pods ready",
)  # fmt: skip
RESUME = (
    "networks, router, internet and runner",
    "nodes boot",
    "API server",
    "kube-proxy",
    "nodes ready",
    "CoreDNS answers",
    "all pods ready",
)


def cold_start(cluster: Cluster, artifacts: Artifacts, progress: Progress) -> None:
    """From artifacts to a cluster whose CoreDNS answers."""
    with progress.step(COLD[0]):
        build_hosts(cluster)
    with progress.step(COLD[1]):
        make_disks(cluster, cluster.nodes, artifacts)
    with progress.step(COLD[2]):
        boot(cluster, cluster.nodes)
    with progress.step(COLD[3]) as step:
        joining.init(cluster, step)
        write_kubeconfig(cluster)
        addons.scale_coredns(cluster, 0)
    with progress.step(COLD[4]):
        if cluster.lab.flavour.cni == "flannel":
            addons.apply_flannel(cluster, artifacts.manifests["flannel"])
    with progress.step(COLD[5]) as step:
        joining.join(cluster, cluster.workers, step)
    with progress.step(COLD[6]):
        wait_nodes(cluster, cluster.nodes)
    with progress.step(COLD[7]):
        addons.wait_proxies(cluster, cluster.nodes)
    with progress.step(COLD[8]):
        addons.start_coredns(cluster)
        addons.wait_dns(cluster)
    with progress.step(COLD[9]):
        addons.wait_all_ready(cluster)
    note_complete(cluster, artifacts)


def resume(cluster: Cluster, progress: Progress) -> None:
    """From kept disks to a cluster whose CoreDNS answers."""
    started = datetime.now(UTC).replace(microsecond=0)
    with progress.step(RESUME[0]):
        build_hosts(cluster)
    with progress.step(RESUME[1]):
        boot(cluster, cluster.nodes)
    with progress.step(RESUME[2]):
        write_kubeconfig(cluster)
        cluster.wait(cluster.api.ready, "the API server is ready", "kube-apiserver")
    with progress.step(RESUME[3]):
        addons.wait_proxies(cluster, cluster.nodes)
    with progress.step(RESUME[4]):
        wait_nodes(cluster, cluster.nodes, started)
    with progress.step(RESUME[5]):
        addons.wait_dns(cluster)
    with progress.step(RESUME[6]):  # the network works already; this is the readiness period of flannel's pods
        addons.wait_all_ready(cluster)


def build_hosts(cluster: Cluster) -> None:
    """Make the namespaces of the router, the hosts and the nodes, connect them and start the internet's servers."""
    where = cluster.where
    for name in ("router", "internet", "runner"):
        cluster.remember(node.hold_network(name, where))
    router = cluster.router
    families = cluster.lab.flavour.families
    network.build_router(router, families)
    internet, runner = cluster.lab.process("internet").pid, cluster.lab.process("runner").pid
    network.connect_host(router, internet, "internet", addresses.internet(families), _name_servers(cluster))
    network.connect_host(router, runner, "runner", addresses.runner(families))
    network.write_sysctls(runner, {"net.ipv4.conf.eth0.route_localnet": 1, **network.reverse_path(0, ["eth0"])})
    nft.load(Path(cluster.lab.base), runner, nft.runner_rules())
    (where.run / "resolv.conf").write_text(rootfs.resolver(families))
    connect_nodes(cluster, cluster.nodes)
    _start_servers(cluster, internet)


def _start_servers(cluster: Cluster, internet: int) -> None:
    root = str(Path(__file__).resolve().parent.parent)
    argv = [
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {root!r}); from lab.hosts import internet; internet.main({cluster.lab.flavour.families!r})",
    ]
    servers = cluster.remember(node.host_program("internet-servers", internet, argv, cluster.where))

    def check() -> None:
        if not servers.alive():
            raise LabError(f"the internet host's servers ended{wait.excerpt([cluster.where.log('internet-servers')])}")

    wait.until(
        partial(_listens, internet, str(_name_servers(cluster)[-1])),
        "the internet host's servers listen",
        timeout=20,
        logs=[cluster.where.log("internet-servers")],
        alive=check,
    )


def _name_servers(cluster: Cluster) -> tuple[Address, ...]:
    return addresses.of_hosts(cluster.lab.flavour.families, addresses.INTERNET_DNS, addresses.INTERNET_DNS6)


def _listens(internet: int, address: str) -> bool:
    with namespace.connect(internet, address, 53, 1):
        return True


def connect_nodes(cluster: Cluster, nodes: Sequence[Node]) -> None:
    """Make and connect the network namespaces of nodes, with the stand-in for the API's Service."""
    for one in nodes:
        holder = cluster.remember(node.hold_network(f"net-{one.name}", cluster.where))
        network.connect_node(cluster.router, holder.pid, one, cluster.lab.flavour)
        nft.load(Path(cluster.lab.base), holder.pid, nft.guard_rules(cluster.lab.flavour.families))


def make_disks(cluster: Cluster, nodes: Sequence[Node], artifacts: Artifacts) -> None:
    """Make new disks for nodes, with kubeadm's configuration in them."""
    for one in nodes:
        init = kubeadm.init_config(cluster.lab.flavour, artifacts.versions["kubernetes"])
        text = init if one.is_control else kubeadm.join_config(one, cluster.lab.flavour)
        files = {kubeadm.CONFIG: text, "/etc/resolv.conf": rootfs.resolver(cluster.lab.flavour.families)}
        rootfs.create(cluster.where.disk(one.name), one, artifacts, files)


def boot(cluster: Cluster, nodes: Sequence[Node]) -> None:
    """Start nodes and wait for their containerd."""
    for one in nodes:
        cluster.remember(node.start(one, cluster.holder(one).pid, cluster.where, cluster.lab))
    for one in nodes:
        started = cluster.booted(one)
        log = cluster.where.disk(one.name) / "log" / "containerd.log"
        cluster.wait(partial(node.containerd_answers, started, log), f"containerd of {one.name} answers", "containerd", 30)


def wait_nodes(cluster: Cluster, nodes: Sequence[Node], since: datetime | None = None) -> None:
    """Wait until the nodes have their pod subnets and are Ready, by a report not older than `since`."""
    if cluster.lab.flavour.cni == "flannel":
        addons.wait_subnets(cluster, list(nodes))
    else:
        podnet.provide(cluster, list(dict.fromkeys([*cluster.nodes, *nodes])))
    for one in nodes:
        cluster.wait(partial(cluster.node_ready, one.name, since), f"{one.name} is Ready", "kubelet")


def write_kubeconfig(cluster: Cluster) -> None:
    """Write the user's kubeconfig: admin's, with the loopback address that only the runner's namespace serves."""
    config = yaml.safe_load(cluster.where.admin.read_text())
    name = "k8snet-lab"
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{addresses.RUNNER_API_PORT}"
    config["clusters"][0]["name"] = config["contexts"][0]["name"] = config["current-context"] = name
    config["users"][0]["name"] = "k8snet-lab-admin"
    config["contexts"][0]["context"] = {"cluster": name, "user": "k8snet-lab-admin"}
    state.write_atomically(cluster.where.kubeconfig, yaml.safe_dump(config))


def note_complete(cluster: Cluster, artifacts: Artifacts) -> None:
    """Note on the disks that they hold a whole cluster, and of what make."""
    noted = {"origin": rootfs.origin(artifacts), "flavour": cluster.lab.flavour.as_dict()}
    state.write_atomically(cluster.where.disks / rootfs.COMPLETE, json.dumps(noted, indent=1))
