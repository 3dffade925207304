"""The options of a run: one table, from which come the command line, the ini names and the help text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True, slots=True)
class Option:
    """One option. `kind` is flag | one | many; an option with `ini` can also be set as `k8snet_<name>` in an ini file."""

    flag: str
    metavar: str
    help: str
    kind: str = "one"
    ini: bool = True

    @property
    def dest(self) -> str:
        """Name in `config.option` and in ini files: `k8snet_context`, `k8snet_probe_timeout`."""
        return "k8snet_" + self.flag.removeprefix("--k8snet-").removeprefix("--k8s-").replace("-", "_")


OPTIONS = (
    Option(
        "--k8s-context",
        "NAME",
        "Context of the kubeconfig whose cluster is to be proved. Required to touch a cluster: it has no default, no ini name and no"
        " environment variable. With no path on the command line the bundled suite runs.",
        ini=False,
    ),
    Option("--k8snet-kubeconfig", "PATH", "Kubeconfig that holds the context (default: $KUBECONFIG, then ~/.kube/config)."),
    Option(
        "--k8snet-expect-cluster",
        "UID",
        "Refuse to run unless namespace kube-system has this UID: proof that the context still points to the cluster that is meant.",
        ini=False,
    ),
    Option(
        "--k8snet-profile",
        "NAME|PATH",
        "What is demanded: the name of a profile or a YAML file (repeatable; default: detected from the cluster).",
        kind="many",
    ),
    Option(
        "--k8snet-requirement",
        "ID|GLOB",
        "Assess only these requirements, for example NET-DNS-007 or 'NET-REACH-*' (repeatable).",
        kind="many",
        ini=False,
    ),
    Option(
        "--k8snet-feature",
        "NAME=on|off",
        "Declare what the cluster has, for example egress=on; what is declared off is skipped with that reason (repeatable).",
        kind="many",
    ),
    Option(
        "--k8snet-strict", "", "A SHOULD counts like a MUST: it fails the run instead of warning; not observed, no verdict.", kind="flag"
    ),
    Option(
        "--k8snet-tier",
        "TIER",
        "Most privilege that probe pods may take: restricted, baseline or privileged (default privileged). What needs more is skipped"
        " as declared off.",
    ),
    Option(
        "--k8snet-disruptive", "", "Allow checks that change the cluster for a moment; without it they are skipped.", kind="flag", ini=False
    ),
    Option("--k8snet-image", "REF", "Image of the probe pods; it needs python3, iptables, nft, ip, bridge and ping (default %(image)s)."),
    Option("--k8snet-pull-policy", "POLICY", "imagePullPolicy of the probe pods: Always, IfNotPresent (default) or Never."),
    Option("--k8snet-pod-patch", "FILE", "Strategic merge patch (YAML) for every probe pod: pull secrets, labels, priority, limits."),
    Option(
        "--k8snet-namespace",
        "NAME",
        "Prefix of the two namespaces of a run (default k8snet-<run id>). An existing namespace is used only if it carries our label.",
    ),
    Option("--k8snet-nodes", "SELECTOR", "Label selector: assess only these nodes. The report is then partial."),
    Option("--k8snet-probe-timeout", "SECONDS", "Deadline of one attempt of one probe, at most 60 (default 2)."),
    Option("--k8snet-ready-timeout", "SECONDS", "How long probe pods may take to become ready (default 60)."),
    Option("--k8snet-rate", "N", "Most probes per second and source (default 500)."),
    Option(
        "--k8snet-external",
        "TARGET",
        "Target outside the cluster: tcp://address:port (an IP address; repeatable) that pods must reach, or one dns://server/name, a name"
        " that pods must resolve; they ask it through their own resolvers, and server only notes who is known to answer it.",
        kind="many",
    ),
    Option(
        "--k8snet-external-address",
        "ADDRESS|off",
        "Address at which pods reach this machine's own echo server (default: found by routing); off = run none.",
    ),
    Option(
        "--k8snet-report",
        "PATH",
        "Write the report as a .json file (repeatable). Its directory is created.",
        kind="many",
        ini=False,
    ),
    Option("--k8snet-record", "PATH", "Keep the recording, the raw evidence of the run, as a .zip file.", ini=False),
    Option("--k8snet-replay", "PATH", "Judge a recording again; needs no cluster and creates nothing.", ini=False),
    Option("--k8snet-keep", "WHEN", "Leave the probe pods after the run: never (default), on-failure or always."),
    Option("--k8snet-sweep", "", "Remove what earlier runs left behind and has expired, then stop.", kind="flag", ini=False),
    Option("--k8snet-plan", "", "Print what the run would create and send, create nothing, then stop.", kind="flag", ini=False),
)


def add(parser: pytest.Parser) -> None:
    """Declare every option and its ini name."""
    group = parser.getgroup("k8snet", "Kubernetes network conformance (pytest-k8snet)")
    for option in OPTIONS:
        text = option.help.replace("%(image)s", _default_image())
        group.addoption(option.flag, dest=option.dest, help=text, **_argument(option))
        if option.ini:
            parser.addini(option.dest, f"Same as {option.flag}.", type=_INI[option.kind], default=None)


def value(config: pytest.Config, option: Option) -> Any:
    """What was asked for: command line, else ini, else None (many: an empty list)."""
    given = getattr(config.option, option.dest, None)
    if given in (None, []) and option.ini:
        given = config.getini(option.dest)
    return given or [] if option.kind == "many" else given


def _argument(option: Option) -> dict[str, Any]:
    if option.kind == "flag":
        return {"action": "store_true", "default": None}
    return {"action": "append" if option.kind == "many" else "store", "default": None, "metavar": option.metavar}


def _default_image() -> str:
    from pytest_k8snet.model.settings import Settings

    return str(Settings().image)


_INI: dict[str, Any] = {"flag": "bool", "one": "string", "many": "linelist"}
