#!/usr/bin/env python3
"""Writes docs/performance.md and its plot from the figures of bench.py.

    bench/bench.py … --json figures.json
    bench/report.py figures.json --versions "nginx 1.31.5, HAProxy 3.5-dev5" --machine "2 cores, Linux 6.18"

The page holds medians of CPU time per request and the ratios to the peers, the bar each scenario is held to, and
whether it was met: also those that were missed.
"""
import argparse, datetime, json, pathlib, statistics

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Scenario: what it is, and the ratio each peer's figure is held to.
BARS = {
    "h1-small": ("an 84-byte reply, kept connections", {"nginx": 0.90, "haproxy": 0.80, "floor": 1.12}),
    "h1-browser": ("14 request fields, 12 reply fields", {"nginx": 0.92, "haproxy": 0.85}),
    "h1-post-16k": ("a request body of 16 KiB", {"nginx": 1.00, "haproxy": 0.85, "h2o": 1.00}),
    "h1-small-c1000": ("1,000 connections", {"nginx": 0.80, "haproxy": 0.75}),
    "h1-10k": ("a reply of 10 kB", {"nginx": 0.92, "haproxy": 0.90}),
    "h1-100k": ("a reply of 100 kB", {"nginx": 0.78, "haproxy": 0.70, "floor": 1.20}),
    "h1-4m": ("a reply of 4 MB", {"nginx": 0.75, "haproxy": 1.15}),
    "h1-newconn": ("a connection for each request", {"nginx": 0.92}),
    "static-1k": ("a file of 1 kB", {"nginx": 0.88, "h2o": 1.02}),
    "static-100k": ("a file of 100 kB", {"nginx": 0.92, "h2o": 1.02}),
    "static-4m": ("a file of 4 MB", {"nginx": 0.70, "h2o": 1.05}),
}
IDLE = {"idle-http": ("bytes per idle connection", {"haproxy": 0.80})}
PEERS = ["nginx", "haproxy", "h2o", "caddy", "floor"]
COLOURS = {"propylon": "#2f5d8a", "nginx": "#2e8b6f", "haproxy": "#c98a1b", "h2o": "#8a5fa8", "caddy": "#cf5c4b", "floor": "#9aa5b5"}


def medians(figures):
    """Scenario -> contender -> {cpu_us, rps, bad}."""
    out = {}
    for name, by in figures.items():
        if name in IDLE:
            out[name] = {who: {"cpu_us": each, "rps": 0, "bad": 0} for who, each in by.items()}
            continue
        out[name] = {}
        for who, runs in by.items():
            runs = [run for run in runs if run]
            if runs:
                out[name][who] = {key: statistics.median(run[key] for run in runs) for key in ("cpu_us", "rps")}
                out[name][who]["bad"] = sum(run["bad"] for run in runs)
    return out


def table(figures):
    peers = [peer for peer in PEERS if any(peer in by for by in figures.values())]
    lines = ["| scenario | Propylon | " + " | ".join(peers) + " | ratios, and the bar they are held to | throughput against the best peer |",
             "|---|---|" + "---|" * len(peers) + "---|---|"]
    for name, (what, bars) in {**BARS, **IDLE}.items():
        by = figures.get(name, {})
        ours = by.get("propylon")
        if not ours:
            continue
        cells = [f"{by[peer]['cpu_us']:.1f}" if peer in by else "" for peer in peers]
        ratios = []
        for peer, bar in bars.items():
            if peer in by:
                ratio = ours["cpu_us"] / by[peer]["cpu_us"]
                ratios.append(f"{ratio:.2f} of {peer}'s (at most {bar:.2f}: {'met' if ratio <= bar else '**missed**'})")
        best = max((by[peer]["rps"] for peer in by if peer not in ("propylon", "floor")), default=0)
        speed = f"{ours['rps'] / best:.2f}" if best else ""
        lines.append(f"| {name}: {what} | {ours['cpu_us']:.1f} | " + " | ".join(cells) + f" | {'; '.join(ratios)} | {speed} |")
    return "\n".join(lines)


def plot(figures):
    """Bars of CPU per request, each scenario scaled to its largest."""
    names = [name for name in BARS if "propylon" in figures.get(name, {})]
    row, left, width = 14, 130, 620
    height, parts = 30, []
    for name in names:
        by = figures[name]
        top = max(each["cpu_us"] for each in by.values())
        parts.append(f'<text x="{left - 8}" y="{height + row * len(by) / 2 + 4}" text-anchor="end">{name}</text>')
        for who in ["propylon", *[peer for peer in PEERS if peer in by]]:
            length = by[who]["cpu_us"] / top * (width - left - 120)
            parts.append(f'<rect x="{left}" y="{height}" width="{length:.1f}" height="{row - 3}" fill="{COLOURS[who]}"/>'
                         f'<text class="v" x="{left + length + 5:.1f}" y="{height + row - 5}">{who} {by[who]["cpu_us"]:.1f}</text>')
            height += row
        height += 12
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + 20} {height}" font-family="sans-serif" font-size="12">'
            '<style>text{fill:#5b6675}.v{font-size:10px}</style>'
            f'<text x="{left}" y="16">CPU microseconds per request; shorter is better; each scenario has its own scale</text>'
            + "".join(parts) + "</svg>\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", type=pathlib.Path)
    parser.add_argument("--versions", required=True, help="the peers' versions, in words")
    parser.add_argument("--machine", required=True, help="the machine, in words")
    parser.add_argument("--notes", type=pathlib.Path, help="Markdown to add at the end")
    args = parser.parse_args()
    figures = medians(json.loads(args.figures.read_text()))
    bad = [f"{name}: {who}" for name, by in figures.items() for who, each in by.items() if each["bad"]]
    docs = ROOT / "docs"
    (docs / "performance.svg").write_text(plot(figures))
    (docs / "performance.md").write_text(f"""# Performance

CPU time per request in microseconds, medians of three rounds, each contender with one worker on one core, load and origin
on the other. Measured {datetime.date.today()} on {args.machine}, against {args.versions}. The floor is `bench/floor.c`: a blind
relay, about the least that the kernel charges. Wrong or failed answers: {', '.join(bad) or 'none'}.

![CPU per request](performance.svg)

{table(figures)}

To repeat it, install the peers (`apt-get install nginx haproxy h2o wrk nghttp2-client gcc`; `NGINX_BIN` and `HAPROXY_BIN` point
at other builds), then, with nothing else running:

```
cargo build --release
python3 bench/bench.py --bin target/release/propylon --config bench/propylon.conf.in --against nginx,haproxy,h2o,floor \\
    --only {','.join([*BARS, *IDLE])} --json figures.json
```

Trust the ratios. Throughput and latency say little where load, origin and contender share two cores.
{args.notes.read_text() if args.notes else ''}""")


if __name__ == "__main__":
    main()
