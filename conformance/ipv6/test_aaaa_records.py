"""Names hold addresses of both families, each under its own type."""

from pytest_k8snet import requirement


@requirement("NET-IPV6-005")
def test_aaaa_records(resolver):
    assert resolver.answers == resolver.expected_answers, resolver.explain("answers")
