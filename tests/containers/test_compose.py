"""docker-compose.yml as it is: a clinic, a patient, a session, and the decision on it, through the edge."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx

from tests.containers.conftest import Compose

SERVICES = ("session-ingest", "progression-engine", "notification", "reporting")


def post(client: httpx.Client, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    answer = client.post(path, json=body, headers={"Idempotency-Key": str(uuid4()), **headers})
    assert answer.status_code == 201, answer.text
    recorded: dict[str, Any] = answer.json()
    return recorded


def eventually(client: httpx.Client, path: str, *, within_s: float = 20) -> Any:
    until = time.monotonic() + within_s
    while (answer := client.get(path)).status_code != 200 or not answer.json():
        assert time.monotonic() < until, f"{path}: {answer.status_code} {answer.text}"
        time.sleep(0.2)
    return answer.json()


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())


@contextmanager
def enrolled(compose: Compose, clinic: str) -> Iterator[tuple[httpx.Client, str]]:
    """A clinician of a new clinic, and the path of a patient with a programme."""
    with compose.client("operator") as operator:
        settings = {"clinic": clinic, "name": "Harbour Physio", "zone": "Australia/Melbourne"}
        post(operator, "/v1/clinics", settings | {"alerts_to": f"desk@{clinic}.example"})
    with compose.client("clinician", clinic) as clinician:
        made = post(clinician, f"/v1/clinics/{clinic}/patients", {"at": now(), "email": "pat@mail.example"})
        patient = f"/v1/clinics/{clinic}/patients/{made['patient']}"
        post(clinician, f"{patient}/programmes", {"at": now(), "side": "left", "presentation": "mid_portion"})
        yield clinician, patient


def hold() -> dict[str, Any]:
    sets = [{"hold_s": 40, "load_kg": 0}] * 5
    done = {"exercise": "bilateral_calf_raise_hold_straight_knee", "side": "both", "sets": sets}
    return {"at": now(), "exercises": [done | {"pain_during": 2, "pain_after": 1, "effort": 6}]}


def test_everything_runs_without_rights_and_is_healthy(compose: Compose) -> None:
    found = {each["Service"]: each for each in compose.containers()}
    assert {name for name in SERVICES if found[name]["Health"] != "healthy"} == set()
    for name in (*SERVICES, "log-keeper", "edge", "mail-catcher"):
        assert compose.run("exec", name, "id", "-u").strip() == "10001"


def test_a_session_is_decided_through_the_edge(compose: Compose) -> None:
    with enrolled(compose, "harbour") as (clinician, patient):
        recorded = post(clinician, f"{patient}/sessions", hold(), Prefer="wait=2")
        assert len(recorded["leaf_hash"]) == 64
        assert eventually(clinician, recorded["decisions"])
        assert eventually(clinician, patient)


def test_a_red_flag_reaches_the_mail_catcher(compose: Compose) -> None:
    with enrolled(compose, "ridge") as (clinician, patient):
        post(clinician, f"{patient}/red-flags", {"at": now(), "flags": ["sudden_pop"]})
    until = time.monotonic() + 30
    while not any("desk@ridge.example" in each["to"] for each in mails_in(compose)):
        assert time.monotonic() < until, "no mail arrived"
        time.sleep(0.3)


def mails_in(compose: Compose) -> list[dict[str, Any]]:
    """What was caught so far, of all tests."""
    caught: list[dict[str, Any]] = httpx.get(f"{compose.mail_url}/mails").json()["mails"]
    return caught


def test_a_service_image_holds_its_own_code_only(compose: Compose) -> None:
    for name in SERVICES:
        listed = compose.run("exec", name, "ls", "/app/services").split()
        assert set(listed) - {"__init__.py", "__pycache__"} == {name.replace("-", "_")}


def test_everything_comes_back_with_its_data_after_a_restart(compose: Compose) -> None:
    with enrolled(compose, "summit") as (clinician, patient):
        recorded = post(clinician, f"{patient}/sessions", hold())
        compose.run("restart", "postgres", "nats", *SERVICES, "log-keeper")
        compose.run("up", "--detach", "--wait", "--wait-timeout", "180", *SERVICES, "edge")
        assert eventually(clinician, recorded["decisions"])
