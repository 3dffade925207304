from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.collect.manifests_patch import load
from pytest_k8snet.collect.patch_rules import objection
from pytest_k8snet.errors import UsageProblem

REFUSED = {
    "spec: {nodeName: n1}": "spec.nodeName may not be changed",
    "spec: {hostNetwork: true}": "spec.hostNetwork may not be changed",
    "spec: {dnsPolicy: null}": "spec.dnsPolicy may not be changed",
    "spec: {dnsConfig: {searches: [a]}}": "spec.dnsConfig may not be changed",
    "spec: {nodeSelector: {a: b}}": "spec.nodeSelector may not be changed",
    "spec: {volumes: [{name: agent, configMap: {name: other}}]}": "spec.volumes agent may not be changed",
    "spec: {volumes: null}": "spec.volumes is no list of mappings with a name",
    "spec: {containers: [agent]}": "spec.containers is no list of mappings with a name",
    "spec: {containers: [{image: x}]}": "spec.containers is no list of mappings with a name",
    "spec: {containers: {agent: {}}}": "spec.containers is no list of mappings with a name",
    "spec: {containers: null}": "spec.containers is no list of mappings with a name",
    "spec: {containers: [{name: agent, command: [sh]}]}": "spec.containers agent: command may not be changed",
    "spec: {containers: [{name: peer, args: [x]}]}": "spec.containers peer: args may not be changed",
    "spec: {containers: [{name: '*', volumeMounts: []}]}": "spec.containers *: volumeMounts may not be changed",
    "spec: {containers: [{name: '*', env: [HTTP_PROXY]}]}": "spec.containers *.env is no list of mappings with a name",
    "spec: [a]": "spec is no mapping",
    "spec: null": "spec is no mapping",
    "spec: {1: a}": "spec has the key 1, which is no text",
    "metadata: x": "metadata is no mapping",
    "metadata: {labels: [a]}": "metadata.labels is no mapping",
    "metadata: {labels: null}": "metadata.labels may not be removed",
    "metadata: {labels: {k8snet/run: x}}": "metadata.labels.k8snet/run may not be changed",
    "metadata: {labels: {k8snet/role: null}}": "metadata.labels.k8snet/role may not be changed",
    "metadata: {labels: {app.kubernetes.io/managed-by: me}}": "metadata.labels.app.kubernetes.io/managed-by may not be changed",
    "metadata: {name: x}": "metadata.name may not be changed",
    "metadata: {namespace: kube-system}": "metadata.namespace may not be changed",
}
ALLOWED = """
metadata: {labels: {team: net}, annotations: {sidecar.istio.io/inject: "false"}}
spec:
  imagePullSecrets: [{name: pull}]
  priorityClassName: high
  tolerations: []
  runtimeClassName: runc
  containers: [{name: "*", resources: {limits: {cpu: 1}}, env: [{name: A, value: b}]}, {name: sidecar, image: x, command: [sleep]}]
  volumes: [{name: more, emptyDir: {}}]
"""


@pytest.mark.parametrize("text", REFUSED)
def test_what_would_falsify_the_probes_is_refused(tmp_path, text):
    path = tmp_path / "patch.yaml"
    path.write_text(text)
    with pytest.raises(UsageProblem) as caught:
        load(path)
    hint = "a patch may add pull secrets, labels, priority, limits and the like"
    assert str(caught.value) == f"--k8snet-pod-patch {path}: {REFUSED[text]}; {hint}"


def test_what_a_patch_is_for_is_allowed():
    assert objection(yaml.safe_load(ALLOWED)) == ""


keys = st.sampled_from(["metadata", "spec", "labels", "containers", "volumes", "env", "name", "agent", "*"]) | st.integers()
values = st.recursive(
    st.none() | st.text(max_size=3) | st.integers(), lambda v: st.lists(v, max_size=3) | st.dictionaries(keys, v, max_size=3)
)


@given(st.dictionaries(st.sampled_from(["metadata", "spec"]), values))
def test_no_patch_breaks_the_rules_themselves(patch):
    assert isinstance(objection(patch), str)
