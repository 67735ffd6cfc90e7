"""Telephones that are told what to do while they run: baresip by its console."""

import os
import subprocess
import uuid

import proxy
import sound
from lan import SERVER_IP
from wire import CALLEE_IP, CALLER_IP, Failure, promptly, wait_for

SOFTWARE = "baresip v1.0.0 (x86_64/linux)"
MODULES = "/usr/lib/baresip/modules"
START_LIMIT_S = 30

CONFIG = """poll_method epoll
call_local_timeout 120
call_max_calls 4
sip_listen {ip}:{port}
audio_source {source}
audio_player {player}
audio_alert aufile,{folder}/alert.wav
audio_level no
{settings}rtp_ports {ports}
rtcp_mux no
rtp_stats no
cons_listen 127.0.0.1:{console}
module_path {modules}
module {audio}.so
{codecs}module cons.so
{more}module_tmp uuid.so
module_tmp account.so
module_app contact.so
module_app menu.so
"""


class Phone:
    """A baresip of `user`, an account at `server`, that listens at ip:port. `account` is added to its
    account (`accounts` stand in its place), `modules` are loaded besides, `contacts` are its address
    book; `audio` is the module that it hears and speaks with, `speech` the file that it sends with one of
    `codecs`: modules, those for protected media among them; `settings` are more lines of its configuration."""

    def __init__(self, lan, space, ip, user, port=5060, server=SERVER_IP,
                 account=";regint=60;answermode=auto", accounts=None, modules=(), contacts=(), audio="aufile",
                 speech=None, codecs=("g711",), settings=(), environment=None):
        self.lan, self.space, self.name, self.console = lan, space, f"{user}-{port}", port + 1000
        self.ip, self.user, self.port, self.speech = ip, user, port, speech
        self.folder = os.path.join(lan.work, self.name)
        os.makedirs(self.folder)
        self._write("config", [self._config(ip, port, modules, audio, settings, codecs)])
        self._write("accounts", accounts or [f"<sip:{user}@{server}>{account}"])
        self._write("contacts", contacts)
        self._write("uuid", [str(uuid.uuid4())], end="")
        self.process = lan.start(space, promptly(["baresip", "-f", self.folder]), self.log, env=environment)
        self.wait_said("baresip is ready")

    def _config(self, ip, port, modules, audio, settings, codecs):
        source, player = f"{audio},a", f"{audio},b"
        if audio == "aufile":
            source = "aufile," + (self.speech or sound.speak("caller", 8000, 1, self.lan.work))
            player = f"aufile,{self.folder}/heard.wav"
        first = 20000 + (port - 5060) * 100
        return CONFIG.format(ip=ip, port=port, source=source, player=player, audio=audio, folder=self.folder,
                             ports=f"{first}-{first + 90}", console=self.console, modules=MODULES, settings="".join(s + "\n" for s in settings),
                             codecs="".join(f"module {m}.so\n" for m in codecs),
                             more="".join(f"module_app {m}.so\n" for m in modules))

    def _write(self, name, lines, end="\n"):
        with open(os.path.join(self.folder, name), "w") as f:
            f.writelines(line + end for line in lines)

    @property
    def log(self):
        return self.name + ".log"

    def said(self):
        with open(os.path.join(self.lan.work, self.log), errors="replace") as f:
            return f.read()

    def wait_said(self, text, times=1):
        try:
            wait_for(START_LIMIT_S, f"{self.name} says: {text}", lambda: self.said().count(text) >= times)
        except Failure as e:
            raise Failure(f"{e}\n{self.lan.log_tail(self.log)}") from None

    def tell(self, command):
        """A command as it is typed: /dial, /hold, /transfer ..."""
        subprocess.run([*self.lan.inside(self.space), "bash", "-c",
                        f"printf '%s\\n' \"$0\" > /dev/udp/127.0.0.1/{self.console}", command], check=True)

    def end(self):
        """It unregisters and goes."""
        self.process.terminate()
        self.process.wait(START_LIMIT_S)


def uri(user):
    return f"sip:{user}@{SERVER_IP}"


def register_phones(lan, *users, watch=None, **options):
    """Telephones registered at Kamailio: the first one at the caller's, the others side by side at the
    callee's. `watch`: who has whom in its address book, and wants to know of their presence."""
    proxy.start(lan, [], f"sip:{CALLEE_IP}:5070")
    phones = []
    for n, user in enumerate(users):
        space, ip, port = (lan.caller, CALLER_IP, 5060) if n == 0 else (lan.callee, CALLEE_IP, 5058 + 2 * n)
        contacts = [f'"{watch[user]}" <{uri(watch[user])}>;presence=p2p'] if watch else []
        phones.append(Phone(lan, space, ip, user, port, contacts=contacts, **options))
    for phone in phones:
        phone.wait_said("200 OK")
    return phones
