from __future__ import annotations

import json

import pytest

from pytest_k8snet.cluster.connection import connect
from pytest_k8snet.errors import UsageProblem


def contexts(document):
    document["contexts"] = 5


def proxy(url):
    return lambda document: document["clusters"][0]["cluster"].update({"proxy-url": url})


def token(document):
    document["users"][0]["user"]["token"] = "a\nb"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (contexts, "is not a kubeconfig: contexts is no list"),
        (proxy("nonsense://x"), "proxy-url 'nonsense://x' is not of the form http://host:port or https://host:port"),
        (proxy("socks5://127.0.0.1:9"), "proxy-url 'socks5://127.0.0.1:9' is not of the form http://host:port or https://host:port"),
        (proxy("http://h:99999"), "proxy-url 'http://h:99999' is not of the form http://host:port or https://host:port"),
        (token, "the user's token holds a line break or another control character; a token is one line"),
    ],
)
def test_a_broken_kubeconfig_is_one_line(settings, change, problem):
    document = json.loads(settings.kubeconfig.read_text())
    change(document)
    settings.kubeconfig.write_text(json.dumps(document))
    with pytest.raises(UsageProblem) as caught:
        connect(settings)
    assert str(caught.value).endswith(problem)
    assert "\n" not in str(caught.value)
