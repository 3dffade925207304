"""The C library's resolver: how long it waits, and what it says where there is no answer."""

from __future__ import annotations

from .proof import WARNING, Edit, Proof, reply

STALLED = [0.01] * 90 + [5.01] * 9


def _latencies(*seconds: float, unanswered: int = 0) -> Edit:
    return reply("lookups4+udp-cluster:pod/a@w1>resolver", seconds=list(seconds), unanswered=unanswered)


def _libc(question: str, error: str) -> Edit:
    """What getaddrinfo said on both transports' behalf: it is asked once."""
    return lambda evidence: evidence.samples(
        f"resolve4+*-{question}:pod/a@w1>resolver", lambda sample: sample["detail"].update(getaddrinfo=error, getaddrinfo_error=error)
    )


PROOFS = (
    Proof(
        "NET-DNS-029",
        "lookups wait for a lost packet",
        _latencies(*STALLED, unanswered=1),
        red=("pod/a@w1",),
        status=WARNING,
        text=(
            "pod/a@w1: time until A and AAAA are answered",
            "99th percentile of 100 lookups of kubernetes.default.svc.cluster.local. at once: expected under 1 s, found 5.01 s",
            "99 answered, 1 not; slowest 5.01 s; 9 took about 5 s or a multiple of it, as after a lost packet",
        ),
    ),
    Proof(
        "NET-DNS-029",
        "lookups are not answered at all",
        _latencies(unanswered=100),
        red=("pod/a@w1",),
        status=WARNING,
        text=("expected under 1 s, found no answer (0 answered, 100 not",),
    ),
    Proof(
        "NET-DNS-030",
        "the C library gets no usable answer",
        _libc("cluster", "EAI_AGAIN"),
        red=("pod/a@w1",),
        text=(
            "pod/a@w1: errors of the C library",
            "getaddrinfo kubernetes.default.svc.cluster.local.: expected an address, found EAI_AGAIN (10.96.0.10 over udp: reached",
        ),
    ),
    Proof(
        "NET-DNS-030",
        "a name that must be there does not exist",
        _libc("cluster", "EAI_NONAME"),
        red=("pod/a@w1",),
        text=("expected an address, found EAI_NONAME",),
    ),
    Proof(
        "NET-DNS-030",
        "for a missing name the C library gets no usable answer",
        _libc("missing", "EAI_AGAIN"),
        red=("pod/a@w1",),
        text=("getaddrinfo nope.k8snet-", "expected EAI_NONAME, found EAI_AGAIN (10.96.0.10 over udp: name-error"),
    ),
)
