"""CNI configurations and programs of a node, and where its container runtime looks for them."""

import pytest
from evidence_world import WORKER1, RecordedWorld

from pytest_k8snet.evidence.node_cni import COMPARISONS
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.cni_paths import Written, written
from pytest_k8snet.plan.readers import AFTER, HOST, names_for, readers_for

NEEDS = {"first_cni_file": "NET-FLANNEL-008", "cni_programs": "NET-FLANNEL-009", "runtime_paths": "NET-NODE-018"}
CONFIG, DROP_IN = f"{HOST}/etc/containerd/config.toml", f"{HOST}/etc/containerd/conf.d/cni.toml"
PROGRAMS = ("bandwidth", "bridge", "flannel", "host-local", "loopback", "portmap")
SECTION = "[plugins.'io.containerd.grpc.v1.cri'.cni]\n"
PLAIN = f"version = 2\n{SECTION}conf_dir = '/etc/cni/net.d'\nbin_dir = '/opt/cni/bin'\n"


class Node(RecordedWorld):
    def __init__(self):
        super().__init__()
        self.write("cni-files", "-rw-r--r-- 10-flannel.conflist\n")
        self.write("cni-programs", "".join(f"-rwxr-xr-x {name}\n" for name in PROGRAMS))
        self.write("runtime-config", PLAIN)

    def add(self, name, source, text, ok=True, error=""):
        fact = {"node": WORKER1, "phase": "after", "name": name, "source": source, "ok": ok, "code": None, "text": text, "error": error}
        self.recording.append("facts", fact)

    def differences(self, name):
        comparison = self.node().comparison(name)
        return [line.strip() for line in self.node().explain(name).split("\n")[1:]] if comparison.differing else []

    def configure(self, text):
        self.write("runtime-config", text)

    def endpoint(self, value):
        for entry in self.recording.entries("objects", name=f"configz/{WORKER1}"):
            entry["body"]["kubeletconfig"]["containerRuntimeEndpoint"] = value


@pytest.fixture
def node():
    return Node()


@pytest.mark.parametrize("name", COMPARISONS)
def test_a_healthy_node(node, name):
    comparison = node.node().comparison(name)
    assert (comparison.differing, len(comparison.expected) >= 2) == ((), True)


def test_where_flannel_writes(node):
    assert written(node.recording) == Written("/etc/cni/net.d", "10-flannel.conflist", "/opt/cni/bin")


@pytest.mark.parametrize("name", ["00-other.conflist", ".conflist.conf", "05.json"])
def test_another_configuration_comes_first(node, name):
    node.write("cni-files", f"-rw-r--r-- {name}\n-rw-r--r-- 10-flannel.conflist\n")
    assert node.differences("first_cni_file") == [
        f"first file: expected 10-flannel.conflist, found {name} (the directory holds {name}, 10-flannel.conflist)"
    ]
    assert f"configurations of other plugins: expected nothing, found {name}" in node.differences("runtime_paths")[0]


def test_files_that_no_runtime_considers(node):
    node.write("cni-files", "drwxr-xr-x 00-dir.conf\n-rw-r--r-- 05-old.conflist.bak\n-rw-r--r-- 10-flannel.conflist\n")
    assert node.differences("first_cni_file") == node.differences("runtime_paths") == []


def test_a_leftover_behind_flannels_file(node):
    node.write("cni-files", "-rw-r--r-- 10-flannel.conflist\n-rw-r--r-- 87-podman.conflist\n")
    assert node.differences("first_cni_file") == []
    assert "found 87-podman.conflist" in node.differences("runtime_paths")[0]


def test_a_configuration_of_loopback_is_no_leftover(node):
    node.write("cni-files", "-rw-r--r-- 10-flannel.conflist\n-rw-r--r-- 99-loopback.conf\n")
    node.add("cni", f"{HOST}/etc/cni/net.d/99-loopback.conf", '{"cniVersion": "1.0.0", "name": "lo", "type": "loopback"}')
    assert node.differences("runtime_paths") == []


def test_no_configuration_at_all(node):
    node.fail("cni-files", "no such file")
    assert "expected 10-flannel.conflist, found missing (the directory holds no configuration)" in node.differences("first_cni_file")[0]


@pytest.mark.parametrize(("mode", "found"), [("-rw-r--r--", "not executable"), ("??????????", "not executable"), (None, "missing")])
def test_a_program_that_cannot_be_run(node, mode, found):
    node.edit("cni-programs", "-rwxr-xr-x portmap\n", f"{mode} portmap\n" if mode else "")
    assert node.differences("cni_programs")[0].startswith(f"portmap: expected executable, found {found}")
    assert len(node.differences("cni_programs")) == 1


def test_no_directory_of_programs(node):
    node.fail("cni-programs", "no such file")
    assert len(node.differences("cni_programs")) == 5


def test_the_runtime_looks_elsewhere(node):
    node.configure(f"version = 2\n{SECTION}conf_dir = '/etc/other'\nbin_dir = '/usr/lib/cni'\n")
    assert "directory of the runtime: expected /etc/cni/net.d, found /etc/other" in node.differences("first_cni_file")[0]
    assert [line.partition(" (")[0] for line in node.differences("runtime_paths")] == [
        "directory of configurations: expected /etc/cni/net.d, found /etc/other",
        "directory of programs: expected /opt/cni/bin, found /usr/lib/cni",
    ]
    with pytest.raises(Inconclusive, match="looks for programs in /usr/lib/cni, and /opt/cni/bin was read"):
        node.node().comparison("cni_programs")


