"""SIP in TLS that a party logs the secrets of: baresip to baresip, and through Kamailio.

The same capture is read with the secrets, without them, and with wrong ones.
"""

import os

import proxy
import sound
from clients import BaresipCall
from lan import SERVER_IP
from peer_checks import (begin, calls_of, check_answered, check_same, ended_calls, expect, finish, make_calls,
                         messages, metric, read_file)
from wire import CALLEE_IP, run

HERE = os.path.dirname(os.path.abspath(__file__))
CALL_S = 4
CERTIFICATE_NAME = "pbx.example.net"
SERVER_NAME = "callee.example.net"

# OpenSSL as baresip finds it, with nothing newer than TLS 1.2.
TLS12 = """openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = defaults
[defaults]
MaxProtocol = TLSv1.2
"""


def make_certificate(lan, name=CERTIFICATE_NAME):
    """A file with key and certificate, as baresip and Kamailio take it."""
    path = os.path.join(lan.work, "certificate.pem")
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
        "-keyout", path, "-out", path + ".only")
    with open(path, "a") as both, open(path + ".only") as certificate:
        both.write(certificate.read())
    return path


def make_shim(lan):
    path = os.path.join(lan.work, "keylog.so")
    run("gcc", "-O1", "-shared", "-fPIC", "-o", path, os.path.join(HERE, "keylog.c"), "-lssl", "-ldl")
    return path


def logging_secrets(lan):
    """(the file for secrets, the environment of a program that writes them there)"""
    path = os.path.join(lan.work, "secrets")
    open(path, "w").close()
    return path, {**os.environ, "LD_PRELOAD": make_shim(lan), "SSLKEYLOGFILE": path}


def only_tls12(lan):
    path = os.path.join(lan.work, "openssl.cnf")
    with open(path, "w") as f:
        f.write(TLS12)
    return {"OPENSSL_CONF": path}


def spoiled(secrets):
    """The same connections, other secrets."""
    path = secrets + ".wrong"
    with open(secrets) as old, open(path, "w") as new:
        for line in old:
            label, random, secret = line.split()
            new.write(f"{label} {random} {'5a' * (len(secret) // 2)}\n")
    return path


def baresip_call(lan, environment, certificate, target):
    wavs = [sound.speak(who, 8000, 1, lan.work) for who in ("caller", "callee")]
    clients = BaresipCall(lan, "PCMA", "g711", wavs, ("caller-tls", "callee-tls"), CALL_S, target,
                          certificate, environment)
    lan.wait_listening(lan.callee, "tcp", 5061, "callee-tls.log")
    return clients


def check_blind(records, flows, version, wrong):
    """Connections are told of, calls are not."""
    expect(not calls_of(records), "a call is seen without its secrets")
    blind = [r for r in records if r["kind"] == "encrypted"]
    expect(len(blind) == flows, f"{len(blind)} records of encrypted signalling, not {flows}")
    for r in blind:
        tls = r["tls"]
        expect(tls["version"] == version, f"TLS version is {tls['version']}, not {version}")
        expect(tls["wrong_key"] is wrong, f"wrong_key is {tls['wrong_key']}")
        expect(tls["client_bytes"] > 500 and tls["server_bytes"] > 500, f"too few bytes: {tls}")
    return blind


def check_readings(binary, path, secrets, live, flows, version):
    """The capture with secrets, without and with wrong ones; returns the records without."""
    check_same(binary, path, live, "--key-log", secrets)
    check_blind(read_file(binary, path, "--key-log", spoiled(secrets)), flows, version, True)
    return check_blind(read_file(binary, path), flows, version, False)


def check_open(earshot, connections):
    expect(metric(earshot, 'earshot_signalling_flows_total{visibility="decrypted"}') == connections,
           "the connection is not counted as decrypted")


def baresip_tls(lan, binary, version, environment):
    secrets, logging = logging_secrets(lan)
    earshot, file = begin(lan, binary, f"[tls]\nkey_log = {secrets}\n")
    clients = baresip_call(lan, {**logging, **environment}, make_certificate(lan),
                           CALLEE_IP + ";transport=tls")
    make_calls(clients, "caller-tls.log")
    call, = ended_calls(earshot, 1)
    check_answered(call, "tls")
    check_open(earshot, 1)
    blind, = check_readings(binary, finish(earshot, file), secrets, [call], 1, version)
    return call, blind["tls"]


def baresip_tls_keylog(lan, binary):
    call, blind = baresip_tls(lan, binary, "1.3", {})
    return f"{call['messages']} messages; blind: {blind['client_bytes']} and {blind['server_bytes']} bytes"


def baresip_tls12_keylog(lan, binary):
    _, blind = baresip_tls(lan, binary, "1.2", only_tls12(lan))
    expect(blind["certificate_name"] == CERTIFICATE_NAME, f"certificate name is {blind['certificate_name']}")
    return f"blind: certificate of {blind['certificate_name']}"


def kamailio_tls_keylog(lan, binary):
    secrets, logging = logging_secrets(lan)
    certificate = make_certificate(lan)
    earshot, file = begin(lan, binary, f"[tls]\nkey_log = {secrets}\n")
    proxy.start(lan, ["TLS"], f"sip:{CALLEE_IP}:5061;transport=tls", certificate, SERVER_NAME, logging)
    clients = baresip_call(lan, None, certificate, SERVER_IP + ";transport=tls")
    make_calls(clients, "caller-tls.log")
    call, = ended_calls(earshot, 1)
    check_answered(call, "tls")
    legs = {(m["src"].split(":")[0], m["dst"].split(":")[0]) for m in messages(earshot, call)}
    expect(len(legs) == 4, f"messages went only {legs}")
    check_open(earshot, 2)
    blind = check_readings(binary, finish(earshot, file), secrets, [call], 2, "1.3")
    names = {r["tls"]["server_name"] for r in blind}
    expect(SERVER_NAME in names, f"names of servers are {names}")
    return f"{call['messages']} messages on two legs; blind: to {SERVER_NAME}"
