"""kube-proxy in nftables mode: its tables are complete, and masquerade what is marked."""

from pytest_k8snet import requirement


@requirement("NET-PROXY-025")
def test_base_chains(node):
    assert node.nft_base_chains == node.expected_nft_base_chains, node.explain("nft_base_chains")


@requirement("NET-PROXY-026")
def test_maps_and_sets(node):
    assert node.nft_maps == node.expected_nft_maps, node.explain("nft_maps")


@requirement("NET-PROXY-027")
def test_masquerading(node):
    assert node.nft_masquerade == node.expected_nft_masquerade, node.explain("nft_masquerade")


@requirement("NET-PROXY-028")
def test_prerequisites(node):
    assert node.nft_prerequisites == node.expected_nft_prerequisites, node.explain("nft_prerequisites")
