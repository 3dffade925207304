from __future__ import annotations

import io
import subprocess
import sys
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.collect import manifests
from pytest_k8snet.collect.manifests_agent import bundle
from pytest_k8snet.collect.manifests_patch import apply
from pytest_k8snet.model.settings import Settings, Tier

SETTINGS = Settings(run_id="r1", image="probe:1")
OWNER = manifests.Owner.of(SETTINGS)
SAFE = {"net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start"}  # Kubernetes, Using sysctls in a cluster


def pod(role, node="n1"):
    return manifests.pod(OWNER, SETTINGS, manifests.ROLES[role], node, f"{role}-0-{node}")


def restricted(spec) -> bool:
    """Pod Security Standards, restricted, written down a second time from the page."""
    shared = spec.get("securityContext", {})
    allowed_volumes = {"configMap", "emptyDir", "projected", "secret", "downwardAPI", "ephemeral", "csi", "persistentVolumeClaim"}
    return (
        not any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC"))
        and {item["name"] for item in shared.get("sysctls", ())} <= SAFE
        and all(set(volume) - {"name"} <= allowed_volumes for volume in spec["volumes"])
        and all(strict(container["securityContext"]) for container in spec["containers"])
    )


def strict(context) -> bool:
    return (
        context.get("allowPrivilegeEscalation") is False
        and context.get("runAsNonRoot") is True
        and context.get("runAsUser") != 0
        and not context.get("privileged")
        and context.get("capabilities") == {"drop": ["ALL"]}
        and context.get("seccompProfile", {}).get("type") in ("RuntimeDefault", "Localhost")
    )


@pytest.mark.parametrize("name", [name for name, role in manifests.ROLES.items() if role.tier is Tier.RESTRICTED])
def test_pods_of_the_restricted_tier_are_restricted(name):
    assert restricted(pod(name)["spec"])


@pytest.mark.parametrize("name", ["host", "hostdns"])
def test_pods_of_the_privileged_tier_are_not(name):
    assert not restricted(pod(name)["spec"])


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("host", "ClusterFirst"),
        ("a", "ClusterFirst"),
        ("b", "ClusterFirstWithHostNet"),
        ("default", "Default"),
        ("none", "None"),
        ("custom", "ClusterFirst"),
        ("hostdns", "ClusterFirstWithHostNet"),
    ],
)
def test_every_resolver_policy_has_its_pod(name, policy):
    spec = pod(name)["spec"]
    assert spec["dnsPolicy"] == policy
    assert ("dnsConfig" in spec) is (name in ("none", "custom"))
    assert bool(spec.get("hostNetwork")) is name.startswith("host")


