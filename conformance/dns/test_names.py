"""Names resolve from pods of every node, over both transports, and large answers arrive whole."""

from pytest_k8snet import requirement


@requirement("NET-DNS-019")
def test_kubernetes_default(resolver):
    assert resolver.answers == resolver.expected_answers, resolver.explain("answers")


@requirement("NET-DNS-026")
def test_tcp(resolver):
    assert resolver.answers == resolver.expected_answers, resolver.explain("answers")


@requirement("NET-DNS-027")
def test_truncation(resolver):
    assert resolver.answers == resolver.expected_answers, resolver.explain("answers")


@requirement("NET-DNS-028")
def test_every_server(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
    assert cell.named == cell.expected_named, str(cell)


@requirement("NET-DNS-029")
def test_no_stalls(resolver):
    assert resolver.latency == resolver.expected_latency, resolver.explain("latency")


@requirement("NET-DNS-030")
def test_errors_are_told_apart(resolver):
    assert resolver.errors == resolver.expected_errors, resolver.explain("errors")


@requirement("NET-DNS-031")
def test_external_name(resolver):
    assert resolver.answers == resolver.expected_answers, resolver.explain("answers")


@requirement("NET-DNS-005")
def test_one_domain(resolver):
    assert resolver.domains == resolver.expected_domains, resolver.explain("domains")
