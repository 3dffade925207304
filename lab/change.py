"""Changing the flavour of a running lab: only what differs is touched, nothing is rebuilt."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import yaml

from lab import addons, addresses, artifacts, flavour, joining, network, process, rootfs, state, steps, teardown
from lab.addresses import Node
from lab.cluster import Cluster, pods_ready
from lab.flavour import Flavour
from lab.progress import Progress, Step

# flannel takes neither its vxlan device nor its iptables rules away when it no longer uses them.
IPTABLES_LEFTOVERS = """
for tables in {programs}; do
  $tables -t nat -D POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
  $tables -t nat -F FLANNEL-POSTRTG; $tables -t nat -X FLANNEL-POSTRTG
  $tables -t filter -D FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
  $tables -t filter -F FLANNEL-FWD; $tables -t filter -X FLANNEL-FWD
done
true
"""
# What host-gw or vxlan's DirectRouting wrote outranks the one route of the udp backend.
DIRECT_ROUTES = """
ip route show root {pods} dev eth0 | while read -r subnet _; do ip route delete "$subnet" dev eth0; done
"""
TUNNELLED = {"vxlan", "vxlan-direct"}
ROUTED = {"vxlan-direct", "host-gw"}
VXLAN_PEERS = "for one in {devices}; do ip neigh flush dev $one nud permanent; bridge fdb flush dev $one; done"
VXLAN_DEVICES = "for one in {devices}; do ip link delete $one; done"


Work = Callable[[Cluster, Flavour, Flavour, Step], None]


def apply(cluster: Cluster, wanted: Flavour, progress: Progress) -> None:
    """Bring a running lab to another flavour."""
    before = cluster.lab.flavour
    _discard(cluster, strays(cluster))
    differ = set(before.differences(wanted))
    work: list[tuple[str, Work]] = []
    if "rp_filter" in differ:
        work.append((f"rp_filter {wanted.rp_filter}", _reverse_path))
    if wanted.workers < before.workers:
        work.append((f"down to {wanted.workers} workers", _remove_workers))
    if differ & {"flannel_backend", "flannel_nftables"}:
        work.append((f"flannel {wanted.flannel_backend}", _change_flannel))
    if "proxy_mode" in differ:
        work.append((f"kube-proxy {wanted.proxy_mode}", _change_proxy))
    if wanted.workers > before.workers:
        work.append((f"up to {wanted.workers} workers", _add_workers))
    work.append(("CoreDNS answers, all pods ready", _settle))
    progress.plan([name for name, _ in work])
    for name, change in work:
        with progress.step(name) as step:
            change(cluster, before, wanted, step)


def _note(cluster: Cluster, **fields: Any) -> None:
    """Remember the part of the flavour that now holds: in the state, and on the disks for a resume."""
    cluster.lab.flavour = cluster.lab.flavour.changed(fields)
    state.save(cluster.where, cluster.lab)
    noted = rootfs.read_complete(cluster.where.disks) or {}
    noted["flavour"] = cluster.lab.flavour.as_dict()
    state.write_atomically(cluster.where.disks / rootfs.COMPLETE, json.dumps(noted, indent=1))


def _settle(cluster: Cluster, _before: Flavour, _wanted: Flavour, _step: Step) -> None:
    addons.place_coredns(cluster)
    addons.wait_dns(cluster)
    addons.wait_all_ready(cluster)


def _reverse_path(cluster: Cluster, _before: Flavour, wanted: Flavour, _step: Step) -> None:
    for one in cluster.nodes:
        network.set_reverse_path_filter(cluster.holder(one).pid, wanted.rp_filter)
    _note(cluster, rp_filter=wanted.rp_filter)


def _restart(cluster: Cluster, space: str, selector: str, component: str) -> None:
    """Delete a DaemonSet's pods at once and wait for their successors."""
    old = {pod["metadata"]["uid"] for pod in cluster.pods(selector, space)}
    cluster.kubectl(["-n", space, "delete", "pods", "-l", selector, "--grace-period=1"], f"restarting {component}")

    def renewed() -> bool:
        pods = cluster.pods(selector, space)
        return pods_ready(pods, len(cluster.nodes)) and not old & {pod["metadata"]["uid"] for pod in pods}

    cluster.wait(renewed, f"the new pods of {component} are ready", component)


def _change_proxy(cluster: Cluster, _before: Flavour, wanted: Flavour, _step: Step) -> None:
    path = f"{addons.SYSTEM}/configmaps/kube-proxy"
    config = yaml.safe_load(cluster.api.get(path)["data"]["config.conf"])
    config["mode"] = wanted.proxy_mode
    cluster.api.merge(path, {"data": {"config.conf": yaml.safe_dump(config)}})
    _restart(cluster, "kube-system", "k8s-app=kube-proxy", "kube-proxy")
    addons.wait_proxies(cluster, cluster.nodes)
    _note(cluster, proxy_mode=wanted.proxy_mode)


