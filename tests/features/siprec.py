"""R31: recording sessions, in the dialects of metadata that recording clients speak."""
import os, struct

from craft import *
from feature import feature
from recordings import TONES, goertzel, metadata, pcm, session


def named_by_address(people):
    """No names, ids in base64, times at the associations, and both directions of each stream (an SBC that bridges the two)."""
    ids = ["ZXhhbXBsZTE=", "ZXhhbXBsZTI="]
    out = ["<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<recording xmlns=\"urn:ietf:params:xml:ns:recording:1\">\n\t<datamode>complete</datamode>\n",
           "\t<session session_id=\"c2Vzc2lvbg==\">\n\t\t<sipSessionID>0123456789abcdef0123456789abcdef;remote=fedcba9876543210fedcba9876543210</sipSessionID>\n"
           "\t\t<start-time>2023-11-14T22:13:20Z</start-time>\n\t</session>\n"]
    for k, n in enumerate(people):
        out.append(f"\t<participant participant_id=\"{ids[k]}\">\n\t\t<nameID aor=\"sip:{n}@pbx\"/>\n\t</participant>\n"
                   f"\t<participantsessionassoc participant_id=\"{ids[k]}\" session_id=\"c2Vzc2lvbg==\">\n"
                   f"\t\t<associate-time>2023-11-14T22:13:2{k}Z</associate-time>\n\t</participantsessionassoc>\n"
                   f"\t<stream stream_id=\"st{k}==\" session_id=\"c2Vzc2lvbg==\">\n\t\t<label>{90 + k}</label>\n\t</stream>\n")
    for k in range(len(people)):
        out.append(f"\t<participantstreamassoc participant_id=\"{ids[k]}\">\n\t\t<send>st{k}==</send>\n\t\t<recv>st{1 - k}==</recv>\n\t</participantstreamassoc>\n")
    return "".join(out) + "</recording>"


def draft(people):
    """Made after a draft: plain ids, who sends what in the participant, a namespace without a version, data of the vendor between."""
    extra = "<extensiondata xmlns:v='http://vendor.example/siprec'><v:callid>c1@test</v:callid><v:origin>true</v:origin></extensiondata>"
    return ("<recording xmlns='urn:ietf:params:xml:ns:recording'><dataMode>complete</dataMode><session id='se'><associate-time>2023-11-14T22:13:20</associate-time>" +
            extra + "</session>" +
            "".join(f"<participant id='p{k}' session='se'><nameID aor='sip:{n}@pbx'><name>{n}</name></nameID>{extra}<associate-time>2023-11-14T22:13:20</associate-time>"
                    f"<send>s{k}</send></participant>" for k, n in enumerate(people)) +
            "".join(f"<stream id='s{k}' session='se'><label>{90 + k}</label><mode>separate</mode></stream>" for k in range(len(people))) + "</recording>")


def prefixed(people):
    """Every element under a prefix, a group, comments, names with entities and white space; streams ahead of those who send them."""
    out = "<?xml version='1.0'?><!-- made by a recording client --><rec:recording xmlns:rec='urn:ietf:params:xml:ns:recording:1'><rec:datamode>complete</rec:datamode>" \
          "<rec:group group_id='g'><rec:associate-time>2023-11-14T22:13:20.1Z</rec:associate-time></rec:group><rec:session session_id='x'><rec:group-ref>g</rec:group-ref></rec:session>"
    out += "".join(f"<rec:stream session_id='x' stream_id='s{k}'><rec:label>{90 + k}</rec:label></rec:stream>" for k in range(len(people)))
    out += "".join(f"<rec:participantstreamassoc participant_id='p{k}'><!-- his --><rec:send>s{k}</rec:send></rec:participantstreamassoc>" for k in range(len(people)))
    return out + "".join(f"<rec:participant participant_id='p{k}'><rec:nameID aor='sip:{n}@pbx'><rec:name xml:lang='de'>{n} &amp; Co</rec:name></rec:nameID></rec:participant>"
                         for k, n in enumerate(people)) + "</rec:recording>"


PLAIN = "Content-Type: application/rs-metadata\r\nContent-Disposition: recording-session;handling=required\r\n"
SHOUTED = "content-disposition: Recording-Session\r\nCONTENT-TYPE: Application/RS-Metadata+XML; charset=utf-8\r\n"
DIALECTS = [("RFC 7865", "{}", {}), ("by address alone", "sip:{}@pbx", {"document": named_by_address}),
            ("a draft", "{}", {"document": draft, "part": PLAIN}),
            ("prefixes, metadata ahead of the SDP", "{} & Co", {"document": prefixed, "part": SHOUTED, "first": True, "whole": "Multipart/Mixed"})]


def recorded(t, packets):
    folder = t.path("recordings")
    record, = t.read(frames(packets), "--record", folder)
    (name,) = [n for n in os.listdir(folder) if n.endswith(".wav")]
    channels, _, sound = pcm(open(os.path.join(folder, name), "rb").read())
    samples = struct.unpack(f"<{len(sound) // 2}h", sound)
    return record, [[round(goertzel(samples[c::channels][8000:16000], hz)) for hz in TONES[:2]] for c in range(channels)]


def right(levels):
    return levels[0][0] > 5000 and levels[1][1] > 5000 and levels[0][1] < 100 and levels[1][0] < 100


@feature("R31", "four dialects of SIPREC metadata: participants and labels name the channels of the recording")
def dialects(t):
    for what, name, options in DIALECTS:
        record, levels = recorded(t, session(("ann", "ben"), **options))
        said, wanted = record["siprec"], [name.format(n) for n in ("ann", "ben")]
        t.equal(f"{what}: channels", record["recording"]["channels"], wanted)
        t.check(f"{what}: whose voice is where: {levels}", right(levels))
        t.equal(f"{what}: who", [p["aor"] for p in said["participants"]], ["sip:ann@pbx", "sip:ben@pbx"])
        t.equal(f"{what}: whose stream", [(s["label"], s["participant_id"]) for s in said["streams"]],
                [(str(90 + k), p["id"]) for k, p in enumerate(said["participants"])])
        t.equal(f"{what}: all of it", (said["sessions"], said["complete"], said["limited"]), (1, True, False))
        other, levels = recorded(t, session(("ann", "ben"), **{**options, "document": lambda people, d=options.get("document", metadata): d(people[::-1])}))
        t.counter(f"{what}: names do not follow the labels", other["recording"]["channels"] == wanted[::-1] and right(levels))
    bare, _ = recorded(t, session(("ann", "ben"), document=lambda people: "<recording"))
    t.counter("metadata that is none names somebody", bare.get("siprec") is None and bare["recording"]["channels"] != ["ann", "ben"])
