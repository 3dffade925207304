"""Clean-up goes on whatever happens to it."""

from __future__ import annotations

import pytest

from pytest_k8snet.collect.session import Session
from pytest_k8snet.model.settings import Keep, Settings


class Fleet:
    """Says what is left, or is cut off first."""

    def __init__(self, *interrupted: type[BaseException]) -> None:
        self.interrupted, self.closed = list(interrupted), 0

    def close(self) -> tuple[str, ...]:
        if self.interrupted:
            raise self.interrupted.pop(0)
        self.closed += 1
        return ("namespace k8snet-x-restricted",)


class Interview:
    def close(self) -> None:
        raise RuntimeError("a stream is broken in a new way")


def session(fleet: Fleet, keep: Keep = Keep.NEVER) -> Session:
    made = Session(Settings(context="x", run_id="r", keep=keep), lambda phase, text, done: None)
    made._fleet = fleet  # type: ignore[assignment]
    return made


def test_what_is_left_is_named_once():
    fleet = Fleet()
    made = session(fleet)
    assert made.close() == ("namespace k8snet-x-restricted",)
    assert made.close() == ()
    assert fleet.closed == 1


def test_a_clean_up_that_was_cut_off_is_done_again():
    fleet = Fleet(KeyboardInterrupt)
    made = session(fleet)
    with pytest.raises(KeyboardInterrupt):
        made.close()
    assert made.close() == ("namespace k8snet-x-restricted",)


def test_a_broken_stream_does_not_keep_the_pods():
    fleet = Fleet()
    made = session(fleet)
    made._interview = Interview()  # type: ignore[assignment]
    with pytest.raises(RuntimeError, match="broken in a new way"):
        made.close()
    assert fleet.closed == 1


@pytest.mark.parametrize(("keep", "failed", "closed"), [(Keep.ALWAYS, False, 0), (Keep.ON_FAILURE, True, 0), (Keep.ON_FAILURE, False, 1)])
def test_pods_stay_when_the_user_wants_them(keep, failed, closed):
    fleet = Fleet()
    session(fleet, keep).close(failed)
    assert fleet.closed == closed
