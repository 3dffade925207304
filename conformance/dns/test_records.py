"""Cluster DNS holds the records of every kind of Service, and says no in the right words (DNS-Based Service Discovery 1.1.0)."""

from pytest_k8snet import requirement


@requirement("NET-DNS-017")
def test_cluster_ips(resolver):
    assert resolver.answers == resolver.expected_answers, resolver.explain("answers")


@requirement("NET-DNS-018")
def test_partial_names(resolver):
    assert resolver.answers == resolver.expected_answers, resolver.explain("answers")


@requirement("NET-DNS-020")
def test_named_ports(resolver):
    assert resolver.answers == resolver.expected_answers, resolver.explain("answers")


@requirement("NET-DNS-021")
def test_reverse_names(resolver):
    assert resolver.answers == resolver.expected_answers, resolver.explain("answers")


@requirement("NET-DNS-022")
def test_headless(resolver):
    assert resolver.answers == resolver.expected_answers, resolver.explain("answers")


@requirement("NET-DNS-023")
def test_unready_pods(resolver):
    assert resolver.answers == resolver.expected_answers, resolver.explain("answers")


@requirement("NET-DNS-024")
def test_external_name(resolver):
    assert resolver.answers == resolver.expected_answers, resolver.explain("answers")


@requirement("NET-DNS-025")
def test_negative_answers(resolver):
    assert resolver.answers == resolver.expected_answers, resolver.explain("answers")
