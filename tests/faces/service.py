"""A small service with one fault of its own, and with metrics that tell of it among thirty others.

    python3 tests/faces/service.py cpu|lock|pool|leak

Prints the port that it listens on; /metrics is Prometheus's text, everything else the service. It ends with
its standard input.
"""

import asyncio
import gc
import random
import resource
import sys
import time

FACE = sys.argv[1]
BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]


class State:
    requests = 0
    in_flight = 0
    took = 0.0
    buckets = [0] * len(BUCKETS)
    lock_waits = 0
    lock_waited = 0.0
    pool_in_use = 0
    pool_waiting = 0
    kept = []
    walk = 0.0
    sent = 0


one_core = asyncio.Lock()
one_at_a_time = asyncio.Lock()
pool = asyncio.Semaphore(5)


def burn(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


async def cpu():
    """A quota of one processor in three: whoever has computed waits for the next turn."""
    async with one_core:
        burn(0.0015)
        await asyncio.sleep(0.003)


async def lock():
    began = time.monotonic()
    async with one_at_a_time:
        State.lock_waits += 1
        State.lock_waited += time.monotonic() - began
        await asyncio.sleep(0.005)


async def from_pool():
    State.pool_waiting += 1
    async with pool:
        State.pool_waiting -= 1
        State.pool_in_use += 1
        await asyncio.sleep(0.025)
        State.pool_in_use -= 1


async def leak():
    """What is never let go has to be looked through by each request."""
    State.kept.append(bytearray(20_000))
    await asyncio.sleep(0.005 + 0.00001 * len(State.kept))


WORK = {"cpu": cpu, "lock": lock, "pool": from_pool, "leak": leak}[FACE]


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def metrics():
    State.walk += random.gauss(0, 1)
    used = resource.getrusage(resource.RUSAGE_SELF)
    lines = []

    def tell(name, kind, *values):
        lines.append(f"# TYPE {name} {kind}")
        lines.extend(f"{name}{suffix} {value}" for suffix, value in values)

    tell("process_cpu_seconds_total", "counter", ("", time.process_time()))
    tell("process_resident_memory_bytes", "gauge", ("", resident()))
    tell("process_start_time_seconds", "gauge", ("", 1_700_000_000))
    tell("process_uptime_seconds", "gauge", ("", time.monotonic()))
    tell("process_open_fds", "gauge", ("", 12 + random.randrange(3)))
    tell("process_max_fds", "gauge", ("", 1024))
    tell("process_threads", "gauge", ("", 4))
    tell("process_page_faults_total", "counter", ("", used.ru_minflt // 5_000))
    tell("python_info", "gauge", ('{version="3"}', 1))
    collections = [(f'{{generation="{n}"}}', it["collections"]) for n, it in enumerate(gc.get_stats())]
    tell("python_gc_collections_total", "counter", *collections)
    ok = State.requests - State.requests // 500
    by_code = [('{code="200"}', ok), ('{code="404"}', State.requests // 500)]
    tell("http_requests_total", "counter", *by_code)
    tell("http_requests_in_flight", "gauge", ("", State.in_flight))
    so_far = [(f'_bucket{{le="{le}"}}', n) for le, n in zip(BUCKETS, State.buckets)]
    whole = [("_sum", State.took), ("_count", State.requests)]
    tell("http_request_duration_seconds", "histogram", *so_far, *whole)
    tell("http_response_bytes_total", "counter", ("", State.sent))
    waits = [("_sum", State.lock_waited), ("_count", State.lock_waits)]
    tell("app_lock_wait_seconds", "summary", *waits)
    tell("db_pool_size", "gauge", ("", 5))
    tell("db_pool_in_use", "gauge", ("", State.pool_in_use))
    tell("db_pool_waiting", "gauge", ("", State.pool_waiting))
    tell("cache_entries", "gauge", ("", 400 + int(10 * State.walk)))
    tell("cache_hit_ratio", "gauge", ("", random.uniform(0.9, 0.95)))
    tell("queue_depth", "gauge", *[(f'{{queue="{it}"}}', random.randrange(6)) for it in "abc"])
    tell("config_reloads_total", "counter", ("", 3))
    tell("scheduler_tick", "gauge", ("", int(time.monotonic()) % 7))
    tell("replica_lag_seconds", "gauge", ("", random.expovariate(10)))
    tell("temperature_celsius", "gauge", ("", 40 + State.walk))
    return ("\n".join(lines) + "\n").encode()


async def reply(path):
    if path == b"/metrics":
        return metrics()
    began = time.monotonic()
    State.in_flight += 1
    await WORK()
    State.in_flight -= 1
    took = time.monotonic() - began
    State.requests += 1
    State.took += took
    State.sent += 2
    for place, le in enumerate(BUCKETS):
        State.buckets[place] += took <= le
    return b"ok"


async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reply(head.split(b" ", 2)[1])
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
