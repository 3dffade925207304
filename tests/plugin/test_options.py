"""Options, their ini names, and the one line that every bad value gets."""

from __future__ import annotations

import os

import cluster_recording
import pytest

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.settings import Keep, Settings, Tier
from pytest_k8snet.plugin.options import OPTIONS
from pytest_k8snet.plugin.settings import build

pytest_plugins = ["pytester"]

CONTEXT = ("--k8s-context", "lab")


@pytest.fixture
def settings(pytester: pytest.Pytester, request):
    """Settings as a command line and an ini file make them."""

    def read(*arguments: str, ini: str = "") -> Settings:
        pytester.makeini(f"[pytest]\n{ini}")
        plugin = [] if request.config.pluginmanager.hasplugin("k8snet") else ["-p", "pytest_k8snet.plugin"]
        return build(pytester.parseconfig(*plugin, *arguments))

    return read


def test_defaults(settings):
    given = settings(*CONTEXT)
    assert given == Settings(context="lab", run_id=given.run_id)
    assert len(given.run_id) == 6


def test_every_option_has_a_field(settings, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    values = {
        "--k8snet-kubeconfig": file,
        "--k8snet-feature": "egress=off",
        "--k8snet-tier": "baseline",
        "--k8snet-pull-policy": "Never",
        "--k8snet-pod-patch": file,
        "--k8snet-probe-timeout": "2.5",
        "--k8snet-ready-timeout": "9",
        "--k8snet-rate": "10",
        "--k8snet-external": "dns://192.0.2.53/example.test",
        "--k8snet-external-address": "192.0.2.1",
        "--k8snet-report": "report.json",
        "--k8snet-keep": "on-failure",
    }
    skipped = {"--k8s-context", "--k8snet-replay"}
    words: list[str] = []
    for option in OPTIONS:
        if option.flag not in skipped:
            words += [option.flag] if option.kind == "flag" else [option.flag, str(values.get(option.flag, "word"))]
    given = settings(*CONTEXT, *words)
    assert [name for name in Settings.__slots__ if getattr(given, name) == getattr(Settings(), name)] == ["replay"]
    assert (given.tier, given.keep, given.probe_timeout, given.features) == (Tier.BASELINE, Keep.ON_FAILURE, 2.5, {"egress": False})


def test_ini_values_count_unless_an_option_says_otherwise(settings):
    ini = "k8snet_profile = core\n    article\nk8snet_strict = true\nk8snet_tier = restricted\nk8snet_rate = 7"
    given = settings(*CONTEXT, "--k8snet-rate", "8", ini=ini)
    assert (given.profiles, given.strict, given.tier, given.rate) == (("core", "article"), True, Tier.RESTRICTED, 8.0)


def test_an_ini_file_alone_never_chooses_a_cluster(settings):
    assert not settings(ini="k8snet_strict = true\nk8snet_tier = restricted").active


@pytest.mark.parametrize("name", ["k8snet_context", "k8snet_replay", "k8snet_report", "k8snet_requirement", "k8snet_sweep", "k8snet_plan"])
def test_what_belongs_to_one_run_has_no_ini_name(pytester, name, request):
    plugin = [] if request.config.pluginmanager.hasplugin("k8snet") else ["-p", "pytest_k8snet.plugin"]
    with pytest.raises(ValueError, match="unknown configuration value"):
        pytester.parseconfig(*plugin).getini(name)


BAD = [
    (["--k8snet-tier", "root"], "--k8snet-tier root: choose one of restricted, baseline, privileged"),
    (["--k8snet-keep", "maybe"], "--k8snet-keep maybe: choose one of never, on-failure, always"),
    (["--k8snet-pull-policy", "never"], "--k8snet-pull-policy never: choose one of Always, IfNotPresent, Never"),
    (["--k8snet-probe-timeout", "soon"], "--k8snet-probe-timeout soon: not a number"),
    (["--k8snet-probe-timeout", "0"], "must be a number above 0"),
    (["--k8snet-rate", "nan"], "must be a number above 0"),
    (["--k8snet-namespace", "Bad_Name"], "--k8snet-namespace Bad_Name: not a namespace prefix"),
    (["--k8snet-namespace", "x" * 53], "at most 52 characters"),
    (["--k8snet-image", "two words"], "--k8snet-image two words: not an image reference"),
    (["--k8snet-feature", "egress"], "'egress' is not NAME=on or NAME=off"),
    (["--k8snet-probe-timeout", "61"], "--k8snet-probe-timeout 61: the agents wait at most 60 seconds"),
    (["--k8snet-external", "http://example.test"], "'http://example.test' is not tcp://address:port or dns://server/name"),
    (["--k8snet-external", "udp://192.0.2.1:53"], "'udp://192.0.2.1:53' is not supported: udp:// targets have no check yet"),
    (["--k8snet-external", "tcp://192.0.2.1"], "is not tcp://address:port with a port from 1 to 65535"),
    (["--k8snet-external", "tcp://192.0.2.1:0"], "is not tcp://address:port with a port from 1 to 65535"),
    (["--k8snet-external", "tcp://192.0.2.1:80/path"], "and nothing behind it"),
    (["--k8snet-external", "tcp://192.0.2.1:99999"], "is not tcp://address:port"),
    (["--k8snet-external", "tcp://[::1"], "is not tcp://address:port"),
    (["--k8snet-external", "tcp://example.test:80"], "needs an IP address without a zone: the agents look up no names"),
    (["--k8snet-external", "tcp://[fe80::1%eth0]:80"], "needs an IP address without a zone"),
    (["--k8snet-external", "dns://192.0.2.53"], "is not dns://server/name with one DNS name"),
    (["--k8snet-external", "dns://192.0.2.53/a/b"], "is not dns://server/name with one DNS name"),
    (
        ["--k8snet-external", "dns://192.0.2.53/a.test", "--k8snet-external", "dns://192.0.2.53/b.test"],
        "'dns://192.0.2.53/b.test' is a second dns:// target: one external name is asked, keep one",
    ),
    (["--k8snet-external-address", "here"], "--k8snet-external-address here: not an IP address and not 'off'"),
    (["--k8snet-report", "report.html"], "report.html has no suffix .json"),
    (["--k8snet-pod-patch", "no/such.yaml"], "--k8snet-pod-patch no/such.yaml: no such file"),
    (["--k8snet-kubeconfig", "no/such"], "--k8snet-kubeconfig no/such: no such file"),
    (["--k8snet-replay", "no/such.zip"], "--k8snet-replay no/such.zip: no such file"),
    (["--k8snet-kubeconfig", "."], "--k8snet-kubeconfig .: a directory, not a file"),
    (["--k8snet-expect-cluster", ""], "--k8snet-expect-cluster is empty: give it a value, or leave it out"),
    (["--k8snet-requirement", "NET-DNS-006", "--k8snet-requirement", " "], "--k8snet-requirement is empty: give it a value"),
]


@pytest.mark.parametrize(("words", "message"), BAD, ids=[" ".join(words)[:40] for words, _ in BAD])
def test_bad_values_are_named(settings, words, message):
    with pytest.raises(UsageProblem) as problem:
        settings(*CONTEXT, *words)
    assert message in str(problem.value)
    assert "\n" not in str(problem.value)


def test_targets_that_can_be_tried_are_taken(settings):
    targets = ("tcp://192.0.2.1:443", "tcp://[2001:db8::1]:80", "dns://192.0.2.53/www.example.test.")
    assert settings(*CONTEXT, *(word for target in targets for word in ("--k8snet-external", target))).external == targets


def test_a_cluster_and_a_recording_exclude_each_other(settings, tmp_path):
    path = cluster_recording.save(tmp_path / "r.zip")
    with pytest.raises(UsageProblem, match="exclude each other"):
        settings(*CONTEXT, "--k8snet-replay", str(path))
    with pytest.raises(UsageProblem, match="reads a recording and creates nothing"):
        settings("--k8snet-replay", str(path), "--k8snet-plan")
    with pytest.raises(UsageProblem, match="--k8snet-nodes says where probe pods go, and a recording holds what they saw"):
        settings("--k8snet-replay", str(path), "--k8snet-nodes", "zone=a")
    assert settings("--k8snet-replay", str(path), ini="k8snet_nodes = zone=a").replay == path


@pytest.mark.parametrize("flag", ["--k8s-context", "--k8snet-replay"])
def test_an_empty_name_is_no_run_without_checks(run, pytester, flag):
    """As a variable that nobody set leaves it: the tests beside must not pass for a proof."""
    pytester.makepyfile("def test_own(): pass")
    done = run(f"{flag}=")
    assert done.code == 4
    assert done.errors[0] == f"ERROR: {flag} is empty: give it a value, or leave it out"


def test_an_option_without_its_cluster_is_a_mistake(run, pytester):
    pytester.makepyfile("def test_own(): pass")
    done = run("--k8snet-strict")
    assert done.code == 4
    assert done.errors[0] == (
        "ERROR: --k8snet-strict needs --k8s-context NAME or --k8snet-replay FILE: without one of them nothing is assessed"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--k8snet-profile", "kubeadm-flanel"), "no profile 'kubeadm-flanel'; did you mean kubeadm-flannel?"),
        (("--k8snet-requirement", "NET-REACH-999"), "no requirement matches 'NET-REACH-999'"),
        (("--k8snet-feature", "wings=on"), "no feature 'wings'; known: egress"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(replay, words, message):
    done = replay(None, *words, select=())
    assert done.code == 4
    assert any(message in line for line in done.errors)


def test_help_teaches_every_option(run):
    text = " ".join(run("--help").text.split())
    for option in OPTIONS:
        assert option.flag in text
        assert len(option.help) > 40
    assert "it has no default, no ini name and no environment variable" in text


def test_a_file_that_is_not_regular_is_no_output(run, pytester):
    pytester.makepyfile("def test_own(): pass")
    os.mkfifo("pipe.json")
    for flag in ("--k8snet-record", "--k8snet-report"):
        done = run("--k8s-context", "lab", flag, "pipe.json")
        assert done.code == 4
        assert any(flag in line and "not a regular file" in line for line in done.errors)