def _change_flannel(cluster: Cluster, before: Flavour, wanted: Flavour, _step: Step) -> None:
    path = f"{addons.FLANNEL}/configmaps/kube-flannel-cfg"
    text = cluster.api.get(path)["data"]["net-conf.json"]
    cluster.api.merge(path, {"data": {"net-conf.json": addons.net_conf(text, wanted)}})
    if addons.needs_tun(before) != addons.needs_tun(wanted):
        _set_privileged(cluster, addons.needs_tun(wanted))
    _restart(cluster, "kube-flannel", "app=flannel", "kube-flannel")
    for one in cluster.nodes:
        _remove_leftovers(cluster, one, before, wanted)
    _note(cluster, flannel_backend=wanted.flannel_backend, flannel_nftables=wanted.flannel_nftables)


def _set_privileged(cluster: Cluster, value: bool) -> None:
    change = [{"op": "replace", "path": "/spec/template/spec/containers/0/securityContext/privileged", "value": value}]
    argv = ["-n", "kube-flannel", "patch", "daemonset", "kube-flannel-ds", "--type=json", "-p", json.dumps(change)]
    cluster.kubectl(argv, "giving flanneld the tun device")


def _remove_leftovers(cluster: Cluster, one: Node, before: Flavour, wanted: Flavour) -> None:
    for script in leftovers(before, wanted):
        cluster.run(one, ["sh", "-c", script], "removing what flannel no longer uses")


def leftovers(before: Flavour, wanted: Flavour) -> list[str]:
    """Scripts that remove from a node what flannel of one flavour leaves behind when it becomes another."""
    old, new = before.flannel_backend, wanted.flannel_backend
    devices = " ".join(addresses.of_cluster(wanted.families, "flannel.1", "flannel-v6.1"))
    scripts = []
    if old in TUNNELLED and new not in TUNNELLED:
        scripts.append(VXLAN_DEVICES.format(devices=devices))
    if (old, new) == ("vxlan", "vxlan-direct"):
        scripts.append(VXLAN_PEERS.format(devices=devices))
    if old in ROUTED and new == "udp":
        scripts.append(DIRECT_ROUTES.format(pods=addresses.PODS))
    if wanted.flannel_nftables and not before.flannel_nftables:
        programs = " ".join(addresses.of_cluster(wanted.families, "iptables", "ip6tables"))
        scripts.append(IPTABLES_LEFTOVERS.format(programs=programs))
    return scripts


def _add_workers(cluster: Cluster, before: Flavour, wanted: Flavour, step: Step) -> None:
    made = artifacts.ensure(cluster.where.cache, Progress(io.StringIO()), flavour.KUBERNETES[wanted.kubernetes])
    new = addresses.nodes(wanted.workers)[before.workers + 1 :]
    try:
        steps.connect_nodes(cluster, new)
        steps.make_disks(cluster, new, made)
        steps.boot(cluster, new)
        joining.join(cluster, new, step)
        steps.wait_nodes(cluster, new)
        addons.wait_proxies(cluster, new)
        _note(cluster, workers=wanted.workers)
    except BaseException:
        with process.signals_held():
            _discard(cluster, new)
        raise


def _remove_workers(cluster: Cluster, before: Flavour, wanted: Flavour, _step: Step) -> None:
    old = addresses.nodes(before.workers)[wanted.workers + 1 :]
    options = ["--ignore-daemonsets", "--delete-emptydir-data", "--force", "--grace-period=1", "--timeout=60s"]
    cluster.kubectl(["drain", *(one.name for one in old), *options], "draining the workers that go")
    with process.signals_held():
        _note(cluster, workers=wanted.workers)
        _discard(cluster, old)


def strays(cluster: Cluster) -> list[Node]:
    """Workers that run although the flavour has them no more, or not yet: a killed `up` left them."""
    known = addresses.nodes(addresses.MOST_WORKERS)
    return [one for one in known if f"net-{one.name}" in cluster.lab.processes and one not in cluster.nodes]


def _discard(cluster: Cluster, workers: Sequence[Node]) -> None:
    """Take workers out of the cluster and of the machine, however far they came."""
    for one in workers:
        cluster.kubectl(["delete", "node", one.name, "--ignore-not-found"], f"removing {one.name} from the cluster")
        of_node = f"--field-selector=spec.nodeName={one.name}"
        cluster.kubectl(["delete", "pods", "-A", of_node, "--force", "--grace-period=0"], f"removing the pods of {one.name}")
        for name in (one.name, f"net-{one.name}"):
            if name in cluster.lab.processes:
                cluster.lab.processes.pop(name).kill()
        teardown.remove_group(one.name)
        network.disconnect_node(cluster.router, one)
        rootfs.remove(cluster.where.disk(one.name))
        state.save(cluster.where, cluster.lab)
