"""The telephones: SIPp replaying a capture, and baresip sending a file."""

import os
import uuid

from wire import CALLEE_IP, CALLER_IP

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = "/usr/lib/baresip/modules"
OPUS_BITRATE = 48000

BARESIP_CONFIG = """poll_method epoll
call_local_timeout 120
call_max_calls 4
sip_listen {ip}:5060
{extra}audio_source aufile,{wav}
audio_player aufile,{folder}/heard.wav
audio_alert aufile,{folder}/alert.wav
audio_level no
rtp_tos 184
rtp_ports 20000-30000
rtcp_mux no
jitter_buffer_delay 1-10
rtp_stats no
opus_bitrate {bitrate}
opus_stereo yes
opus_sprop_stereo yes
module_path {modules}
module aufile.so
module {codec_module}.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app contact.so
"""


def baresip_folder(work, user, ip, wav, codec, codec_module, certificate=None):
    folder = os.path.join(work, user)
    os.makedirs(folder)
    texts = {
        "config": BARESIP_CONFIG.format(ip=ip, wav=wav, folder=folder, modules=MODULES,
                                        codec_module=codec_module, bitrate=OPUS_BITRATE,
                                        extra=f"sip_certificate {certificate}\n" if certificate else ""),
        "accounts": f"<sip:{user}@{ip}>;regint=0;answermode=auto;audio_codecs={codec}\n",
        "contacts": "",
        "uuid": str(uuid.uuid4()),
    }
    for name, text in texts.items():
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)
    return folder


class BaresipCall:
    """A call of about `seconds`; the caller hangs up. `target` is where it calls: the callee or a
    proxy. The callee gets `environment`."""

    def __init__(self, wire, codec, codec_module, wavs, users, seconds, target=CALLEE_IP,
                 certificate=None, environment=None):
        caller, callee = users
        a = baresip_folder(wire.work, caller, CALLER_IP, wavs[0], codec, codec_module, certificate)
        b = baresip_folder(wire.work, callee, CALLEE_IP, wavs[1], codec, codec_module, certificate)
        self.callee = wire.start(wire.callee, ["baresip", "-f", b, "-t", str(seconds + 5)],
                                 callee + ".log", env=environment)
        self.dial = ["baresip", "-f", a, "-t", str(seconds), "-e", f"/dial sip:{callee}@{target}"]
        self.wire, self.log = wire, caller + ".log"

    def listening(self):
        with open(os.path.join(self.wire.work, self.callee_log()), errors="replace") as f:
            return "baresip is ready" in f.read()

    def callee_log(self):
        return self.log.replace("caller", "callee")

    def begin(self):
        self.caller = self.wire.start(self.wire.caller, self.dial, self.log)

    def over(self):
        return self.caller.poll() is not None

    def finish(self):
        self.callee.terminate()
        self.callee.wait(30)


class SippCalls:
    """`count` calls that overlap; the callee sends back what it hears, on one port for all calls.
    `transport` as SIPp calls it: u1, t1 (one TCP connection for all). `target` is the callee or a
    proxy, `user` who is called."""

    def __init__(self, wire, count, pcap, seconds, transport="u1", target=f"{CALLEE_IP}:5070",
                 user="sipp-callee"):
        scenario = os.path.join(wire.work, "uac.xml")
        with open(os.path.join(HERE, "uac.xml")) as f:
            text = f.read()
        with open(scenario, "w") as f:
            f.write(text.replace("MEDIA_PCAP", pcap).replace("MEDIA_MS", str(seconds * 1000)))
        common = ["-t", transport, "-m", str(count), "-nostdin", "-trace_err", "-error_file"]
        self.callee = wire.start(wire.callee, [
            "sipp", "-sf", os.path.join(HERE, "uas.xml"), "-i", CALLEE_IP, "-p", "5070", "-rtp_echo",
            "-mi", CALLEE_IP, "-mp", "6000", *common, os.path.join(wire.work, "uas.err")],
            "sipp-uas.log", cwd=wire.work)
        self.wire = wire
        self.dial = [
            "sipp", "-sf", scenario, "-i", CALLER_IP, "-p", "5080", "-mi", CALLER_IP, "-mp", "30000",
            "-s", user, "-r", "1", "-rp", "300", "-l", str(count), *common,
            os.path.join(wire.work, "uac.err"), target]

    def begin(self):
        self.caller = self.wire.start(self.wire.caller, self.dial, "sipp-uac.log", cwd=self.wire.work)

    def over(self):
        return self.caller.poll() is not None

    def finish(self):
        self.callee.terminate()
        self.callee.wait(30)
