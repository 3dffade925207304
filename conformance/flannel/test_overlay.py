"""Every node knows every other node's route, neighbour and tunnel end, as the annotations announce them."""

from pytest_k8snet import requirement


@requirement("NET-FLANNEL-015")
def test_one_route_per_remote_node(node):
    assert node.peer_routes == node.expected_peer_routes, node.explain("peer_routes")


@requirement("NET-FLANNEL-016")
def test_one_neighbour_per_remote_node(node):
    assert node.neighbours == node.expected_neighbours, node.explain("neighbours")


@requirement("NET-FLANNEL-017")
def test_one_entry_per_remote_node(node):
    assert node.fdb == node.expected_fdb, node.explain("fdb")


@requirement("NET-FLANNEL-013")
def test_tunnel_device(node):
    assert node.tunnel_link == node.expected_tunnel_link, node.explain("tunnel_link")


@requirement("NET-FLANNEL-014")
def test_tunnel_address(node):
    assert node.tunnel_address == node.expected_tunnel_address, node.explain("tunnel_address")


@requirement("NET-FLANNEL-024")
def test_host_gateway_routes(node):
    assert node.host_gw == node.expected_host_gw, node.explain("host_gw")