def test_several_directories_of_programs(node):
    node.configure("version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nbin_dirs = ['/usr/lib/cni', '/opt/cni/bin/']\n")
    assert node.differences("cni_programs") == node.differences("runtime_paths") == []
    node.edit("cni-programs", "-rwxr-xr-x portmap\n", "")
    with pytest.raises(Inconclusive, match="portmap may be elsewhere than in /opt/cni/bin"):
        node.node().comparison("cni_programs")


def test_without_a_file_containerd_has_its_defaults(node):
    node.fail("runtime-config", "no such file")
    assert [node.differences(name) for name in COMPARISONS] == [[], [], []]


def test_drop_ins_count_where_they_are_imported(node):
    node.add("runtime-config", DROP_IN, f"version = 2\n{SECTION}conf_dir = '/etc/other'\n")
    with pytest.raises(Inconclusive, match="whether containerd takes them in is not known"):
        node.node().comparison("runtime_paths")
    node.facts("runtime-config")[0]["text"] = f"imports = ['/etc/containerd/conf.d/*.toml']\n{PLAIN}"
    assert "found /etc/other" in node.differences("runtime_paths")[0]


@pytest.mark.parametrize("name", COMPARISONS)
@pytest.mark.parametrize(
    ("text", "words"),
    [("imports = ['/srv/*.toml']\n", "containerd imports /srv/"), ("bin_dirs = [\n[plugins]\n", "runtime-config cannot be understood")],
)
def test_a_configuration_that_is_not_known(node, name, text, words):
    node.configure(text)
    with pytest.raises(Inconclusive, match=words):
        node.node().comparison(name)


@pytest.mark.parametrize("name", COMPARISONS)
def test_a_runtime_that_is_not_known(node, name):
    node.endpoint("unix:///run/k3s/containerd/containerd.sock")
    with pytest.raises(Inconclusive, match="kubelet talks to unix:///run/k3s/"):
        node.node().comparison(name)
    node.endpoint("")
    with pytest.raises(Inconclusive, match="kubelet talks to an unknown socket"):
        node.node().comparison(name)
    node.api_node(WORKER1)["status"]["nodeInfo"]["containerRuntimeVersion"] = "cri-o://1.30.0"
    for entry in node.recording.entries("objects", name="nodes"):
        for item in entry["body"]["items"]:
            item["status"]["nodeInfo"]["containerRuntimeVersion"] = "cri-o://1.30.0"
    with pytest.raises(Inconclusive, match=r"the configuration of cri-o://1\.30\.0 is not read"):
        node.node().comparison(name)


@pytest.mark.parametrize("name", ["first_cni_file", "runtime_paths"])
def test_a_daemonset_that_does_not_tell(node, name):
    node.recording.streams["objects"] = [o for o in node.recording.streams["objects"] if not o["name"].startswith("daemonsets/")]
    with pytest.raises(Inconclusive, match="does not tell where it puts its CNI configuration"):
        node.node().comparison(name)


@pytest.mark.parametrize(("name", "requirement"), NEEDS.items())
def test_what_was_not_read_is_no_pass_and_the_planned_readers_are_enough(node, name, requirement):
    wanted = names_for([requirement])
    node.recording.streams["facts"] = [fact for fact in node.recording.streams["facts"] if fact["name"] in wanted]
    assert node.differences(name) == []
    for fact in wanted:
        before = [dict(entry) for entry in node.facts(fact)]
        node.fail(fact, "permission denied")
        with pytest.raises(Inconclusive, match="was not read: permission denied"):
            node.node().comparison(name)
        for entry, old in zip(node.facts(fact), before, strict=True):
            entry.update(old)


def test_the_directories_that_flannel_writes_to_are_listed(node):
    for entry in node.recording.entries("objects", name="daemonsets/kube-flannel"):
        for volume in entry["body"]["items"][0]["spec"]["template"]["spec"]["volumes"]:
            if volume["name"].startswith("cni"):
                volume["hostPath"]["path"] = f"/srv/{volume['name']}"
    [stage] = readers_for(frozenset({"cni-files", "cni-programs"}), AFTER)
    assert [request["list"] for request in stage(node.recording, WORKER1)] == [f"{HOST}/srv/cni", f"{HOST}/srv/cni-plugin"]
    node.recording.streams["objects"].clear()
    assert [request["list"] for request in stage(node.recording, WORKER1)] == [f"{HOST}/etc/cni/net.d", f"{HOST}/opt/cni/bin"]


def test_of_containerds_file_no_credentials_are_read(node):
    [stage] = readers_for(frozenset({"runtime-config"}), AFTER)
    assert [(request["path"], bool(request["lines"])) for request in stage(node.recording, WORKER1)] == [
        (CONFIG, True), (f"{HOST}/etc/containerd/conf.d/*.toml", True),
    ]  # fmt: skip
