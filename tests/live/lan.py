"""A switch with a caller, a callee and a server, mirrored to a namespace where Earshot listens.

    NAME-a  10.99.7.1 ---- sa \
    NAME-b  10.99.7.2 ---- sb  > br0 in NAME-s ---- sp  10.99.7.8  NAME-e (agents send their HEP there)
    NAME-k  10.99.7.9 ---- sk /       |  what comes in at sa, sb and sk, each frame once
                                      vm ======== vs  NAME-e: where Earshot captures
"""

import os
import signal
import subprocess

from wire import CALLEE_IP, CALLER_IP, STOP_LIMIT_S, Failure, Spaces, run, wait_for

SERVER_IP = "10.99.7.9"
PROBE_IP = "10.99.7.8"
HEP_PORT = 9060


class Lan(Spaces):
    ENDS = "abkes"

    def _build(self):
        self.caller, self.callee, self.server, self.probe, self.switch = self.spaces
        self.tap = self.switch
        self._add_spaces()
        run("ip", "-n", self.switch, "link", "add", "br0", "type", "bridge", "forward_delay", "0",
            "mcast_snooping", "0")
        run("ip", "-n", self.switch, "link", "set", "br0", "up")
        self._pair(self.switch, "vm", self.probe, "vs")
        # The probe has an address at vp: vs must not answer who asks for it.
        run("ip", "-n", self.probe, "link", "set", "vs", "arp", "off")
        self._port(self.probe, "vp", "sp", PROBE_IP)
        for space, end, address in ((self.caller, "a", CALLER_IP), (self.callee, "b", CALLEE_IP),
                                    (self.server, "k", SERVER_IP)):
            self._port(space, "v" + end, "s" + end, address)
            self._mirror(self.switch, "s" + end, ("ingress",), "vm")

    def _port(self, space, name, port, address):
        self._pair(space, name, self.switch, port)
        self._address(space, address, name)
        run("ip", "-n", self.switch, "link", "set", port, "master", "br0")


class Capture:
    """A capture file made beside Earshot, at the same interface."""

    def __init__(self, lan, name="beside.pcap", expression=""):
        self.path = os.path.join(lan.work, name)
        self.process = lan.start(lan.probe, ["tcpdump", "-i", "vs", "-w", self.path, "-s", "0", "-B",
                                             "16384", "-U", "-Z", "root", *expression.split()], "tcpdump.log")
        wait_for(STOP_LIMIT_S, "tcpdump captures", lambda: "listening on" in lan.log_tail("tcpdump.log"))

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            raise Failure(f"tcpdump goes on {STOP_LIMIT_S} s after SIGINT") from None
        return self.path
