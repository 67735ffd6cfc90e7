#!/usr/bin/env python3
"""Earshot on a switch with programs of others: telephones, proxies, a browser, capture agents.

    peers.py [--earshot BIN] [--list] [--keep] [CASE...]

Every case builds namespaces of its own (lan.py), starts Earshot and its peers there, and ends them
all. What Earshot tells over its API is compared with what the peers did, and with `earshot read` on a
capture made beside it. Needs root. Exit codes: 0 all as it should be, 1 not, 2 wrong usage.
"""

import argparse
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True  # leave the source tree as it is

import peer_dialogs
import peer_hep
import peer_signalling
import peer_sipp
import peer_tls
import peer_transfers
import peer_web
from lan import Lan
from wire import Failure, need

ROOT = Path(__file__).resolve().parent.parent.parent
TOOLS = ("ip", "tc", "ss", "sysctl", "curl", "tcpdump", "espeak-ng", "sox", "sipp")

# The case, what it needs besides, and what it is.
CASES = (
    (peer_sipp.sipp_udp, (), "SIPp calls over UDP"),
    (peer_sipp.sipp_tcp, (), "SIPp calls over TCP"),
    (peer_sipp.sipp_tcp_many, (), "many calls interleaved in one TCP connection"),
    (peer_tls.baresip_tls_keylog, ("baresip", "openssl", "gcc"),
     "baresip over TLS 1.3, its secrets logged"),
    (peer_tls.baresip_tls12_keylog, ("baresip", "openssl", "gcc"),
     "baresip over TLS 1.2, its secrets logged"),
    (peer_tls.kamailio_tls_keylog, ("baresip", "kamailio", "openssl", "gcc"),
     "two legs through Kamailio over TLS, its secrets logged"),
    (peer_web.websocket_jssip, ("kamailio", "openssl", "npm", "node", "chromium"),
     "JsSIP in Chromium over WebSocket to Kamailio"),
    (peer_web.websocket_tls_jssip, ("kamailio", "openssl", "npm", "node", "chromium"),
     "the same in TLS, Chromium's secrets logged"),
    (peer_hep.hep_sngrep, ("sngrep",), "sngrep sends HEP"),
    (peer_hep.hep_kamailio, ("kamailio",), "Kamailio sends HEP"),
    (peer_hep.hep_rtpengine, ("kamailio", "rtpengine", "baresip"),
     "Kamailio sends SIP and rtpengine RTCP as HEP"),
    (peer_hep.hep_rtpengine_tcp, ("kamailio", "rtpengine", "baresip"), "the same, rtpengine's over TCP"),
    (peer_signalling.proxy_registrar, ("kamailio", "baresip"), "registrations and a call through Kamailio"),
    (peer_signalling.proxy_passwords, ("kamailio", "baresip"), "the same with passwords, right and wrong"),
    (peer_signalling.proxy_fork, ("kamailio", "baresip"), "Kamailio forks to two telephones of one user"),
    (peer_signalling.proxy_failover, ("kamailio",), "Kamailio tries the next gateway"),
    (peer_signalling.proxy_pings, ("kamailio",), "a gateway that Kamailio asks with OPTIONS goes away"),
    (peer_dialogs.phones_hold, ("kamailio", "baresip"), "hold and resume"),
    (peer_dialogs.phones_unanswered, ("kamailio", "baresip"), "one call given up, one refused"),
    (peer_dialogs.phones_messages, ("kamailio", "baresip"), "messages and presence"),
    (peer_transfers.phones_blind_transfer, ("kamailio", "baresip"), "a blind transfer"),
    (peer_transfers.sipp_attended_transfer, (), "an attended transfer"),
    (peer_dialogs.sipp_codec_change, (), "another codec in the middle of a call"),
    (peer_dialogs.b2bua, ("baresip",), "baresip's b2bua: a call of two legs"),
)
AT_A_TIME = 3
NAMES = [case.__name__ for case, _, _ in CASES]


def run_case(case, tools, binary, keep):
    work = tempfile.mkdtemp(prefix=f"earshot-{case.__name__}-")
    try:
        need(*TOOLS, *tools)
        with Lan(work) as lan:
            return case(lan, binary)
    finally:
        if keep:
            print(f"kept {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)


def attempt(number, binary, keep):
    """(None or what went wrong, the line to print)."""
    case, tools, _ = CASES[number]
    start = time.monotonic()
    try:
        told, error = run_case(case, tools, binary, keep), None
    except (Failure, OSError, subprocess.SubprocessError) as e:
        told = error = str(e) or type(e).__name__
    return error, f"{case.__name__} ({time.monotonic() - start:.1f} s): {told}"


def run_all(chosen, binary, keep):
    """The names of those that failed. Some at a time, in processes of their own: they wait for timers and for the network most
    of the time. What failed beside others is told of and tried once more alone: programs of others have races of their own (a
    proxy's processes, a client's timers), a fault of ours fails twice."""
    again = []
    with multiprocessing.get_context("fork").Pool(AT_A_TIME) as pool:  # forked before the pool has threads: later a fork may stand still
        runs = [(n, pool.apply_async(attempt, (n, binary, keep))) for n in chosen]
        for number, result in runs:
            error, line = result.get()
            print(("again " if error else "ok    ") + line, flush=True)
            if error:
                again.append(number)
    failed = []
    for number in again:
        error, line = attempt(number, binary, keep)
        print(("FAIL  " if error else "ok    ") + line, flush=True)
        if error:
            failed.append(CASES[number][0].__name__)
    return failed


def main():
    parser = argparse.ArgumentParser(description="Earshot on a switch with programs of others.")
    parser.add_argument("--earshot", default=str(ROOT / "build/dev/earshot"))
    parser.add_argument("--list", action="store_true", help="name the cases")
    parser.add_argument("--keep", action="store_true", help="keep the working folders")
    parser.add_argument("case", nargs="*", help="these cases; default all")
    args = parser.parse_args()
    unknown = [name for name in args.case if name not in NAMES]
    if unknown:
        parser.error(f"no such case: {', '.join(unknown)}; --list names them")
    if args.list:
        print("\n".join(f"{case.__name__:24} {text}" for case, _, text in CASES))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if os.geteuid() != 0 or not os.access(args.earshot, os.X_OK):
        print("FAIL  network namespaces need root" if os.geteuid() else
              f"FAIL  {args.earshot}: no such program; build it first")
        return 1
    chosen = [n for n, name in enumerate(NAMES) if name in (args.case or NAMES)]
    failed = run_all(chosen, os.path.realpath(args.earshot), args.keep)
    print("peers: " + ("failed: " + ", ".join(failed) if failed else "all as it should be"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
