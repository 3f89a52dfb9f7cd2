"""What a platform in Compose says when something is wrong, and that it goes on as soon as it can."""

import json
import socket
import subprocess

from engine import HERE, ROOT, compose
from platform_ import holds, until


def port_taken(platform):
    """Of the API, and of the page: the engine names it, and a second `up` goes on."""
    for variable in ("LOADCORE_PORT", "LOADCORE_PAGE_PORT"):
        compose("rm", "-sf", "controller")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            code, said = compose("up", "-d", "--no-build", "--no-deps", "controller", check=False,
                                 env={variable: str(port)})
            told = next((line for line in said.splitlines() if str(port) in line), said)
            holds(f"{variable} taken is named", code != 0 and "in use" in told, told[-160:])
        compose("rm", "-sf", "controller")
    compose("up", "-d", "--no-build", "--no-deps", "controller")
    platform.ready()
    holds("with the ports free it goes on", True)


def no_redis(platform):
    compose("stop", "-t", "2", "redis")
    container = platform.engine.of("controller")[0]

    def said():
        status, answer = platform.ask("GET", "/actuator/health")
        return status == 503 and answer

    answer = until(30, said, "the controller says that Redis is away")
    reason = answer["components"]["coordinator"].get("reason", "")
    holds("without Redis the health is 503 and names it", "edis" in reason or "redis" in reason, reason[:160])
    holds("the image's own check fails too", not platform.engine.is_well(container))
    until(10, lambda: "Redis is away" in platform.engine.logs(container), "the log says it")
    # Those that start without it wait for it.
    compose("restart", "-t", "5", "controller", "worker")
    status, answer = until(20, lambda: (it := platform.ask("GET", "/actuator/health"))[0] == 503 and it, "it answers")
    holds("a controller that starts without it waits", "trying again" in until(
        10, lambda: "trying again" in (it := platform.engine.logs(container)) and it, "it says so"), json.dumps(answer)[:200])
    compose("start", "redis")
    platform.ready()
    platform.workers(5)
    holds("with Redis back it goes on by itself", True)


def no_worker(platform, counted):
    """`--scale worker=0`: the run says what it waits for, and fails with what to do, or goes on."""
    platform.up(0)
    run = platform.post("no worker", 3, 50, 2, workerWaitSeconds=4)
    ended = platform.end_of(run, 30)
    holds("with no worker a run fails and says why", ended["state"] == "FAILED", ended["warnings"])
    counted.reset()
    run = platform.post("workers that come", 3, 50, 2, workerWaitSeconds=60)
    platform.up(5)
    ended = platform.end_of(run, 60)
    holds("with workers that come later it goes on", ended["state"] == "COMPLETED", counted.count())


def read_only_volume(platform):
    """The key of what is secret is made there: without one in the environment it says what it lacks."""
    files = f"{ROOT}/docker-compose.yml:{HERE}/compose.yml:{HERE}/read-only.yml"
    compose("rm", "-sf", "controller")
    subprocess.run(["podman", "volume", "rm", "-f", "loadcore-trial_controller-data"], check=True, capture_output=True)
    compose("up", "-d", "--no-build", "--no-deps", "controller", env={"COMPOSE_FILE": files})
    container = compose("ps", "-aq", "controller").split()[0]
    said = until(20, lambda: "ead-only" in (it := platform.engine.logs(container)) and it, "it says so")
    holds("a read-only volume is named", "/data" in said, said.strip().splitlines()[-1])
    key = {"LOADCORE_SECRET_KEY": "sixteen characters and more"}
    compose("rm", "-sf", "controller")
    compose("up", "-d", "--no-build", "--no-deps", "controller", env={"COMPOSE_FILE": files, **key})
    platform.ready()
    holds("with LOADCORE_SECRET_KEY nothing is written there, and it goes on", True)
    compose("rm", "-sf", "controller")
    compose("up", "-d", "--no-build", "--no-deps", "controller")
    platform.ready()


def half_a_core(platform, counted):
    """Workers with half a processor each: one engine thread, and a verdict that says what stopped them."""
    compose("rm", "-sf", "worker")
    compose("up", "-d", "--no-build", "--no-deps", "--scale", "worker=1", "worker", env={"LOADCORE_WORKER_CPUS": "0.5"})
    platform.workers(1)
    counted.reset()
    # A closed loop takes all processors that it may have.
    ended = platform.end_of(platform.post("half a core", 5, None, 1), 60)
    result = ended["result"]
    holds("half a core is one engine thread", result["environment"]["threads"] == 1,
          f"{result['environment']['cores']} cores, {result['environment']['threads']} threads")
    kinds = [it["kind"] for it in result["validity"]["reasons"]]
    # On a machine that has not even that half for it, nothing is throttled.
    holds("the verdict says that it lacked a processor", {"cpu_throttled", "cpu_contended"} & set(kinds), kinds)
    holds("the target counted what was sent", counted.count() == result["arrivals"]["sent"], counted.count())
