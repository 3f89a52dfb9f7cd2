"""The load testers: where each is found, how it is asked for a load, how its report is read.

A client that cannot make a load (no rate, no HTTP/2) answers None instead of a command line. Figures
that a client does not report, or reports in steps too coarse to mean anything, are None as well.
"""

import json
import os
import re
import shutil
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Load:
    """One load, the same for all clients: `connections` times `streams` requests in flight."""

    url: str
    seconds: int
    rate: int | None = None
    connections: int = 64
    streams: int = 1
    http2: bool = False

    @property
    def tls(self):
        return self.url.startswith("https:")


@dataclass
class Report:
    """What a client says of itself. Times are milliseconds."""

    requests: int
    p50: float | None = None
    p99: float | None = None
    lag_p50: float | None = None
    lag_p99: float | None = None
    note: str = ""


class Client:
    name = ""
    program = ""
    version_arguments = ["--version"]

    def __init__(self, path):
        self.path = path

    def command(self, load, scratch):
        raise NotImplementedError

    def report(self, text, load, scratch):
        raise NotImplementedError


class Wrk(Client):
    name = program = "wrk"
    version_arguments = ["-v"]

    def command(self, load, scratch):
        if load.rate or load.http2:
            return None
        return [self.path, "-t1", f"-c{load.connections}", f"-d{load.seconds}s", "--latency", load.url]

    def report(self, text, load, scratch):
        errors = re.search(r"Socket errors:.*|Non-2xx.*", text)
        return Report(
            requests=int(re.search(r"(\d+) requests in", text)[1]),
            p50=milliseconds(re.search(r"^ +50% +(\S+)$", text, re.MULTILINE)[1]),
            p99=milliseconds(re.search(r"^ +99% +(\S+)$", text, re.MULTILINE)[1]),
            note=errors[0] if errors else "",
        )


class Loadcore(Client):
    name = program = "loadcore"

    def __init__(self, path, slack=None):
        super().__init__(path)
        self.slack = slack
        if slack is not None:
            self.name = f"loadcore, slack {slack}"

    def command(self, load, scratch):
        command = [self.path, "run", load.url, "--threads", "1", "-q", "-o", "json"]
        command += ["-d", f"{load.seconds}s", "-c", str(load.connections)]
        if load.rate:
            command += ["-r", str(load.rate)]
        if load.tls:
            command += ["-k"]
        if load.http2:
            command += ["--http2", "--streams", str(load.streams)]
        elif load.tls:
            command += ["--http1"]
        if self.slack is not None:
            command += ["--slack", self.slack]
        return command

    def report(self, text, load, scratch):
        result = json.loads(text)
        verdict = result["validity"]["verdict"]
        failed, dropped = result["outcomes"]["failed"], result["arrivals"]["dropped"]
        notes = [] if verdict == "VALID" else [verdict]
        notes += [f"{count} {word}" for count, word in ((failed, "failed"), (dropped, "dropped")) if count]
        lag = result["scheduleLag"] if load.rate else {}
        return Report(
            requests=result["totalRequests"],
            p50=result["latency"]["p50Ms"],
            p99=result["latency"]["p99Ms"],
            lag_p50=lag.get("p50Ms"),
            lag_p99=lag.get("p99Ms"),
            note=", ".join(notes),
        )


class Oha(Client):
    name = program = "oha"

    def command(self, load, scratch):
        command = [self.path, "--no-tui", "--output-format", "json", "-z", f"{load.seconds}s"]
        command += ["-c", str(load.connections), "-p", str(load.streams)]
        if load.rate:
            command += ["-q", str(load.rate), "--latency-correction"]
        if load.tls:
            command += ["--insecure"]
        if load.http2:
            command += ["--http-version", "2"]
        return command + [load.url]

    def report(self, text, load, scratch):
        result = json.loads(text)
        latency = result["latencyPercentiles"]
        errors = {k: v for k, v in result["errorDistribution"].items() if k != "aborted due to deadline"}
        return Report(
            requests=sum(result["statusCodeDistribution"].values()),
            p50=latency["p50"] and latency["p50"] * 1e3,
            p99=latency["p99"] and latency["p99"] * 1e3,
            note=", ".join(f"{count} {text}" for text, count in errors.items()),
        )


