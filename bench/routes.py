#!/usr/bin/env python3
"""What a config of 10,000 sites with 10 routes each costs, against one of a single route.

    bench/routes.py --bin target/release/propylon
    bench/routes.py --bin … --sites 1000 --routes 10 --no-callgrind

For the large config: time from the start to readiness, time of a reload, and the longest that a client had to wait who
asks once a millisecond while the server reloads (beside the longest without a reload: the machine's own noise). For both
configs: user-space instructions per exchange of a proxied request, counted by callgrind, whose difference is what
finding the route costs. The counts do not depend on what else the machine does; the times do.

Needs (Debian names): nginx wrk valgrind. Everything listens on loopback, and ends with this script.
"""
import argparse, os, pathlib, re, shutil, signal, socket, statistics, subprocess, sys, tempfile, threading, time

HTTP, BACKEND = 18600, 18601
# The same request for every config, or the length of its head would be counted too.
HOST, PATH = "www.site-0.example.com", "/part-0/section/page"
BOUNDS = {"start": 1.0, "reload": 1.0, "stall": 0.005, "instructions": 600}


def config(run, sites, routes):
    """One worker, no log: what is measured is the router."""
    lines = ["workers 1", f"admin {run}/admin.sock", f"listen 127.0.0.1:{HTTP}", "", "upstream origin {",
             f"    endpoint http://127.0.0.1:{BACKEND}", "}", ""]
    for site in range(sites):
        lines.append(f"site www.site-{site}.example.com {{")
        lines += [f"    route /part-{route}/section/* {{ proxy origin }}" for route in range(routes)]
        lines.append("}")
    path = run / "propylon.conf"
    path.write_text("\n".join(lines) + "\n")
    return path


class Server:
    """The server, started, with the socket on which it says that it is ready."""

    def __init__(self, binary, run, sites, routes, under=()):
        path = config(run, sites, routes)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        name = run / "notify.sock"
        name.unlink(missing_ok=True)
        self.notify.bind(str(name))
        name.chmod(0o777)
        self.said = open(run / "propylon.log", "wb")
        begun = time.monotonic()
        environment = {**os.environ, "NOTIFY_SOCKET": str(name)}
        self.process = subprocess.Popen([*under, binary, "run", str(path)], env=environment, stderr=self.said)
        self.wait_for(b"READY=1", 120)
        self.start_seconds = time.monotonic() - begun

    def wait_for(self, notice, limit):
        deadline = time.monotonic() + limit
        while True:
            self.notify.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                if notice in self.notify.recv(4096):
                    return
            except socket.timeout:
                self.stop()
                sys.exit(f"no {notice.decode()}: see {self.said.name}")

    def reload(self):
        begun = time.monotonic()
        self.process.send_signal(signal.SIGHUP)
        self.wait_for(b"RELOADING=1", 60)
        self.wait_for(b"READY=1", 60)
        return time.monotonic() - begun

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.notify.close()


def origin(run):
    """nginx, answering as cheaply as it can."""
    path = run / "origin.conf"
    path.write_text(f"""worker_processes 1; daemon off; pid {run}/origin.pid; error_log {run}/origin.err crit;
events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_requests 100000000;
    client_body_temp_path {run}/body; proxy_temp_path {run}/proxy; fastcgi_temp_path {run}/fastcgi;
    uwsgi_temp_path {run}/uwsgi; scgi_temp_path {run}/scgi;
    server {{ listen 127.0.0.1:{BACKEND}; default_type text/plain; location / {{ return 200 "hello\\n"; }} }}
}}
""")
    process = subprocess.Popen(["nginx", "-p", str(run), "-c", str(path)], stderr=subprocess.DEVNULL)
    wait_for_port(BACKEND)
    return process


def wait_for_port(port):
    for _ in range(500):
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.01)
    sys.exit(f"nothing listens on port {port}")


