// The program on generated traffic, for the time of the tests: good calls, bad calls, and one whose headers are hostile.
import { spawn, execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

const BAD = ["--calls", "4", "--concurrent", "2", "--duration", "14", "--codec", "PCMU", "--rtcp", "--jitter", "12", "--loss", "9", "--burst", "6", "--outcomes", "answered", "--seed", "9"];
const MIXED = ["--calls", "20", "--concurrent", "6", "--duration", "8", "--codec", "G722", "--rtcp", "--outcomes", "mix", "--seed", "11"];
const NAME = '<img src=x onerror=alert(1)>';
const LONG = "long".repeat(30);

/** One UDP datagram in a pcap file of raw IPv4. */
function frame(at, src, dst, text) {
  const payload = Buffer.from(text, "latin1");
  const ip = Buffer.alloc(28);
  ip[0] = 0x45;
  ip.writeUInt16BE(28 + payload.length, 2);
  ip[8] = 64;
  ip[9] = 17;
  src.split(".").forEach((n, i) => (ip[12 + i] = Number(n)));
  dst.split(".").forEach((n, i) => (ip[16 + i] = Number(n)));
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += ip.readUInt16BE(i);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  ip.writeUInt16BE(~sum & 0xffff, 10);
  ip.writeUInt16BE(5060, 20);
  ip.writeUInt16BE(5060, 22);
  ip.writeUInt16BE(8 + payload.length, 24);
  const head = Buffer.alloc(16);
  head.writeUInt32LE(Math.floor(at), 0);
  head.writeUInt32LE(Math.round((at % 1) * 1e6), 4);
  head.writeUInt32LE(28 + payload.length, 8);
  head.writeUInt32LE(28 + payload.length, 12);
  return Buffer.concat([head, ip, payload]);
}

/** An attempt that is refused; every header of it that people see is markup. */
export function hostileCapture(at) {
  const a = "10.9.9.1", b = "10.9.9.2";
  const head = Buffer.from("d4c3b2a10200040000000000000000000000040065000000", "hex");
  const common = `Via: SIP/2.0/UDP ${a};branch=z9hG4bKhostile\r\nFrom: "${NAME}" <sip:'onmouseover=1@evil.example>;tag=<script>\r\nTo: <sip:${LONG}@${b}>`;
  const tail = "Call-ID: <script>alert(2)</script>\r\nCSeq: 1 INVITE\r\n";
  return Buffer.concat([
    head,
    frame(at, a, b, `INVITE sip:${LONG}@${b} SIP/2.0\r\n${common}\r\n${tail}User-Agent: <svg onload=alert(3)>\r\nContact: <sip:x@${a}>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`),
    frame(at + 0.1, b, a, `SIP/2.0 486 <b>Busy</b>\r\n${common};tag=t\r\n${tail}Content-Length: 0\r\n\r\n`),
    frame(at + 0.12, a, b, `ACK sip:${LONG}@${b} SIP/2.0\r\n${common};tag=t\r\n${tail.replace("INVITE", "ACK")}Content-Length: 0\r\n\r\n`),
  ]);
}

/** A second service whose capture stops in the middle: its calls go on as long as it is there. */
export async function startLive(earshot, traffic) {
  const work = await mkdtemp(path.join(tmpdir(), "earshot-browser-"));
  const file = (name) => path.join(work, name);
  execFileSync(traffic, ["--calls", "6", "--concurrent", "6", "--duration", "60", "--codec", "PCMA", "--rtcp", "--loss", "1", "--outcomes", "answered", "--seed", "5", "--start", String(Math.floor(Date.now() / 1000) - 40), "--out", file("live.pcap")]);
  const all = await readFile(file("live.pcap"));
  await writeFile(file("earshot.conf"), `[storage]\ndata_dir = ${file("data")}\n`);
  const { child, base } = await run(earshot, ["run", "--config", file("earshot.conf"), "--port", "0", "--read", "-"], all.subarray(0, Math.floor(all.length * 0.6)));
  return { base, stop: () => end(child, work) };
}

const children = new Set();
process.on("exit", () => children.forEach((c) => c.kill("SIGKILL")));

/** `input`: what stands on its standard input, which stays open; it is read ahead of everything else. */
async function run(earshot, args, input) {
  const child = spawn(earshot, args, { stdio: [input ? "pipe" : "ignore", "ignore", "pipe"] });
  children.add(child);
  child.stdin?.on("error", () => undefined);
  if (input) child.stdin.write(input);
  let log = "";
  const base = await new Promise((found, failed) => {
    child.stderr.on("data", (d) => {
      log += d;
      const m = /http:\/\/127\.0\.0\.1:(\d+)/.exec(log);
      if (m) found(`http://127.0.0.1:${m[1]}`);
    });
    child.on("exit", (code) => failed(new Error(`earshot ended with ${code}: ${log}`)));
  });
  return { child, base, said: () => log };
}

async function end(child, work) {
  const stopped = new Promise((r) => (child.exitCode === null ? child.on("exit", r) : r()));
  child.kill("SIGTERM");
  child.stdin?.destroy();
  await stopped;
  await rm(work, { recursive: true, force: true });
}

/** A message of a call, and what lets time go on. */
function told(at, n, start, more = "") {
  const a = `10.7.${n}.1`, b = `10.7.${n}.2`, answer = start.startsWith("SIP");
  const text = `${start}\r\nVia: SIP/2.0/UDP ${a};branch=z9hG4bKfed${n}\r\nFrom: <sip:a${n}@${a}>;tag=f\r\nTo: <sip:b${n}@${b}>${answer ? ";tag=t" : ""}\r\nCall-ID: fed-${n}\r\nCSeq: 1 INVITE\r\n${more}Content-Length: 0\r\n\r\n`;
  return Buffer.concat([answer ? frame(at, b, a, text) : frame(at, a, b, text), frame(at + 2, "10.7.9.1", "10.7.9.2", "\r\n\r\n")]);
}

/** A third service: next() lets one more thing happen to its calls. */
export async function startFed(earshot) {
  const work = await mkdtemp(path.join(tmpdir(), "earshot-browser-"));
  const conf = path.join(work, "earshot.conf");
  await writeFile(conf, `[storage]\ndata_dir = ${path.join(work, "data")}\n`);
  const { child, base } = await run(earshot, ["run", "--config", conf, "--port", "0", "--read", "-"], Buffer.from("d4c3b2a10200040000000000000000000000040065000000", "hex"));
  const now = Math.floor(Date.now() / 1000) - 100;
  const steps = [told(now, 1, "INVITE sip:b1@10.7.1.2 SIP/2.0"), told(now + 3, 1, "SIP/2.0 180 Ringing"), told(now + 6, 2, "INVITE sip:b2@10.7.2.2 SIP/2.0"),
    told(now + 9, 2, "SIP/2.0 200 OK"), told(now + 12, 1, "SIP/2.0 486 Busy Here")];
  return { base, next: () => child.stdin.write(steps.shift()), stop: () => end(child, work) };
}

/** A fourth: nobody is local there. A person with a name and a password may look. */
export async function startGuarded(earshot, person) {
  const work = await mkdtemp(path.join(tmpdir(), "earshot-browser-"));
  const conf = path.join(work, "earshot.conf");
  await writeFile(conf, `[api]\nlocal = none\n[storage]\ndata_dir = ${path.join(work, "data")}\n`);
  await writeFile(path.join(work, "one.pcap"), hostileCapture(Math.floor(Date.now() / 1000) - 100));
  const { child, base, said } = await run(earshot, ["run", "--config", conf, "--port", "0", "--read", path.join(work, "one.pcap")], null);
  for (let i = 0; i < 200 && !/esk_\w+/.test(said()); i++) await new Promise((r) => setTimeout(r, 25));
  const made = await fetch(`${base}/api/v1/users`, { method: "POST", headers: { Authorization: `Bearer ${/esk_\w+/.exec(said())[0]}`, "Content-Type": "application/json" }, body: JSON.stringify(person) });
  if (made.status !== 201) throw new Error(`no user: ${made.status} ${await made.text()}`);
  return { base, stop: () => end(child, work) };
}

/** `made`: traffic other than that of the tests. */
export async function start(earshot, traffic, smoke, made = null) {
  const work = await mkdtemp(path.join(tmpdir(), "earshot-browser-"));
  const now = Math.floor(Date.now() / 1000);
  const file = (name) => path.join(work, name);
  const least = made ? made.reduce((n, options) => n + Number(options[1]), -1) : smoke ? 12 : 22;
  const usual = [BAD, smoke ? MIXED.map((a) => (a === "20" ? "10" : a)) : MIXED];
  const captures = (made ?? usual).map((options, i) => {
    execFileSync(traffic, [...options, "--start", String(now - 500 + 200 * i), "--out", file(`${i}.pcap`)]);
    return file(`${i}.pcap`);
  });
  await writeFile(file("hostile.pcap"), hostileCapture(now - 100));
  await writeFile(file("earshot.conf"), `[recording]\ndefault = record\n[storage]\ndata_dir = ${file("data")}\n[trunk carrier-1]\npeers = 10.64.0.0/16\ncapacity = 8\n`);
  const args = ["run", "--config", file("earshot.conf"), "--port", "0", "--read", ...captures, ...(made ? [] : [file("hostile.pcap")])];
  const { child, base } = await run(earshot, args, null);
  const get = async (what) => (await fetch(`${base}/api/v1/${what}`)).json();
  const from = `from=${new Date((now - 3600) * 1000).toISOString()}`;
  for (let i = 0; ; i++) {
    const list = await get(`calls?${from}&limit=1000`);
    const waits = list.data.filter((c) => c.recording && ["spooling", "rendering"].includes(c.recording.state));
    if ((made || list.data.some((c) => c.src?.startsWith("10.9.9."))) && list.data.length > least && waits.length === 0) break;
    if (i > 240) throw new Error(`the calls are not all there after a minute: ${list.data.length}, ${waits.length} not rendered`);
    await new Promise((r) => setTimeout(r, 250));
  }
  return {
    base,
    hostile: (await get(`calls?${from}&ip=10.9.9.1`)).data[0]?.uid,
    worst: async () => (await get(`calls?${from}&order=mos_min&outcome=answered&limit=1`)).data[0].uid,
    failed: async () => (await get(`calls?${from}&outcome=busy&outcome=rejected&outcome=failed&limit=1`)).data[0].uid,
    call: (uid) => get(`calls/${uid}`),
    /** As many calls as there are rows: the list that is there, again and again under other ids. */
    manyRows: async (page, count) => {
      const { data } = await get(`calls?${from}&limit=100&view=brief`);
      await page.route("**/api/v1/calls?*", (route) => {
        const q = new URL(route.request().url()).searchParams;
        const at = Number(q.get("cursor") ?? 0);
        const limit = Math.min(Number(q.get("limit")), count - at);
        const rows = Array.from({ length: limit }, (_, i) => ({ ...data[(at + i) % data.length], uid: `00000000-0000-8000-8000-${String(at + i).padStart(12, "0")}` }));
        const asked = q.get("count");
        const page = { next_cursor: at + limit < count ? String(at + limit) : null, has_more: at + limit < count, ...(asked ? { count: { kind: asked, value: count } } : {}) };
        return route.fulfill({ json: { data: rows, page, query: {} } });
      });
    },
    stop: () => end(child, work),
  };
}
