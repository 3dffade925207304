"""The stub resolver does what resolv.conf says and keeps every message."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from .agents import Agent, Stream
from .impostors import tcp_server, udp_server
from .world import World

Start = Callable[..., Agent]
KNOWN = {"web.team.svc.cluster.local.": ["10.96.0.1"], "example.org.": ["192.0.2.1", "192.0.2.2"]}
NAMESERVERS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")


def reply(question: bytes, rcode: int | None = None, truncated: bool = False) -> bytes:
    """What a server that knows only KNOWN says."""
    asked = dns.message.from_wire(question)
    answer = dns.message.make_response(asked)
    [wanted] = asked.question
    addresses = KNOWN.get(wanted.name.to_text().lower())
    answer.set_rcode(dns.rcode.NXDOMAIN if rcode is None and addresses is None else rcode or 0)
    if truncated:
        answer.flags |= dns.flags.TC
    elif addresses and not rcode and wanted.rdtype == dns.rdatatype.A:
        answer.answer.append(dns.rrset.from_text(wanted.name, 5, "IN", "A", *addresses))
    return answer.to_wire()


def over_tcp(question: bytes) -> bytes:
    data = reply(question[2:])
    return len(data).to_bytes(2, "big") + data


def names(received: Iterable[bytes]) -> list[str]:
    return [dns.message.from_wire(data).question[0].name.to_text() for data in received]


@pytest.fixture
def resolver(world: World, agent: Start, tmp_path: Path) -> Callable[..., Stream]:
    """A client with a resolv.conf of its own: servers, then other lines."""

    def start(*servers: str, text: str = "search team.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n") -> Stream:
        client = agent("client", "pod/a@one", "--resolv-conf", "/dev/null")
        client.close()
        file = Path(f"/tmp/k8snet-{client.process.pid}.conf")
        file.write_text("".join(f"nameserver {server}\n" for server in servers) + text)
        stack.callback(file.unlink)
        return agent("client", "pod/a@one", "--resolv-conf", str(file), "--echo-port", "7800").stream()

    with ExitStack() as stack:
        yield start


def resolve(stream: Stream, name: str, **fields: object) -> dict:
    [sample] = stream.probe("resolve", name=name, type="A", family="ipv4", **fields)
    return sample


def test_search_list_is_tried_in_order(world: World, resolver: Callable[..., Stream]):
    stream = resolver("127.0.0.1")
    with udp_server(world["client"], "127.0.0.1", 53, reply) as received:
        sample = resolve(stream, "web")
        absent = resolve(stream, "none")
    assert (sample["outcome"], sample["reply"]) == (
        "reached",
        {"answers": ["10.96.0.1"], "rcode": "NOERROR", "name": "web.team.svc.cluster.local."},
    )
    assert (absent["outcome"], absent["reply"]["rcode"]) == ("name-error", "NXDOMAIN")
    assert names(received) == [
        "web.team.svc.cluster.local.", "none.team.svc.cluster.local.", "none.svc.cluster.local.", "none.cluster.local.", "none.",
    ]  # fmt: skip


def test_absolute_names_are_asked_once(world: World, resolver: Callable[..., Stream]):
    stream = resolver("127.0.0.1")
    with udp_server(world["client"], "127.0.0.1", 53, reply) as received:
        assert sorted(resolve(stream, "example.org.")["reply"]["answers"]) == ["192.0.2.1", "192.0.2.2"]
    assert names(received) == ["example.org."]


def test_ndots_decides_what_is_asked_first(world: World, resolver: Callable[..., Stream]):
    stream = resolver("127.0.0.1", text="search cluster.local\noptions ndots:1\n")
    with udp_server(world["client"], "127.0.0.1", 53, reply) as received:
        assert resolve(stream, "example.org")["outcome"] == "reached"
        assert resolve(stream, "example")["outcome"] == "name-error"
    assert names(received) == ["example.org.", "example.cluster.local.", "example."]


def test_messages_are_kept_as_they_came(world: World, resolver: Callable[..., Stream]):
    stream = resolver("127.0.0.1")
    with udp_server(world["client"], "127.0.0.1", 53, reply):
        [message] = resolve(stream, "example.org.")["detail"]["messages"]
    assert {key: message[key] for key in ("server", "qname", "transport", "outcome")} == {
        "server": "127.0.0.1", "qname": "example.org.", "transport": "udp", "outcome": "reached",
    }  # fmt: skip
    assert dns.message.from_wire(base64.b64decode(message["wire"])).answer[0].name.to_text() == "example.org."


def test_truncated_is_asked_again_over_tcp(world: World, resolver: Callable[..., Stream]):
    stream = resolver("127.0.0.1")
    with (
        udp_server(world["client"], "127.0.0.1", 53, lambda question: reply(question, truncated=True)),
        tcp_server(world["client"], "127.0.0.1", 53, over_tcp),
    ):
        sample = resolve(stream, "example.org.", transport="udp")
    assert [(m["transport"], m["outcome"]) for m in sample["detail"]["messages"]] == [("udp", "truncated"), ("tcp", "reached")]
    assert (sample["outcome"], sorted(sample["reply"]["answers"])) == ("reached", ["192.0.2.1", "192.0.2.2"])


def test_truncated_without_a_tcp_server_is_no_answer(world: World, resolver: Callable[..., Stream]):
    stream = resolver("127.0.0.1")
    with udp_server(world["client"], "127.0.0.1", 53, lambda question: reply(question, truncated=True)):
        sample = resolve(stream, "example.org.", transport="udp")
    assert (sample["outcome"], [m["outcome"] for m in sample["detail"]["messages"]]) == ("refused", ["truncated", "refused"])


def test_over_tcp_only(world: World, resolver: Callable[..., Stream]):
    stream = resolver("127.0.0.1")
    with tcp_server(world["client"], "127.0.0.1", 53, over_tcp):
        sample = resolve(stream, "web", transport="tcp")
    assert [(m["transport"], m["outcome"]) for m in sample["detail"]["messages"]] == [("tcp", "reached")]


def test_second_server_after_a_dead_one(world: World, resolver: Callable[..., Stream]):
    stream = resolver(*NAMESERVERS)
    with (
        udp_server(world["client"], "127.0.0.1", 53, lambda question: None),
        udp_server(world["client"], "127.0.0.3", 53, reply),
    ):
        sample = resolve(stream, "example.org.", timeout=0.3)
    messages = [(m["server"], m["outcome"]) for m in sample["detail"]["messages"]]
    assert messages == [("127.0.0.1", "timeout"), ("127.0.0.2", "refused"), ("127.0.0.3", "reached")]
    assert (sample["outcome"], 0.3 <= sample["seconds"] < 0.8) == ("reached", True)


def test_a_fourth_server_is_never_asked(world: World, resolver: Callable[..., Stream]):
    stream = resolver(*NAMESERVERS, "127.0.0.4")
    with udp_server(world["client"], "127.0.0.4", 53, reply) as received:
        assert resolve(stream, "example.org.")["outcome"] == "refused"
    assert received == []


def test_all_servers_dead_is_a_timeout_and_no_further_name(world: World, resolver: Callable[..., Stream]):
    stream = resolver("127.0.0.1", "127.0.0.2")
    with udp_server(world["client"], "127.0.0.1", 53, lambda q: None), udp_server(world["client"], "127.0.0.2", 53, lambda q: None):
        sample = resolve(stream, "web", timeout=0.2)
    assert (sample["outcome"], len(sample["detail"]["messages"])) == ("timeout", 2)


@pytest.mark.parametrize(("rcode", "text"), [(dns.rcode.SERVFAIL, "SERVFAIL"), (dns.rcode.REFUSED, "REFUSED")])
def test_server_failure(world: World, resolver: Callable[..., Stream], rcode: int, text: str):
    stream = resolver("127.0.0.1")
    with udp_server(world["client"], "127.0.0.1", 53, lambda question: reply(question, rcode)):
        sample = resolve(stream, "example.org.")
    assert (sample["outcome"], sample["reply"]["rcode"]) == ("name-failure", text)


def test_failing_server_hands_over_to_the_next(world: World, resolver: Callable[..., Stream]):
    stream = resolver("127.0.0.1", "127.0.0.2")
    with (
        udp_server(world["client"], "127.0.0.1", 53, lambda question: reply(question, dns.rcode.SERVFAIL)),
        udp_server(world["client"], "127.0.0.2", 53, reply),
    ):
        assert resolve(stream, "web")["outcome"] == "reached"


def test_no_data_is_a_name_error(world: World, resolver: Callable[..., Stream]):
    stream = resolver("127.0.0.1")
    with udp_server(world["client"], "127.0.0.1", 53, reply):
        [sample] = stream.probe("resolve", name="example.org.", type="AAAA", family="ipv4")
    assert (sample["outcome"], sample["reply"]["rcode"], sample["reply"]["answers"]) == ("name-error", "NOERROR", [])


def test_strangers_are_passed_over(world: World, resolver: Callable[..., Stream]):
    stream = resolver("127.0.0.1")
    other = dns.message.make_query("other.", "A").to_wire()
    kinds = ((b"garbage", "no DNS message"), (reply(other), "other id"), (None, "a reply to another question: ('other.', 'A')"))
    for wrong, error in kinds:

        def answer(question: bytes, wrong: bytes | None = wrong) -> bytes:
            return question[:2] + reply(other)[2:] if wrong is None else wrong

        with udp_server(world["client"], "127.0.0.1", 53, answer):
            [message] = resolve(stream, "example.org.", timeout=0.2)["detail"]["messages"]
        assert message["outcome"] == "wrong-peer"
        assert error in message["error"]


def test_getaddrinfo_is_side_evidence(world: World, resolver: Callable[..., Stream]):
    stream = resolver("127.0.0.1")
    with udp_server(world["client"], "127.0.0.1", 53, reply):
        sample = resolve(stream, "localhost.")
        assert sample["outcome"] == "name-error"
    assert isinstance(sample["detail"]["getaddrinfo"], str)
    assert sample["detail"]["getaddrinfo"]


def test_missing_file_is_a_probe_error(agent: Start):
    stream = agent("client", "pod/a@one", "--resolv-conf", "/nonexistent").stream()
    sample = resolve(stream, "web")
    assert (sample["outcome"], sample["detail"]["error"]) == ("probe-error", "/nonexistent: No such file or directory")


def query(stream: Stream, **fields: object) -> dict:
    given = {"server": "127.0.0.1", "name": "example.org", "type": "A", "transport": "udp", "edns": 0, "port": 53, **fields}
    [sample] = stream.probe("query", "127.0.0.1", **given)
    return sample


def test_query_asks_one_message(world: World, resolver: Callable[..., Stream]):
    stream = resolver("127.0.0.9")
    with udp_server(world["client"], "127.0.0.1", 53, reply) as received:
        sample = query(stream, edns=1232)
        absent = query(stream, name="web")
    assert {key: sample["reply"][key] for key in ("rcode", "tc", "count")} == {"rcode": "NOERROR", "tc": False, "count": 2}
    assert sorted(sample["reply"]["answers"]) == ["192.0.2.1", "192.0.2.2"]
    assert sample["reply"]["size"] == len(base64.b64decode(sample["detail"]["wire"]))
    assert [dns.message.from_wire(data).payload for data in received] == [1232, 0]
    assert (absent["outcome"], names(received)) == ("name-error", ["example.org.", "web."])


def test_query_does_not_go_on_to_tcp(world: World, resolver: Callable[..., Stream]):
    stream = resolver("127.0.0.9")
    with udp_server(world["client"], "127.0.0.1", 53, lambda question: reply(question, truncated=True)):
        sample = query(stream)
    assert (sample["outcome"], sample["reply"]["tc"]) == ("truncated", True)
    with tcp_server(world["client"], "127.0.0.1", 53, over_tcp):
        assert query(stream, transport="tcp")["outcome"] == "reached"


def test_private_server_of_the_none_pod(world: World, agent: Start):
    world["client"].sysctl("net.ipv4.ip_unprivileged_port_start", 0)
    file = Path(f"/tmp/k8snet-none-{time.monotonic_ns()}.conf")
    file.write_text("nameserver 127.0.0.1\nsearch k8snet.test\noptions ndots:2\n")
    try:
        stream = agent("client", "pod/none@one", "--dns", "--resolv-conf", str(file)).stream()
        assert stream.hello["problems"] == []
        found = [resolve(stream, "who", transport=transport) for transport in ("udp", "tcp")]
    finally:
        file.unlink()
    assert [sample["reply"] for sample in found] == [{"answers": ["192.0.2.53"], "rcode": "NOERROR", "name": "who.k8snet.test."}] * 2


def test_private_server_without_the_right_to_port_53_is_told(world: World, agent: Start):
    stream = agent("client", "pod/none@one", "--dns").stream()
    assert stream.hello["problems"] == ["DNS port 53: Permission denied"]
    assert stream.ask("ping")[0]["kind"] == "pong"


def test_many_lookups_at_once_ask_for_both_types_from_one_socket(world: World, resolver: Callable[..., Stream]):
    stream = resolver("127.0.0.1")
    with udp_server(world["client"], "127.0.0.1", 53, reply) as received:
        sample = lookups(stream, "example.org.", count=20)
    assert (sample["outcome"], len(sample["reply"]["seconds"]), sample["reply"]["unanswered"]) == ("reached", 20, 0)
    kinds = [dns.message.from_wire(data).question[0].rdtype for data in received]
    assert (kinds.count(dns.rdatatype.A), kinds.count(dns.rdatatype.AAAA)) == (20, 20)
    assert max(sample["reply"]["seconds"]) < 1
    assert sample["detail"]["lag"] < 1


def test_a_lookup_whose_second_answer_is_lost_waits_for_the_timeout(world: World, resolver: Callable[..., Stream]):
    """The first packet of AAAA is never answered, as if the kernel had dropped it."""
    lost = []

    def once(question: bytes) -> bytes:
        six = dns.message.from_wire(question).question[0].rdtype == dns.rdatatype.AAAA
        if six and not lost:
            lost.append(question)
            return b""
        return reply(question)

    stream = resolver("127.0.0.1", text="options timeout:1\n")
    with udp_server(world["client"], "127.0.0.1", 53, once):
        sample = lookups(stream, "example.org.", count=5)
    seconds = sample["reply"]["seconds"]
    assert (len(seconds), sample["reply"]["unanswered"]) == (5, 0)
    assert [one for one in seconds if one > 0.9] == seconds[-1:]


def test_lookups_go_to_the_next_server_and_end_without_an_answer(world: World, resolver: Callable[..., Stream]):
    stream = resolver("127.0.0.1", "127.0.0.2", text="options timeout:1 attempts:1\n")
    with udp_server(world["client"], "127.0.0.2", 53, reply):
        beside = lookups(stream, "example.org.", count=3)
        failing = lookups(stream, "none.", count=3)
    with udp_server(world["client"], "127.0.0.2", 53, lambda question: reply(question, rcode=dns.rcode.SERVFAIL)):
        refused = lookups(stream, "example.org.", count=3)
    assert (beside["outcome"], beside["reply"]["unanswered"]) == ("reached", 0)
    assert failing["reply"]["unanswered"] == 0, "that a name does not exist is an answer"
    assert (refused["outcome"], refused["reply"]) == ("timeout", {"seconds": [], "unanswered": 3})


def test_only_absolute_names_are_looked_up_many_times(resolver: Callable[..., Stream]):
    sample = lookups(resolver("127.0.0.1"), "example.org", count=3)
    assert (sample["outcome"], "one absolute name" in sample["detail"]["error"]) == ("probe-error", True)


def test_the_error_of_getaddrinfo_has_its_name(world: World, resolver: Callable[..., Stream]):
    """The library reads the namespace's own resolv.conf; a name that can be no name fails without any server."""
    sample = resolve(resolver("127.0.0.1"), "-." + "x" * 64 + ".", patience=3.0, timeout=0.2)
    assert sample["detail"]["getaddrinfo_error"]
    assert resolve(resolver("127.0.0.1"), "127.0.0.1", timeout=0.2)["detail"]["getaddrinfo_error"] == ""


def lookups(stream: Stream, name: str, **fields: object) -> dict:
    [sample] = stream.probe("lookups", name=name, family="ipv4", samples=1, warmup=0, **fields)
    return sample
