"""The platform in Compose, asked from outside; and a target whose count stands beside what it says."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request

from engine import NETWORK, compose

ENDED = ("COMPLETED", "ABORTED", "FAILED")


class Failure(Exception):
    """Something is not as promised."""


def holds(what, is_so, shown=""):
    if not is_so:
        raise Failure(f"{what}: {shown}")
    print(f"  ok  {what}" + (f": {shown}" if shown != "" else ""), flush=True)


def until(seconds, question, what):
    """Asks twice a second; answers the first answer that is something."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(0.5)


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


class Platform:
    def __init__(self, engine, port):
        self.engine, self.url = engine, f"http://127.0.0.1:{port}"

    def ask(self, method, path, body=None):
        """The status and the JSON of the answer; 0 where nobody answers."""
        request = urllib.request.Request(self.url + path, json.dumps(body).encode() if body is not None else None,
                                         {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as reply:
                return reply.status, json.loads(reply.read() or "null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or "null")
        except (OSError, ValueError) as error:
            return 0, {"error": str(error)}

    def up(self, workers=5, *more):
        """Everything but Grafana, whose image nothing stands in for."""
        services = ["controller", "worker", "redis", "mongo"]
        compose("up", "-d", "--no-build", "--scale", f"worker={workers}", *more, *services)
        self.ready()
        self.workers(workers)

    def ready(self, seconds=40):
        until(seconds, lambda: self.ask("GET", "/actuator/health/readiness")[0] == 200, "the controller is ready")

    def alive(self):
        items = self.ask("GET", "/api/v1/workers")[1].get("items", [])
        return [it for it in items if it["alive"] and not it["draining"]]

    def workers(self, count):
        until(60, lambda: len(self.alive()) == count, f"{count} workers are alive")

    def post(self, name, seconds, rps, workers, **more):
        scenario = {"name": name, "targetUrl": "http://counted:8081/", "durationSeconds": seconds, "numWorkers": workers,
                    **({"loadProfile": {"type": "CONSTANT", "initialRps": rps}} if rps else {}), **more}
        status, answer = self.ask("POST", "/api/v1/scenarios", scenario)
        holds(f"{name}: POST is taken", status == 201, status)
        return answer["runId"]

    def running(self, run):
        until(30, lambda: self.run(run).get("state") == "RUNNING", "the run is RUNNING")

    def run(self, run):
        return self.ask("GET", f"/api/v1/runs/{run}")[1]

    def end_of(self, run, seconds):
        return until(seconds, lambda: (it := self.run(run)).get("state") in ENDED and it, "the run has ended")


class Counted:
    """A target beside the platform, on its network, which `down` does not touch."""

    def __init__(self, engine):
        subprocess.run(["podman", "rm", "-f", "-t", "1", "counted"], capture_output=True)
        subprocess.run(["podman", "run", "-d", "--name", "counted", "--network", NETWORK, "--network-alias", "counted",
                        "docker.io/library/loadtest-target"], check=True, capture_output=True)
        self.url = f"http://{engine.address('counted')}:8081"
        until(20, lambda: self.count() is not None, "the counted target answers")

    def count(self):
        try:
            with urllib.request.urlopen(f"{self.url}/stats", timeout=5) as reply:
                return json.loads(reply.read())["requests"]
        except OSError:
            return None

    def reset(self):
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/reset", b"", method="POST"), timeout=5).read()


def books(name, run, due, counted, worker_lost=False):
    """Holds what a run says of itself against its profile and against what the target counted."""
    result = run.get("result")
    holds(f"{name}: it is COMPLETED", run["state"] == "COMPLETED", f"{run['state']} {run['warnings']}")
    arrivals, outcomes = result["arrivals"], result["outcomes"]
    sent, unknown = arrivals["sent"], arrivals["unknown"]
    holds(f"{name}: due is exact", arrivals["due"] == due, f"{arrivals['due']} of {due}")
    holds(f"{name}: due = sent + dropped + unknown", due == sent + arrivals["dropped"] + unknown,
          f"{sent} + {arrivals['dropped']} {arrivals['droppedByReason']} + {unknown}")
    holds(f"{name}: sent = ok + failed + unfinished",
          sent == outcomes["ok"] + outcomes["failed"] + outcomes["unfinished"],
          f"{json.dumps(outcomes)} {json.dumps(result['errors'])}")
    if worker_lost:
        holds(f"{name}: sent <= the target's count <= sent + unknown", sent <= counted <= sent + unknown,
              f"{sent} <= {counted} <= {sent + unknown}")
    else:
        holds(f"{name}: the target counted what was sent", counted == sent, f"{counted}")
        holds(f"{name}: nothing is unknown", unknown == 0 and result["complete"], f"complete {result['complete']}")
