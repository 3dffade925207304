"""kubeadm's configuration and its two commands; the cluster itself is what kubeadm makes of it."""

from __future__ import annotations

import resource
from typing import Any

import yaml

from lab import addresses
from lab.addresses import CONTROL, Node
from lab.flavour import Flavour

CONFIG = "/etc/kubernetes/kubeadm.yaml"
TOKEN = "abcdef.0123456789abcdef"  # opens nothing outside the lab: its API server is in a namespace without uplink
# On cgroup v1 "SystemVerification" is an error since Kubernetes 1.35.
INIT = ["kubeadm", "init", "--config", CONFIG, "--ignore-preflight-errors=SystemVerification", "--skip-token-print"]
JOIN = ["kubeadm", "join", "--config", CONFIG, "--ignore-preflight-errors=SystemVerification"]


def init_config(flavour: Flavour, version: str) -> str:
    """The file for `kubeadm init`: kubeadm.k8s.io/v1beta4 and the configurations of kubelet and kube-proxy."""
    return yaml.safe_dump_all([_init(flavour), _cluster(flavour, version), _kubelet(), _proxy(flavour)], sort_keys=False)


def join_config(node: Node, flavour: Flavour) -> str:
    """The file for `kubeadm join`."""
    discovery = {
        "bootstrapToken": {
            "apiServerEndpoint": _endpoint(flavour),
            "token": TOKEN,
            "unsafeSkipCAVerification": True,
        }
    }
    registration = _registration(node, flavour)
    return yaml.safe_dump(_document("kubeadm.k8s.io/v1beta4", "JoinConfiguration", discovery=discovery, **registration))


def _endpoint(flavour: Flavour) -> str:
    address = CONTROL.addresses(flavour.families)[0]
    return f"[{address}]:{addresses.API_PORT}" if ":" in address else f"{address}:{addresses.API_PORT}"


def _document(version: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, **fields}


def _registration(node: Node, flavour: Flavour) -> dict[str, Any]:
    registration = {
        "name": node.name,
        "criSocket": "unix:///run/containerd/containerd.sock",
        "imagePullPolicy": "Never",  # every image lies in the node's store already, and there is no registry
        "kubeletExtraArgs": [{"name": "node-ip", "value": ",".join(node.addresses(flavour.families))}],
    }
    return {"nodeRegistration": registration}


def _init(flavour: Flavour) -> dict[str, Any]:
    endpoint = {"advertiseAddress": CONTROL.addresses(flavour.families)[0], "bindPort": addresses.API_PORT}
    tokens = [{"token": TOKEN, "ttl": "0s"}]
    return _document(
        "kubeadm.k8s.io/v1beta4",
        "InitConfiguration",
        bootstrapTokens=tokens,
        localAPIEndpoint=endpoint,
        **_registration(CONTROL, flavour),
    )


def _cluster(flavour: Flavour, version: str) -> dict[str, Any]:
    alone = {"extraArgs": [{"name": "leader-elect", "value": "false"}]}  # one of each: an old lease would only delay a resume
    return _document(
        "kubeadm.k8s.io/v1beta4",
        "ClusterConfiguration",
        clusterName="k8snet-lab",
        kubernetesVersion=version,
        networking={
            "podSubnet": _joined(flavour, addresses.PODS, addresses.PODS6),
            "serviceSubnet": _joined(flavour, addresses.SERVICES, addresses.SERVICES6),
            "dnsDomain": "cluster.local",
        },
        apiServer={"certSANs": ["127.0.0.1", "localhost", CONTROL.address]},
        controllerManager=alone,
        scheduler=alone,
        etcd={"local": {"extraArgs": [{"name": "unsafe-no-fsync", "value": "true"}]}},
    )


def _joined(flavour: Flavour, four: object, six: object) -> str:
    return ",".join(map(str, addresses.of_cluster(flavour.families, four, six)))


def _kubelet() -> dict[str, Any]:
    open_files = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 1_000_000)
    return _document(
        "kubelet.config.k8s.io/v1beta1",
        "KubeletConfiguration",
        failCgroupV1=False,
        cgroupDriver="cgroupfs",
        failSwapOn=False,
        maxOpenFiles=open_files,
        oomScoreAdj=0,
        imageGCHighThresholdPercent=100,
        evictionHard={
            "memory.available": "100Mi", "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%",
        },
        resolvConf="/etc/resolv.conf",
        serializeImagePulls=False,
        fileCheckFrequency="2s",
        nodeStatusUpdateFrequency="5s",
    )  # fmt: skip


def _proxy(flavour: Flavour) -> dict[str, Any]:
    return _document(
        "kubeproxy.config.k8s.io/v1alpha1",
        "KubeProxyConfiguration",
        mode=flavour.proxy_mode,
        conntrack={"maxPerCore": 0, "min": 0},  # nf_conntrack_max is read-only in a network namespace
        oomScoreAdj=0,
    )
