"""Telephones that are told what to do while they run: baresip by its console."""

import os
import subprocess
import uuid

import sound
from lan import SERVER_IP
from wire import wait_for

MODULES = "/usr/lib/baresip/modules"
START_LIMIT_S = 10

CONFIG = """poll_method epoll
call_local_timeout 120
call_max_calls 4
sip_listen {ip}:{port}
audio_source {source}
audio_player {player}
audio_alert aufile,{folder}/alert.wav
audio_level no
rtp_ports {ports}
rtcp_mux no
rtp_stats no
cons_listen 127.0.0.1:{console}
module_path {modules}
module {audio}.so
module g711.so
module cons.so
{more}module_tmp uuid.so
module_tmp account.so
module_app contact.so
module_app menu.so
"""


class Phone:
    """A baresip of `user`, an account at `server`, that listens at ip:port. `account` is added to its account, `modules`
    are loaded besides, `contacts` are its address book."""

    def __init__(self, lan, space, ip, user, port=5060, server=SERVER_IP, account=";regint=60;answermode=auto",
                 modules=(), contacts=(), accounts=None,
                 audio="aufile"):
        self.lan, self.space, self.name, self.console = lan, space, f"{user}-{port}", port + 1000
        folder = os.path.join(lan.work, self.name)
        os.makedirs(folder)
        files = (f"aufile,{sound.speak('caller', 8000, 1, lan.work)}", f"aufile,{folder}/heard.wav")
        source, player = files if audio == "aufile" else (f"{audio},a", f"{audio},b")
        first = 20000 + (port - 5060) * 100
        texts = {
            "config": CONFIG.format(ip=ip, port=port, source=source, player=player, audio=audio,
                                    folder=folder, ports=f"{first}-{first + 90}", console=self.console, modules=MODULES,
                                    more="".join(f"module_app {m}.so\n" for m in modules)),
            "accounts": "".join(f"{a}\n" for a in accounts or [f"<sip:{user}@{server}>{account}"]),
            "contacts": "".join(f"{c}\n" for c in contacts),
            "uuid": str(uuid.uuid4()),
        }
        for name, text in texts.items():
            with open(os.path.join(folder, name), "w") as f:
                f.write(text)
        self.process = lan.start(space, ["baresip", "-f", folder], self.log)
        wait_for(START_LIMIT_S, f"{self.name} is ready", lambda: "baresip is ready" in self.said())

    @property
    def log(self):
        return self.name + ".log"

    def said(self):
        with open(os.path.join(self.lan.work, self.log), errors="replace") as f:
            return f.read()

    def wait_said(self, text, seconds=START_LIMIT_S):
        wait_for(seconds, f"{self.name} says “{text}”\n{self.lan.log_tail(self.log)}", lambda: text in self.said())

    def tell(self, command):
        """A command as it is typed: /dial, /hold, /transfer ..."""
        subprocess.run([*self.lan.inside(self.space), "bash", "-c",
                        f"printf '%s\\n' \"$0\" > /dev/udp/127.0.0.1/{self.console}", command], check=True)

    def end(self):
        """It unregisters and goes."""
        self.process.terminate()
        self.process.wait(START_LIMIT_S)