class Client(threading.Thread):
    """Asks once a millisecond over one connection, and notes how long each reply took."""

    def __init__(self):
        super().__init__(daemon=True)
        self.request = f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
        self.waits, self.ended = [], threading.Event()

    def run(self):
        wire = socket.create_connection(("127.0.0.1", HTTP), 10)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not self.ended.is_set():
            begun = time.perf_counter()
            wire.sendall(self.request)
            reply = b""
            while b"hello\n" not in reply:
                piece = wire.recv(4096)
                if not piece:
                    sys.exit("the connection was cut")
                reply += piece
            self.waits.append(time.perf_counter() - begun)
            time.sleep(0.001)
        wire.close()


def longest_wait(server, act):
    client = Client()
    client.start()
    time.sleep(0.5)
    begun = len(client.waits)
    outcome = act(server)
    time.sleep(0.2)
    client.ended.set()
    client.join()
    return max(client.waits[begun:]), outcome


def instructions(binary, run, sites, routes, seconds):
    """User-space instructions per exchange: those of a long load without those of a short one."""
    counts = []
    for load in (seconds, seconds * 3):
        out = run / "callgrind.out"
        under = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--quiet"]
        server = Server(binary, run, sites, routes, under)
        said = subprocess.run(["wrk", "-t1", "-c8", f"-d{load}s", "-H", f"Host: {HOST}", f"http://127.0.0.1:{HTTP}{PATH}"],
                              capture_output=True, text=True, check=True).stdout
        requests = int(re.search(r"(\d+) requests in", said).group(1))
        if "Non-2xx" in said or "Socket errors" in said:
            sys.exit(f"bad answers:\n{said}")
        server.stop()
        total = int(re.search(r"^totals: (\d+)", out.read_text(), re.M).group(1))
        counts.append((total, requests))
    (short, few), (long, many) = counts
    return (long - short) / (many - few)


def report(name, value, bound, unit):
    verdict = "" if bound is None else f"   (at most {bound:g}: {'yes' if value <= bound else 'NO'})"
    print(f"{name:44} {value:10.3f} {unit}{verdict}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="the server")
    parser.add_argument("--sites", type=int, default=10_000)
    parser.add_argument("--routes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="load under callgrind")
    parser.add_argument("--no-callgrind", action="store_true")
    options = parser.parse_args()
    binary = str(pathlib.Path(options.bin).resolve())
    needed = ["nginx"] + ([] if options.no_callgrind else ["wrk", "valgrind"])
    missing = [name for name in needed if shutil.which(name) is None]
    if missing:
        sys.exit(f"missing: {' '.join(missing)} (apt-get install nginx wrk valgrind)")
    big = (options.sites, options.routes)
    with tempfile.TemporaryDirectory(prefix="propylon-routes-") as folder:
        run = pathlib.Path(folder)
        run.chmod(0o755)
        nginx = origin(run)
        try:
            starts, reloads, stalls, calm = [], [], [], []
            for _ in range(options.rounds):
                server = Server(binary, run, *big)
                starts.append(server.start_seconds)
                calm.append(longest_wait(server, lambda _: time.sleep(1))[0])
                stall, seconds = longest_wait(server, Server.reload)
                stalls.append(stall)
                reloads.append(seconds)
                server.stop()
            print(f"{big[0]} sites with {big[1]} routes each; medians of {options.rounds} rounds")
            report("start, until ready", statistics.median(starts), BOUNDS["start"], "s")
            report("reload, until ready", statistics.median(reloads), BOUNDS["reload"], "s")
            report("longest wait of a client, calm", statistics.median(calm) * 1e3, None, "ms")
            report("longest wait of a client, while reloading", statistics.median(stalls) * 1e3, BOUNDS["stall"] * 1e3, "ms")
            if not options.no_callgrind:
                one = instructions(binary, run, 1, 1, options.seconds)
                many = instructions(binary, run, *big, options.seconds)
                report("instructions per exchange, one route", one, None, "")
                report(f"instructions per exchange, {big[0] * big[1]} routes", many, None, "")
                report("difference", many - one, BOUNDS["instructions"], "")
        finally:
            nginx.send_signal(signal.SIGTERM)
            nginx.wait(10)


if __name__ == "__main__":
    main()
