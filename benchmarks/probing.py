"""The same cells once by our control streams and once by one exec per probe, 20 at a time, in one run.

On a lab that is up: `python -m lab run -- python benchmarks/probing.py [--rounds 3] [--repeat 20]`.
Every cell is a TCP connection from a pod of one node to a pod of another that must be answered with the right nonce. The exec side opens
a connection with the shell's own means, so that no interpreter has to start for it.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pytest_k8snet.cluster.channel import ChannelLost
from pytest_k8snet.cluster.connection import Connection, connect
from pytest_k8snet.cluster.discovery import discover
from pytest_k8snet.cluster.exec import open_exec
from pytest_k8snet.collect.addresses import AddressBook
from pytest_k8snet.collect.fleet import Fleet
from pytest_k8snet.collect.requests import RequestBuilder, Sampling
from pytest_k8snet.collect.stream import Stream
from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.probe import Action, Probe
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.settings import Settings
from pytest_k8snet.parse.objects import inventory
from pytest_k8snet.plan.selection import Needs

AT_ONCE = 20
ASK = 'exec 3<>/dev/tcp/{address}/{port} && printf "K8SNET1 {run} {nonce} tcp\\n" >&3 && read -r -t 5 line <&3 && echo "$line"'


def settings() -> Settings:
    image = re.search(r"--k8snet-image=(\S+)", os.environ.get("PYTEST_ADDOPTS", ""))
    chosen = {"image": image.group(1)} if image else {}
    return Settings(context="k8snet-lab", run_id=secrets.token_hex(3), **chosen)  # type: ignore[arg-type]


def mesh(nodes: Sequence[str]) -> list[Probe]:
    pods = [Endpoint(EndpointKind.POD, "a", node) for node in nodes]
    return [Probe(Action.TCP, source, target) for source in pods for target in pods if source != target]


def by_streams(streams: Mapping[Endpoint, Stream], requests: Mapping[Endpoint, list[dict[str, Any]]]) -> int:
    """Number of answered probes."""

    def ask(source: Endpoint) -> int:
        frames = streams[source].request("probe", probes=requests[source], parallel=AT_ONCE, rate=0)
        results = [frame for frame in frames if frame["kind"] == "result"]
        return sum(sample["outcome"] == "reached" for frame in results for sample in frame["samples"])

    with ThreadPoolExecutor(len(requests)) as pool:
        return sum(pool.map(ask, requests))


def by_exec(connection: Connection, run: str, pods: Mapping[str, Mapping[str, Any]], requests: Sequence[dict[str, Any]]) -> int:
    """Number of answered probes, one exec each."""

    def ask(request: dict[str, Any]) -> bool:
        pod = pods[request["id"].partition(":")[2].partition(">")[0]]
        nonce = secrets.token_hex(8)
        script = ASK.format(address=request["address"], port=request["port"], run=run, nonce=nonce)
        channel = open_exec(connection, pod["namespace"], pod["pod"], "agent", ["bash", "-c", script])
        answer = b""
        try:
            while b"\n" not in answer:
                answer += channel.receive(10.0)
        except ChannelLost as loss:
            print(f"exec: {loss}", file=sys.stderr)
        finally:
            channel.close()
        return nonce.encode() in answer

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(ask, requests))


def timed(act: Callable[[], int], count: int) -> float:
    """Probes per second. Raises SystemExit if not every probe was answered: a faster way to fail is no result."""
    started = time.monotonic()
    answered = act()
    seconds = time.monotonic() - started
    if answered != count:
        raise SystemExit(f"only {answered} of {count} probes were answered: nothing to compare")
    return count / seconds


def compare(rounds: int, repeat: int) -> None:
    chosen = settings()
    recording = Recording({"context": chosen.context, "run_id": chosen.run_id})
    connection = connect(chosen)
    discover(connection, recording, chosen)
    found = inventory(recording)
    fleet = Fleet(connection, chosen, found, Needs(frozenset({"a"}), frozenset(), frozenset(), ()), recording)
    try:
        fleet.create_host()  # no host pod is needed, but it opens the namespaces
        fleet.create_pods()
        fleet.wait(chosen.ready_timeout, lambda done, total: None)
        measure(connection, chosen, recording, found, fleet.streams(), rounds, repeat)
    finally:
        print(f"left behind: {fleet.close() or 'nothing'}")


def measure(
    connection: Connection,
    chosen: Settings,
    recording: Recording,
    found: Inventory,
    streams: Mapping[Endpoint, Stream],
    rounds: int,
    repeat: int,
) -> None:
    builder = RequestBuilder(AddressBook(found, recording), None, 5.0)
    cells = mesh(found.names)
    once = [builder.build(probe, Sampling(1, 0)) for _ in range(repeat) for probe in cells]
    grouped = {source: [r for r in once if f":{source}>" in r["id"]] for source in {probe.source for probe in cells}}
    pods = {entry["endpoint"]: entry for entry in recording.entries("fleet")}
    for stream in streams.values():
        list(stream.request("ping"))
    ratios = []
    print(f"{len(once)} probes over {len(cells)} cells of {len(found.names)} nodes, {rounds} rounds, {AT_ONCE} at a time")
    for number in range(rounds):
        ours = timed(lambda: by_streams(streams, grouped), len(once))
        theirs = timed(lambda: by_exec(connection, chosen.run_id, pods, once), len(once))
        ratios.append(ours / theirs)
        print(f"round {number + 1}: streams {ours:8.0f} probes/s   one exec per probe {theirs:6.1f} probes/s   ratio {ours / theirs:6.1f}")
    print(f"median ratio {statistics.median(ratios):.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=20, help="how often each cell is asked in a round")
    options = parser.parse_args()
    compare(options.rounds, options.repeat)
