"""Every dnsPolicy gives the file that it promises, and the pod's own resolver works as that file says."""

from pytest_k8snet import requirement


@requirement("NET-DNS-006")
def test_cluster_first(resolver):
    assert resolver.file == resolver.expected_file, resolver.explain("file")
    assert resolver.answers == resolver.expected_answers, resolver.explain("answers")


@requirement("NET-DNS-007")
def test_cluster_first_on_the_host_network(resolver):
    assert resolver.file == resolver.expected_file, resolver.explain("file")
    assert resolver.answers == resolver.expected_answers, resolver.explain("answers")


@requirement("NET-DNS-008")
def test_cluster_first_with_host_net(resolver):
    assert resolver.file == resolver.expected_file, resolver.explain("file")
    assert resolver.answers == resolver.expected_answers, resolver.explain("answers")


@requirement("NET-DNS-009")
def test_default(resolver):
    assert resolver.file == resolver.expected_file, resolver.explain("file")
    assert resolver.answers == resolver.expected_answers, resolver.explain("answers")


@requirement("NET-DNS-010")
def test_none(resolver):
    assert resolver.file == resolver.expected_file, resolver.explain("file")
    assert resolver.answers == resolver.expected_answers, resolver.explain("answers")
    assert resolver.refusal == resolver.expected_refusal, resolver.explain("refusal")


@requirement("NET-DNS-011")
def test_merged_configuration(resolver):
    assert resolver.merged == resolver.expected_merged, resolver.explain("merged")
    assert resolver.answers == resolver.expected_answers, resolver.explain("answers")


@requirement("NET-DNS-012")
def test_three_nameservers(resolver):
    assert resolver.servers == resolver.expected_servers, resolver.explain("servers")


@requirement("NET-DNS-013")
def test_search_limits(resolver):
    assert resolver.searches == resolver.expected_searches, resolver.explain("searches")
