"""Two replicas over one PostgreSQL: consistent within seconds, alive while it is gone, whole again when it is back."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres

pytestmark = pytest.mark.chaos
CALL = {"text": "路灯不亮"}
SAID = {"text": "路灯不亮", "field": "category", "verdict": "accept"}


@pytest.fixture
def database() -> Iterator[str]:
    """The URL of a PostgreSQL of its own."""
    try:
        with postgres.server() as url:
            yield url
    except LookupError as error:
        pytest.skip(str(error))


def until(wanted, seconds: float):
    """Wait for `wanted()` to be true and return after how many seconds it was."""
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        if wanted():
            return time.perf_counter() - start
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s")


def slack() -> float:
    """Seconds that a busy machine is given beyond what the service promises."""
    return 5 * os.getloadavg()[0] / (os.cpu_count() or 1)


def test_a_ticket_given_to_one_replica_is_found_on_the_other_within_five_seconds(start, database: str) -> None:
    one, two = start("one", database=database), start("two", database=database)
    ticket = {"id": "T1", "text": "虎台中学门口有三只紫色的大象挡路"}
    assert one.call("/v1/tickets", ticket)[0] == 201

    def found() -> bool:
        similar = json.loads(two.call("/v1/similar", {"text": ticket["text"]})[1])["similar"]
        return [s["id"] for s in similar[:1]] == ["T1"]

    assert until(found, 10 + slack()) < 5 + slack()
    assert one.call("/v1/feedback", SAID, {"Idempotency-Key": "k"})[0] == 201
    assert two.call("/v1/feedback", SAID, {"Idempotency-Key": "k"})[0] == 200
    one.process.send_signal(signal.SIGKILL)
    assert two.call("/v1/assist", CALL)[0] == 200
    assert len(json.loads(two.call("/v1/feedback")[1])["items"]) == 1


def test_a_database_that_crashes_stops_no_call_and_takes_writes_again(start, database: str) -> None:
    service = start(database=database)
    assert service.call("/v1/feedback", SAID)[0] == 201
    place = Path(database.split("host=")[1])
    postmaster = int((place / "data" / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    backends = [int(c) for c in children if b"[local]" in Path(f"/proc/{c}/cmdline").read_bytes()]
    assert backends
    for backend in backends:
        with contextlib.suppress(ProcessLookupError):  # PostgreSQL itself ends the others when one has crashed
            os.kill(backend, signal.SIGKILL)
    assert service.call("/v1/assist", CALL)[0] == 200
    until(lambda: service.call("/v1/feedback", SAID)[0] == 201, 30 + slack())
    assert len(json.loads(service.call("/v1/feedback")[1])["items"]) == 2
    assert service.call("/v1/assist", CALL)[0] == 200
