"""One post office for all scenarios: questions of several scenarios to one agent travel together, so that none waits for another's turn."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, Protocol

from pytest_k8snet.collect.stream import StreamLost
from pytest_k8snet.model.endpoint import Endpoint

PARALLEL = 16  # probes under way at one source

Frame = Mapping[str, Any]
Question = dict[str, Any]
Posted = tuple[Question, "Future[Frame]"]


class Stream(Protocol):
    """What of a control stream is needed (collect/stream.py)."""

    def request(self, do: str, **body: Any) -> Iterable[Frame]: ...


class Exchange:
    """A thread for each stream that is asked something; ends with the `with` block. Ids of questions must differ."""

    def __init__(self, streams: Mapping[Endpoint, Stream], rate: float, lost: Callable[[Endpoint, str], None]) -> None:
        self._streams, self._rate, self._lost = streams, rate, lost
        self._boxes: dict[Endpoint, queue.Queue[Posted | None]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Exchange:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            for box in self._boxes.values():
                box.put(None)

    def ask(self, source: Endpoint, question: Question) -> Future[Frame]:
        """The result frame of a probe, in time. The future raises StreamLost when the agent does not answer."""
        answer: Future[Frame] = Future()
        if source not in self._streams:
            answer.set_exception(StreamLost(f"{source} has no control stream"))
        else:
            self._box(source).put((question, answer))
        return answer

    def _box(self, source: Endpoint) -> queue.Queue[Posted | None]:
        with self._lock:
            if source not in self._boxes:
                self._boxes[source] = queue.Queue()
                threading.Thread(target=self._serve, args=(source, self._boxes[source]), daemon=True).start()
            return self._boxes[source]

    def _serve(self, source: Endpoint, box: queue.Queue[Posted | None]) -> None:
        while (first := box.get()) is not None:
            batch, over = [first], False
            while not box.empty() and not over:
                following = box.get()
                over = following is None
                batch += [following] if following is not None else []
            self._deliver(source, batch)
            if over:
                return

    def _deliver(self, source: Endpoint, batch: list[Posted]) -> None:
        waiting = {question["id"]: answer for question, answer in batch}
        reason = f"{source} gave no answer"
        try:
            for frame in self._streams[source].request(
                "probe", probes=[question for question, _ in batch], parallel=PARALLEL, rate=self._rate
            ):
                if frame["kind"] == "result" and frame["id"] in waiting:
                    waiting.pop(frame["id"]).set_result(frame)
        except StreamLost as loss:
            reason = str(loss)
            self._lost(source, reason)
        for answer in waiting.values():
            answer.set_exception(StreamLost(reason))
