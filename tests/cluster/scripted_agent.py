"""An agent that needs no network: it answers every question as a test says."""

from __future__ import annotations

import itertools
import threading

from pytest_k8snet.collect.stream import StreamLost


class Agent:
    """`outcome`, `server` and `peer` tell of a question how it ends, who answers and whom that one saw.

    `batches` are the ids that travelled together; while `gate` is closed no answer comes.
    """

    def __init__(self, endpoint, outcome=lambda question: "reached"):
        self.endpoint, self.batches, self.gate = endpoint, [], threading.Event()
        self.outcome, self.server, self.peer = outcome, lambda question: "pod/a@n1", lambda question: ""
        self.gate.set()
        self._seq = itertools.count(1)

    def request(self, do, probes=(), **_):
        self.batches.append([question["id"] for question in probes])
        self.gate.wait(5)
        for question in probes:
            outcome = self.outcome(question)
            if outcome == "lost":
                raise StreamLost(f"{self.endpoint}: gone")
            reply = {"server": self.server(question), "peer": self.peer(question)} if outcome == "reached" else {}
            sample = {"warmup": False, "outcome": outcome, "seconds": 0.0, "nonce": "00", "reply": reply, "detail": {}}
            yield {"kind": "result", "seq": next(self._seq), "id": question["id"], "request": question, "samples": [sample]}
        yield {"kind": "done"}

    def close(self):
        return None