def test_the_private_resolver():
    spec = pod("none")["spec"]
    options = [{"name": "ndots", "value": "2"}]
    assert spec["dnsConfig"] == {"nameservers": ["127.0.0.1"], "searches": ["k8snet.test"], "options": options}
    assert "--dns" in spec["containers"][0]["command"]
    assert {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"} in spec["securityContext"]["sysctls"]


@pytest.mark.parametrize("searches", [32, 6])
def test_the_custom_resolver_has_more_than_fits_and_is_never_ready(searches):
    spec = manifests.pod(OWNER, SETTINGS, manifests.ROLES["custom"], "n1", "custom-0-n1", searches=searches)["spec"]
    config = spec["dnsConfig"]
    assert (len(config["nameservers"]), len(config["searches"])) == (3, searches)
    assert len(set(config["searches"])) == searches - 1
    assert spec["readinessGates"] == [{"conditionType": "k8snet/never"}]


def test_pods_a_are_members_of_the_headless_service():
    assert (pod("a")["spec"]["hostname"], pod("a")["spec"]["subdomain"]) == ("a-0-n1", "peers")
    assert "hostname" not in pod("b")["spec"]


@pytest.mark.parametrize("name", list(manifests.ROLES))
def test_no_probe_pod_outlives_its_run_or_holds_a_token(name):
    spec = pod(name)["spec"]
    assert (spec["restartPolicy"], spec["activeDeadlineSeconds"], spec["automountServiceAccountToken"]) == ("Never", manifests.LIFE, False)
    assert (spec["nodeName"], spec["tolerations"]) == ("n1", [{"operator": "Exists"}])


def test_the_host_pod_reads_the_node_and_cannot_write_it():
    spec = pod("host")["spec"]
    (mount,) = [m for m in spec["containers"][0]["volumeMounts"] if m["name"] == "host"]
    assert (mount["mountPath"], mount["readOnly"], mount["mountPropagation"]) == ("/host", True, "HostToContainer")


def test_pod_a_has_a_peer_for_loopback():
    names = [container["name"] for container in pod("a")["spec"]["containers"]]
    command = pod("a")["spec"]["containers"][1]["command"]
    assert names == ["agent", "peer"]
    assert command[2:] == ["peer", "--endpoint", "loopback@n1", "--run", "r1", "--port", "7802"]


def test_runs_on_one_cluster_have_host_ports_of_their_own():
    host, dns = manifests.ROLES["host"], manifests.ROLES["hostdns"]
    ports = {(role.port(run)) for run in ("a1", "b2", "c3") for role in (host, dns)}
    assert len(ports) == 6
    assert all(17801 <= port <= 18800 for port in ports)
    assert manifests.ROLES["a"].port("a1") == manifests.ROLES["a"].port("b2") == 7801


@given(st.sampled_from(list(manifests.ROLES.values())), st.text(min_size=1, max_size=80), st.integers(0, 5000))
def test_pod_names_are_dns_labels(role, node, position):
    name = manifests.pod_name(role, node, position)
    assert len(name) <= 63
    assert name[0].isalnum()
    assert name[-1].isalnum()
    assert name.startswith(f"{role.name}-{position}")


def test_pod_names_of_long_nodes_differ():
    nodes = [f"ip-10-0-0-{n}.{'very-long-' * 10}.internal" for n in range(3)]
    assert len({manifests.pod_name(manifests.ROLES["a"], node, n) for n, node in enumerate(nodes)}) == 3


keys = st.sampled_from("abc")
values = st.recursive(st.integers() | st.text(max_size=3), lambda inner: st.dictionaries(keys, inner, max_size=3), max_leaves=6)
mappings = st.dictionaries(keys, values, max_size=3)


@given(mappings, mappings)
def test_a_patch_is_in_the_result_and_twice_is_once(manifest, patch):
    once = apply(manifest, patch)
    assert apply(once, patch) == once
    assert apply(manifest, {}) == manifest
    assert set(once) == set(manifest) | set(patch)


def test_patch_rules():
    containers = {"containers": [{"name": "agent", "image": "x", "args": [1, 2]}, {"name": "peer", "image": "x"}]}
    patched = apply(containers, {"containers": [{"name": "agent", "args": [3]}, {"name": "new", "image": "y"}]})
    untouched = {"name": "peer", "image": "x"}
    assert patched["containers"] == [{"name": "agent", "image": "x", "args": [3]}, untouched, {"name": "new", "image": "y"}]
    assert apply({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}) == {"a": {"c": 2}}
    assert apply({"tolerations": [{"operator": "Exists"}]}, {"tolerations": []}) == {"tolerations": []}
    assert containers["containers"][0]["args"] == [1, 2], "the manifest is not changed in place"


def test_the_bundle_is_the_same_every_time_and_runs_alone(tmp_path):
    first = bundle()
    bundle.cache_clear()
    assert bundle() == first
    assert "__main__.py" in zipfile.ZipFile(io.BytesIO(first)).namelist()
    assert len(first) < 700_000, "a ConfigMap holds 1 MiB, base64 adds a third"
    (tmp_path / "agent.pyz").write_bytes(first)
    ran = subprocess.run([sys.executable, "-I", str(tmp_path / "agent.pyz"), "--help"], capture_output=True, text=True, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "serve" in ran.stdout
