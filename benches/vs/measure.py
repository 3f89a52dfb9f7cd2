"""One client run on one core: its CPU, its peak memory, and what else the machine did meanwhile."""

import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass

# Below it two cores share a cache, above it they do not: about 40 ns and about 400 ns were seen.
NEAR_NS = 120.0


@dataclass
class Run:
    status: int
    output: str
    errors: str
    wall_s: float
    cpu_s: float
    peak_kb: int


def run(command, core, deadline_s):
    """Runs a command pinned to a core, kills it at the deadline, and says what it used."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        begun = time.monotonic()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        killer = threading.Timer(deadline_s, process.kill)
        killer.start()
        watcher = PeakMemory(process.pid)
        watcher.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        wall_s = time.monotonic() - begun
        killer.cancel()
        watcher.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        return Run(
            status=process.returncode, output=output.read(), errors=errors.read(), wall_s=wall_s,
            cpu_s=usage.ru_utime + usage.ru_stime, peak_kb=watcher.peak_kb(usage.ru_maxrss))


class PeakMemory(threading.Thread):
    """Reads a process's peak memory while it lives.

    The kernel's `ru_maxrss` also remembers the copy of this Python that the process was before it
    became the client. So it counts only when it is above ours; below, the last look decides.
    """

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.seen_kb, self.ended = pid, 0, threading.Event()

    def run(self):
        while not self.ended.wait(0.2):
            self.seen_kb = max(self.seen_kb, status_kb(self.pid, "VmHWM:"))

    def stop(self):
        self.ended.set()
        self.join()

    def peak_kb(self, maxrss_kb):
        ours_kb = status_kb(os.getpid(), "VmHWM:")
        return maxrss_kb if maxrss_kb > ours_kb else self.seen_kb


def status_kb(pid, key):
    try:
        with open(f"/proc/{pid}/status") as lines:
            return next((int(line.split()[1]) for line in lines if line.startswith(key)), 0)
    except OSError:
        return 0


class Others:
    """What everybody else on this machine uses, in cores, since it was made.

    The kernel's sums over all processes are samples, a tenth of a core off and more; what it keeps
    for each process is exact. A process that ends meanwhile is found again in its parent's sum.
    """

    def __init__(self, ours):
        self.ours = {os.getpid(), *ours}
        self.begun, self.before = time.monotonic(), self.seconds()

    def cores(self):
        return max(0.0, self.seconds() - self.before) / (time.monotonic() - self.begun)

    def seconds(self):
        """CPU seconds of all foreign processes, with those of their children that have ended."""
        found = 0.0
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            if pid in self.ours:
                continue
            try:
                with open(f"/proc/{pid}/stat") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            # Threads of the kernel work for our own packets.
            if fields[1] != "2" and int(fields[1]) not in self.ours:
                found += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
        return found


def wait_until_quiet(limit_cores, patience_s, ours):
    """Waits until the machine does nothing else, for a limited time; says whether it came to that."""
    deadline = time.monotonic() + patience_s
    while True:
        others = Others(ours)
        time.sleep(0.5)
        if others.cores() < limit_cores:
            return True
        if time.monotonic() > deadline:
            return False


def nearness_ns(pingpong, cores):
    """The time that a cache line takes from one core to the other."""
    text = subprocess.run([pingpong, *map(str, cores)], check=True, capture_output=True, text=True).stdout
    return float(text)


def state(nearness):
    return "near" if nearness < NEAR_NS else "far"