class H2load(Client):
    """Reports mean and extremes of a request's time, no percentiles."""

    name = program = "h2load"

    def command(self, load, scratch):
        command = [self.path, "-t1", f"-c{load.connections}", f"-m{load.streams}", f"-D{load.seconds}"]
        if load.rate:
            command += [f"--rps={load.rate / load.connections}"]
        if not load.http2:
            command += ["--h1"]
        return command + [load.url]

    def report(self, text, load, scratch):
        counts = re.search(r"requests:.*?(\d+) done, (\d+) succeeded, (\d+) failed", text)
        failed = int(counts[3])
        return Report(requests=int(counts[2]), note=f"{failed} failed" if failed else "")


class Hey(Client):
    """Prints percentiles in steps of 0.1 ms."""

    name = program = "hey"
    version_arguments = None

    def command(self, load, scratch):
        if load.rate or load.http2:
            return None
        return [self.path, "-cpus", "1", "-c", str(load.connections), "-z", f"{load.seconds}s", load.url]

    def report(self, text, load, scratch):
        percentile = lambda p: float(re.search(rf"{p}%+ in ([\d.]+) secs", text)[1]) * 1e3
        errors = re.search(r"Error distribution:\s+(.*)", text)
        return Report(
            requests=sum(int(n) for n in re.findall(r"\[\d+\]\s+(\d+) responses", text)),
            p50=percentile(50),
            p99=percentile(99),
            note=errors[1] if errors else "",
        )


class Ab(Client):
    """Asks in HTTP/1.0 with keep-alive."""

    name = program = "ab"
    version_arguments = ["-V"]

    def command(self, load, scratch):
        if load.rate or load.http2:
            return None
        percentiles = os.path.join(scratch, "ab.csv")
        # `-t` alone stops after 50,000 requests; `-n` must come after it.
        return [self.path, "-k", "-q", "-t", str(load.seconds), "-n", "20000000",
                "-c", str(load.connections), "-e", percentiles, load.url]

    def report(self, text, load, scratch):
        with open(os.path.join(scratch, "ab.csv")) as lines:
            percentiles = dict(line.strip().split(",") for line in lines)
        failed = int(re.search(r"Failed requests:\s+(\d+)", text)[1])
        return Report(
            requests=int(re.search(r"Complete requests:\s+(\d+)", text)[1]),
            p50=float(percentiles["50"]),
            p99=float(percentiles["99"]),
            note=f"{failed} failed" if failed else "",
        )


class Rewrk(Client):
    """Its percentile table holds means of the slowest parts, not percentiles."""

    name = program = "rewrk"

    def command(self, load, scratch):
        if load.rate or load.http2 or load.tls:
            return None
        return [self.path, "-t", "1", "-c", str(load.connections), "-d", f"{load.seconds}s", "-h", load.url]

    def report(self, text, load, scratch):
        return Report(requests=int(re.search(r"Total:\s*(\d+)", text)[1]))


class Bare(Client):
    """No load tester: the least that an open loop costs on this machine (`bare.c`)."""

    name = program = "bare"
    version_arguments = None

    def command(self, load, scratch):
        if not load.rate or load.http2 or load.tls:
            return None
        port = urlsplit(load.url).port
        return [self.path, *map(str, (port, load.rate, load.seconds, load.connections))]

    def report(self, text, load, scratch):
        replies, *late = map(int, re.search(r"(\d+) replies, late (\d+) (\d+)", text).groups())
        return Report(requests=replies, lag_p50=late[0] / 1e3, lag_p99=late[1] / 1e3)


PEERS = [Wrk, Oha, H2load, Hey, Ab, Rewrk]


def find(program):
    """The program's path: first in LOADCORE_VS_PATH, then on the PATH; None if it is in neither."""
    extra = os.environ.get("LOADCORE_VS_PATH")
    return (extra and shutil.which(program, path=extra)) or shutil.which(program)


def milliseconds(text):
    """wrk's `12.34us`, `1.23ms`, `1.20s` in milliseconds."""
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}[unit]
