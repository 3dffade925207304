"""Command line of the agent."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0 stopped, 2 bad arguments, 3 nobody controlled it, 4 its life was over, 5 relay found no agent, 6 no port or socket."""
    options = _parser().parse_args(sys.argv[1:] if argv is None else argv)
    try:
        code = int(options.start(options))
    except OSError as error:
        sys.stderr.write(f"k8snet agent: {error}\n")
        code = 6
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(code)  # a thread in getaddrinfo must not keep the pod alive


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="agent")
    commands = parser.add_subparsers(required=True, dest="command")
    serve = commands.add_parser("serve", help="echo server and probes under control of a socket")
    _identity(serve)
    serve.add_argument("--socket", required=True)
    serve.add_argument("--echo-port", type=int, default=7801, help="0 = any free one; the hello frame tells which")
    serve.add_argument("--second-port", type=int, default=0, help="another port of the echo server, 0 = none")
    serve.add_argument("--ready-file", default="", help="there while the pod is to be ready")
    serve.add_argument("--linger", type=float, default=0.0, help="go on for so many seconds after SIGTERM")
    serve.add_argument("--bind", default="", help="address of the echo server (default: all of both families)")
    serve.add_argument("--dns", action="store_true", help="answer DNS on 127.0.0.1:53")
    serve.add_argument("--silence", type=float, default=120.0, help="end after so many seconds without a controller's frame")
    serve.add_argument("--resolv-conf", default="/etc/resolv.conf")
    serve.set_defaults(start=_serve)
    relay = commands.add_parser("relay", help="standard input and output <-> the agent's socket")
    relay.add_argument("--socket", required=True)
    relay.add_argument("--patience", type=float, default=5.0, help="seconds to wait for the agent to listen")
    relay.set_defaults(start=_relay)
    peer = commands.add_parser("peer", help="echo server on 127.0.0.1 only")
    _identity(peer)
    peer.add_argument("--port", type=int, default=7802)
    peer.set_defaults(start=_peer)
    return parser


def _identity(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--life", type=float, default=3600.0, help="end after so many seconds in any case")


# Each command imports only what it needs: a relay starts for every stream.
def _serve(options: argparse.Namespace) -> int:
    from .serve import Settings, serve

    return serve(Settings(**{field.name: getattr(options, field.name) for field in dataclasses.fields(Settings)}))


def _relay(options: argparse.Namespace) -> int:
    from .relay import relay

    return relay(options.socket, options.patience)


def _peer(options: argparse.Namespace) -> int:
    from .peer import peer

    return peer(options.run, options.endpoint, options.port, options.life)
