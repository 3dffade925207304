"""CNI configurations and programs on a node, and where its container runtime looks for them."""

from __future__ import annotations

from spoiling import Evidence

from .proof import FAILED, Edit, Proof

OTHER = "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.cni]\nconf_dir = '/etc/other'\nbin_dir = '/opt/cni/bin'\n"


def entry(name: str) -> Edit:
    """A file more in the directory of CNI configurations."""
    return lambda evidence: evidence.fact("w1", "cni-files", lambda text: f"-rw-r--r-- {name}\n{text}")


def program(name: str, mode: str) -> Edit:
    """A program has another mode; "" removes it."""

    def edited(text: str) -> str:
        lines = [(line, f"{mode} {name}" if mode else "") for line in text.splitlines()]
        return "\n".join(new if line.endswith(f" {name}") else line for line, new in lines)

    return lambda evidence: evidence.fact("w1", "cni-programs", edited)


def _elsewhere(evidence: Evidence) -> None:
    evidence.fact("w1", "runtime-config", lambda _text: OTHER, source="/config.toml")
    for fact in evidence.facts("w1", "runtime-config"):
        fact["ok"] = fact["ok"] or fact["source"].endswith("/config.toml")


PROOFS = (
    Proof(
        "NET-FLANNEL-008",
        "another plugin's configuration comes first",
        entry("05-old.conflist"),
        red=("w1",),
        text=(
            "w1: CNI configurations in /etc/cni/net.d",
            "first file: expected 10-flannel.conflist, found 05-old.conflist (the directory holds 05-old.conflist, 10-flannel.conflist)",
        ),
        also={"NET-NODE-018 w1": FAILED},
    ),
    Proof(
        "NET-FLANNEL-009",
        "a program is missing",
        program("portmap", ""),
        red=("w1",),
        text=("w1: CNI programs in /opt/cni/bin", "portmap: expected executable, found missing"),
    ),
    Proof(
        "NET-FLANNEL-009",
        "a program cannot be executed",
        program("flannel", "-rw-r--r--"),
        red=("w1",),
        text=("flannel: expected executable, found not executable (-rw-r--r--)",),
    ),
    Proof(
        "NET-NODE-018",
        "another plugin left its configuration",
        entry("87-podman-bridge.conflist"),
        red=("w1",),
        text=(
            "w1: CNI directories of the container runtime",
            "configurations of other plugins: expected nothing, found 87-podman-bridge.conflist (/etc/cni/net.d)",
        ),
    ),
    Proof(
        "NET-NODE-018",
        "the runtime reads another directory",
        _elsewhere,
        red=("w1",),
        text=("directory of configurations: expected /etc/cni/net.d, found /etc/other", "the runtime's /etc/containerd/config.toml"),
        also={"NET-FLANNEL-008 w1": FAILED},
    ),
)
