"""Kamailio, and rtpengine beside it, in the server's namespace."""

import os

from lan import HEP_PORT, PROBE_IP, SERVER_IP

HERE = os.path.dirname(os.path.abspath(__file__))
MEMORY = ["-m", "64", "-M", "8"]

TLS_CONFIG = """[server:default]
method = TLSv1.2+
private_key = {certificate}
certificate = {certificate}
[client:default]
method = TLSv1.2+
verify_certificate = no
"""


def start(lan, parts, next_hop, certificate=None, server_name="", environment=None,
          second_hop="", password=""):
    """`parts` of kamailio.cfg; calls to who has not registered go to `next_hop`, which TLS asks for as
    `server_name`, or to `second_hop` after a failure."""
    if certificate:
        with open(os.path.join(lan.work, "tls.cfg"), "w") as f:
            f.write(TLS_CONFIG.format(certificate=certificate))
    with open(os.path.join(HERE, "kamailio.cfg")) as f:
        text = f.read()
    for word, value in (("SELF_IP", SERVER_IP), ("NEXT_HOP", next_hop), ("SECOND_HOP", second_hop), ("WORK", lan.work),
                        ("SHARED_SECRET", password),
                        ("SERVER_NAME", server_name), ("HEP_TARGET", f"{PROBE_IP}:{HEP_PORT}")):
        text = text.replace(word, value)
    path = os.path.join(lan.work, "kamailio.cfg")
    with open(path, "w") as f:
        f.write(text)
    chosen = [word for part in parts for word in ("-A", "WITH_" + part)]
    lan.start(lan.server, ["kamailio", "-f", path, "-DD", "-E", "-Y", lan.work, *MEMORY, *chosen],
              "kamailio.log", env=environment)
    lan.wait_listening(lan.server, "udp", 5060, "kamailio.log")
    lan.wait_listening(lan.server, "tcp", 5061 if "TLS" in parts else 5060, "kamailio.log")


def start_rtpengine(lan, protocol):
    """It relays media and sends the RTCP that passes as HEP, over udp or tcp."""
    lan.start(lan.server, [
        "rtpengine", "--config-file=none", f"--interface={SERVER_IP}", "--listen-ng=127.0.0.1:2223", "--table=-1",
        "-m", "40000", "-M", "40100", "--foreground", "--log-stderr", "--log-level=5",
        f"--homer={PROBE_IP}:{HEP_PORT}",
        f"--homer-protocol={protocol}", "--homer-id=2002", f"--pidfile={lan.work}/rtpengine.pid"], "rtpengine.log")
    lan.wait_listening(lan.server, "udp", 2223, "rtpengine.log")
