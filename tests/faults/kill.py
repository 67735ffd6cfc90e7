"""Plays generated calls at wire speed over a veth pair in namespaces of its own, kills the service, restarts it, and looks."""
import json, os, random, shutil, signal, sqlite3, struct, subprocess, sys, tempfile, time, urllib.request

earshot, traffic, rounds, calls = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
work = tempfile.mkdtemp(prefix="earshot-kill-")
net_a, net_b = f"esa{os.getpid()}", f"esb{os.getpid()}"


def sh(*args, **kw):
    return subprocess.run(args, check=True, capture_output=True, text=True, **kw).stdout


def setup():
    for ns in (net_a, net_b):
        sh("ip", "netns", "add", ns)
    sh("ip", "-n", net_a, "link", "add", "va", "type", "veth", "peer", "name", "vb", "netns", net_b)
    for ns, dev in ((net_a, "va"), (net_b, "vb")):
        sh("ip", "netns", "exec", ns, "sysctl", "-qw", f"net.ipv6.conf.{dev}.disable_ipv6=1")
        sh("ip", "-n", ns, "link", "set", dev, "up")
        sh("ip", "-n", ns, "link", "set", "lo", "up")


def teardown():
    for ns in (net_a, net_b):
        subprocess.run(["ip", "netns", "del", ns], capture_output=True)
    shutil.rmtree(work, ignore_errors=True)


def start(data, *more):
    log = open(os.path.join(work, "log"), "a")
    p = subprocess.Popen(["ip", "netns", "exec", net_b, earshot, "run", "--data", data, "--record", "--port", "8470", *more],
                         stdout=log, stderr=log)
    return p


def ask(path):
    out = sh("ip", "netns", "exec", net_b, "curl", "-sS", "--fail-with-body", f"http://127.0.0.1:8470{path}")
    return json.loads(out)


def wait_up(p):
    for _ in range(200):
        if p.poll() is not None:
            raise SystemExit("the service ended by itself:\n" + open(os.path.join(work, "log")).read()[-2000:])
        try:
            return ask("/api/v1/live/calls")
        except subprocess.CalledProcessError:
            time.sleep(0.05)
    raise SystemExit("the service did not come up")


def one_round(n, pcap, moment):
    data = os.path.join(work, f"data{n}")
    p = start(data, "--interface", "vb")
    wait_up(p)
    tcpdump = subprocess.Popen(["ip", "netns", "exec", net_b, "tcpdump", "-i", "vb", "-w", os.path.join(work, "wire.pcap"), "-U", "-B", "65536", "-s", "64", "udp"],
                               stderr=subprocess.DEVNULL)
    time.sleep(0.3)
    replay = subprocess.Popen(["ip", "netns", "exec", net_a, "tcpreplay", "-q", "-i", "va", pcap], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(moment)
    killed = time.time()
    subprocess.run(["pkill", "-KILL", "-f", f"run --data {data} "])
    p.wait()
    replay.kill()
    replay.wait()
    time.sleep(0.2)
    tcpdump.terminate()
    tcpdump.wait()
    p = start(data, "--interface", "vb")
    wait_up(p)
    deadline = time.time() + 60
    rows = []
    while time.time() < deadline:
        rows = ask("/api/v1/calls?limit=1000")["data"]
        if rows and all(r["recording"] is None or r["recording"].get("state") not in ("spooling", "rendering") for r in rows):
            break
        time.sleep(0.2)
    subprocess.run(["pkill", "-TERM", "-f", f"run --data {data} "])
    p.wait()
    return check(n, data, rows, killed)


def last_packets(killed):
    """The last RTP packet before the kill, by destination port, as tcpdump saw it."""
    out = sh("tshark", "-r", os.path.join(work, "wire.pcap"), "-T", "fields", "-e", "frame.time_epoch", "-e", "ip.src", "-e", "udp.srcport",
             "-e", "ip.dst", "-e", "udp.dstport", "-Y", "udp && !(udp.port == 5060)")
    last = {}
    for line in out.splitlines():
        t, src, sport, dst, dport = line.split("\t")
        if float(t) <= killed:
            last[(f"{src}:{sport}", f"{dst}:{dport}")] = float(t)
    return last


def seconds(text):
    import datetime
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def check(n, data, rows, killed):
    bad = []
    for name in sorted(os.listdir(os.path.join(data, "db"))):
        if name.endswith(".db"):
            state = sqlite3.connect(os.path.join(data, "db", name)).execute("pragma integrity_check").fetchone()[0]
            if state != "ok":
                bad.append(f"{name}: {state}")
    wire = last_packets(killed)
    worst = 0.0
    restarts = 0
    for r in rows:
        restarts += r["end_reason"] == "restart"
        if r["answered_at"] is None or r["recording"] is None:
            continue
        rec = r["recording"]
        if rec.get("state") != "ready":
            # a call answered in the last second may have nothing on the disk yet
            if killed - seconds(r["answered_at"]) > 1.5:
                bad.append(f"call {r['uid']} answered {killed - seconds(r['answered_at']):.1f} s before the kill has no recording: {rec}")
            continue
        ends = [wire[(s["src"], s["dst"])] for s in r["streams"] if (s["src"], s["dst"]) in wire]
        if not ends or r["end_reason"] != "restart":
            continue
        # the recording starts with the first media packet
        first = min(seconds(s["first_at"]) for s in r["streams"])
        missing = max(ends) - (first + rec["duration_ms"] / 1000)
        worst = max(worst, missing)
        if missing > 1.0:
            bad.append(f"call {r['uid']}: {missing:.2f} s of recording missing")
    open_rows = [r["uid"] for r in rows if r["state"] != "ended"]
    if open_rows:
        bad.append(f"{len(open_rows)} rows still open")
    print(f"round {n}: {len(rows)} calls, {restarts} end as restart, at most {worst:.2f} s lost" + "".join("\n  " + b for b in bad), flush=True)
    if restarts == 0:
        bad.append("no call was cut")
        print("  no call ended as restart")
    return not bad


def main():
    random.seed(1)
    pcap = os.path.join(work, "calls.pcap")
    sh(traffic, "--calls", str(calls), "--concurrent", str(calls), "--duration", "20", "--codec", "PCMA", "--seed", "5",
       "--out", pcap, "--truth", os.path.join(work, "truth.json"))
    good = True
    try:
        setup()
        for n in range(rounds):
            good &= one_round(n, pcap, random.uniform(4, 14))
    finally:
        teardown()
    return 0 if good else 1


sys.exit(main())
