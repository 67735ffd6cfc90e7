"""Protects RTP packets (RFC 3711, 7714), written from the RFCs over plain AES and HMAC: the product opens them with a library."""
import base64, hashlib, hmac, struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# suite: AES key, salt, authentication tag in bytes
SUITES = {"AES_CM_128_HMAC_SHA1_80": (16, 14, 10), "AES_CM_128_HMAC_SHA1_32": (16, 14, 4), "AES_192_CM_HMAC_SHA1_80": (24, 14, 10),
          "AES_192_CM_HMAC_SHA1_32": (24, 14, 4), "AES_256_CM_HMAC_SHA1_80": (32, 14, 10), "AES_256_CM_HMAC_SHA1_32": (32, 14, 4),
          "AEAD_AES_128_GCM": (16, 12, 16), "AEAD_AES_256_GCM": (32, 12, 16)}


def keystream(key, counter, size):
    return Cipher(algorithms.AES(key), modes.CTR(counter.to_bytes(16, "big"))).encryptor().update(bytes(size))


class Protector:
    """One master key. `encrypt` and `prove` as the session parameters of RFC 4568 change them; mki: (value, bytes)."""

    def __init__(self, suite, seed, encrypt=True, prove=True, mki=None, master=None):
        self.suite, self.encrypt, self.prove, self.mki = suite, encrypt, prove, mki
        self.key_size, salt_size, self.tag = SUITES[suite]
        self.master = master or hashlib.shake_256(f"{suite} {seed}".encode()).digest(self.key_size + salt_size)
        self.gcm = suite.startswith("AEAD")
        master_key = self.master[:self.key_size]
        salt = int.from_bytes(self.master[self.key_size:] + bytes(14 - salt_size), "big")
        derive = lambda label, size: keystream(master_key, (salt ^ label << 48) << 16, size)  # RFC 3711 4.3.1
        self.key, self.auth, self.salt = derive(0, self.key_size), derive(1, 20), derive(2, salt_size)
        self.rolls, self.last = {}, {}

    def inline(self):
        text = "inline:" + base64.b64encode(self.master).decode()
        return text + (f"|2^20|{self.mki[0]}:{self.mki[1]}" if self.mki else "")

    def attribute(self, tag=1, parameters=""):
        return f"a=crypto:{tag} {self.suite} {self.inline()}{parameters}\r\n"

    def roll_of(self, ssrc, seq):
        last = self.last.get(ssrc)
        if last is not None and seq < 0x4000 and last > 0xc000:
            self.rolls[ssrc] = self.rolls.get(ssrc, 0) + 1
        self.last[ssrc] = seq
        return self.rolls.get(ssrc, 0)

    def packet(self, packet, roll=None):
        seq, ssrc = struct.unpack("!H", packet[2:4])[0], struct.unpack("!I", packet[8:12])[0]
        roll = self.roll_of(ssrc, seq) if roll is None else roll
        header, payload = packet[:12], packet[12:]
        mki = self.mki[0].to_bytes(self.mki[1], "big") if self.mki else b""
        if self.gcm:
            iv = int.from_bytes(struct.pack("!HIIH", 0, ssrc, roll, seq), "big") ^ int.from_bytes(self.salt, "big")
            return header + AESGCM(self.key).encrypt(iv.to_bytes(12, "big"), payload, header) + mki
        if self.encrypt:
            iv = int.from_bytes(self.salt, "big") << 16 ^ ssrc << 64 ^ (roll << 16 | seq) << 16
            payload = bytes(a ^ b for a, b in zip(payload, keystream(self.key, iv, len(payload))))
        tag = hmac.new(self.auth, header + payload + struct.pack("!I", roll), hashlib.sha1).digest()[:self.tag]
        return header + payload + mki + (tag if self.prove else b"")


# ---- DTLS 1.2 as far as it tells keys of SRTP (RFC 5764)

PROFILES = {1: "AES_CM_128_HMAC_SHA1_80", 2: "AES_CM_128_HMAC_SHA1_32", 7: "AEAD_AES_128_GCM", 8: "AEAD_AES_256_GCM"}


def prf(secret, label, seed, size):
    out, a = b"", label + seed
    while len(out) < size:
        a = hmac.new(secret, a, hashlib.sha256).digest()
        out += hmac.new(secret, a + label + seed, hashlib.sha256).digest()
    return out[:size]


def handshake(type_, number, body):
    message = struct.pack("!B", type_) + len(body).to_bytes(3, "big") + struct.pack("!H", number) + bytes(3) + len(body).to_bytes(3, "big") + body
    return b"\x16\xfe\xfd" + bytes(2) + number.to_bytes(6, "big") + struct.pack("!H", len(message)) + message


def extension(type_, body):
    return struct.pack("!HH", type_, len(body)) + body


def hellos(profile, client_random=b"c" * 32, server_random=b"s" * 32):
    srtp = lambda *profiles: extension(14, struct.pack("!H", 2 * len(profiles)) + b"".join(struct.pack("!H", p) for p in profiles) + b"\0")
    extensions = srtp(*PROFILES)
    client = b"\xfe\xfd" + client_random + b"\0\0" + struct.pack("!H", 2) + b"\xc0\x2f\1\0" + struct.pack("!H", len(extensions)) + extensions
    extensions = extension(23, b"") + srtp(profile)
    server = b"\xfe\xfd" + server_random + b"\0\xc0\x2f\0" + struct.pack("!H", len(extensions)) + extensions
    return [(True, handshake(1, 0, client)), (True, handshake(1, 1, client)), (False, handshake(2, 1, server))]


def extracted(profile, secret, caller_is_client):
    """The protectors of caller and callee, and the hellos: (from the caller?, datagram)."""
    suite = PROFILES[profile]
    key, salt, _ = SUITES[suite]
    block = prf(secret, b"EXTRACTOR-dtls_srtp", b"c" * 32 + b"s" * 32, 2 * (key + salt))
    client = Protector(suite, "", master=block[:key] + block[2 * key:2 * key + salt])
    server = Protector(suite, "", master=block[key:2 * key] + block[2 * key + salt:])
    packets = [(forth == caller_is_client, data) for forth, data in hellos(profile)]
    return (client, server, packets) if caller_is_client else (server, client, packets)
