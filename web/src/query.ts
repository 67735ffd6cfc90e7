// The search box: words into parameters of GET /calls, and into conditions that the page applies itself to what came.
//
//   493012345       a number, of either side (as written, or as E.164)      mos<3.5  loss>2%  jitter>30ms  duration>1m
//   10.1.2.3        an address of signalling or media                       code:486  outcome:busy  codec:opus  trunk:carrier-1
//   a84b4c@host     a Call-ID                                               one-way  no-media  failed  recorded  encrypted
//   anything else   text in Call-ID, users or User-Agent                    pdd>5s  setup>8s  ring>30s (applied by the page)
//   text:"refund policy" text:cancel*   words of transcripts and annotations; said: of the one, note: of the other
//
// What cannot be understood is an error with the word it is about: nothing is dropped in silence.

export interface Condition {
  field: "pdd" | "setup" | "ring" | "gap" | "rtt" | "mos" | "loss" | "jitter" | "duration";
  op: "<" | ">";
  value: number; // ms, ratio, MOS
}
export interface Parsed {
  params: [string, string][];
  mosBelow: number | null; // is asked for on each scale
  conditions: Condition[];
  errors: string[];
}

const FLAGS: Record<string, [string, string][]> = {
  "one-way": [["one_way", "true"]], oneway: [["one_way", "true"]],
  "no-media": [["no_rtp", "true"]], "no-rtp": [["no_rtp", "true"]],
  recorded: [["has_recording", "true"]], unrecorded: [["has_recording", "false"]],
  encrypted: [["encrypted", "true"]], partial: [["partial", "true"]],
  failed: ["busy", "no_answer", "rejected", "failed", "lost"].map((o) => ["outcome", o]),
  answered: [["outcome", "answered"]], busy: [["outcome", "busy"]], cancelled: [["outcome", "cancelled"]],
  rejected: [["outcome", "rejected"]], redirected: [["outcome", "redirected"]], lost: [["outcome", "lost"]], "no-answer": [["outcome", "no_answer"]],
};
const KEYS: Record<string, string> = {
  code: "sip_code", sip: "sip_code", sip_code: "sip_code", q850: "q850", cause: "q850", outcome: "outcome", codec: "codec", trunk: "trunk",
  site: "site", tenant: "tenant", tag: "tag", label: "label", diagnosis: "label", ua: "user_agent__contains", agent: "user_agent__contains",
  header: "header", value: "header_value__contains", ip: "ip", addr: "ip", number: "number", prefix: "number__prefix", from: "from_user",
  to: "to_user", callid: "call_id", "call-id": "call_id", call_id: "call_id", direction: "direction", dir: "direction", kind: "kind",
  scale: "scale", import: "import", source: "source",
};
/** Words of transcripts and annotations, and where they are looked for. What stands in quotes there is one behind the other. */
const PLACES: Record<string, string | null> = { text: null, said: "transcripts", transcript: "transcripts", note: "annotations", annotation: "annotations" };
const MEASURES: Record<string, Condition["field"]> = {
  mos: "mos", loss: "loss", jitter: "jitter", duration: "duration", dur: "duration", length: "duration", pdd: "pdd", setup: "setup",
  ring: "ring", gap: "gap", rtt: "rtt",
};

/** "2%", "0.02", "30ms", "5s", "1m30s", "2h": as ms, as a ratio for loss, as it stands for MOS. null: it is none. */
export function parseValue(field: Condition["field"], text: string): number | null {
  if (field === "mos") return /^\d+(\.\d+)?$/.test(text) ? Number(text) : null;
  if (field === "loss") {
    const m = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text);
    if (!m) return null;
    const v = Number(m[1]);
    return m[2] || v >= 1 ? v / 100 : v;
  }
  const unitless = /^\d+(\.\d+)?$/.test(text);
  if (unitless) return Number(text) * (field === "jitter" || field === "gap" || field === "rtt" ? 1 : 1000);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|min|h)/g)];
  if (!parts.length || parts.map((p) => p[0]).join("") !== text) return null;
  const factor: Record<string, number> = { ms: 1, s: 1000, m: 60000, min: 60000, h: 3600000 };
  return parts.reduce((sum, p) => sum + Number(p[1]) * factor[p[2]!]!, 0);
}

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
export function isAddress(text: string): boolean {
  const m = IPV4.exec(text);
  if (m) return m.slice(1).every((n) => Number(n) <= 255);
  return /^[0-9a-f:.]+$/i.test(text) && (text.match(/:/g) ?? []).length >= 2;
}

/** Spaces, brackets, dashes and dots as people write numbers. null: no number. */
export function asNumber(text: string): string | null {
  if (!/^\+?[\d\s()./-]+$/.test(text)) return null;
  const digits = text.replace(/[^\d+]/g, "");
  return digits.replace("+", "").length >= 3 ? digits : null;
}

/** Words with their quotes; "quoted ones" hold spaces. */
function pieces(text: string): string[] {
  return [...text.matchAll(/(?:[^\s"]|"[^"]*"?)+/g)].map((m) => m[0]);
}
export function split(text: string): string[] {
  return pieces(text).map((w) => w.replaceAll('"', ""));
}
/** What stands in quotes stays as it is. */
function unquoted(text: string, change: (part: string) => string): string {
  return text.replace(/("[^"]*"?)|[^"]+/g, (part, quoted: string | undefined) => (quoted ? part : change(part)));
}

/** text:"refund policy", said:refund, note:angry. false: it is none of those. */
function addText(p: Parsed, piece: string): boolean {
  const m = /^([a-z]+)[:=](.+)$/is.exec(piece);
  const place = m ? PLACES[m[1]!.toLowerCase()] : undefined;
  if (!m || place === undefined) return false;
  if (!/[^\s"*]/.test(m[2]!)) p.errors.push(`${m[1]}: needs a word`);
  else if (p.params.some(([k]) => k === "text") && (p.params.find(([k]) => k === "text_in")?.[1] ?? null) !== place) p.errors.push("text:, said: and note: are looked for one at a time");
  else {
    const before = p.params.find(([k]) => k === "text");
    if (before) before[1] += ` ${m[2]!}`;
    else p.params.push(["text", m[2]!], ...(place ? [["text_in", place] as [string, string]] : []));
  }
  return true;
}

function addMeasure(p: Parsed, field: Condition["field"], op: string, text: string): boolean {
  const value = parseValue(field, text);
  if (value === null) return false;
  const below = op.startsWith("<");
  const round = String(Math.round(value));
  if (field === "mos" && below) {
    if (value < 1 || value > 5) return false;
    p.mosBelow = p.mosBelow === null ? value : Math.min(p.mosBelow, value);
  } else if (field === "loss" && !below) p.params.push(["loss_ratio__gte", String(Math.min(1, value))]);
  else if (field === "jitter" && !below) p.params.push(["jitter_ms__gte", String(value)]);
  else if (field === "duration") p.params.push([below ? "duration_ms__lte" : "duration_ms__gte", round]);
  else p.conditions.push({ field, op: below ? "<" : ">", value });
  return true;
}

function addWord(p: Parsed, word: string): void {
  const flag = FLAGS[word.toLowerCase()];
  if (flag) {
    p.params.push(...flag);
    return;
  }
  const measure = /^([a-z]+)\s*(<=|>=|<|>)\s*(.+)$/i.exec(word);
  if (measure) {
    const field = MEASURES[measure[1]!.toLowerCase()];
    if (!field) p.errors.push(`“${measure[1]}” is nothing that is measured: mos, loss, jitter, duration, pdd, setup, ring, gap, rtt`);
    else if (!addMeasure(p, field, measure[2]!, measure[3]!.toLowerCase())) p.errors.push(`“${measure[3]}” is no value of ${field}`);
    return;
  }
  const pair = /^([a-z][a-z0-9_-]*)[:=](.+)$/i.exec(word);
  const key = pair && KEYS[pair[1]!.toLowerCase()];
  if (pair && key) {
    for (const value of key === "outcome" || key === "sip_code" ? pair[2]!.split(",") : [pair[2]!]) {
      const most = key === "sip_code" ? 699 : 127;
      if ((key === "sip_code" || key === "q850") && !(/^\d{1,3}$/.test(value) && Number(value) >= (key === "q850" ? 1 : 100) && Number(value) <= most)) p.errors.push(`“${value}” is no code`);
      else p.params.push([key, key === "outcome" ? value.replaceAll("-", "_") : value]);
    }
    return;
  }
  if (isAddress(word)) p.params.push(["ip", word]);
  else if (word.includes("@")) p.params.push(["call_id", word]);
  else p.params.push(["q", word]);
}

/** Numbers written with spaces are one: "+49 30 1234" stays together. */
function joinNumbers(text: string): string {
  return text.replace(/(?<![\w.:<>=-])\+?\d[\d()/-]*(?: [\d()/-]+)+(?![\w.:%<>=])/g, (m) => (asNumber(m) ? m.replace(/[\s()/-]/g, "") : m));
}

export function parseQuery(text: string): Parsed {
  const p: Parsed = { params: [], mosBelow: null, conditions: [], errors: [] };
  for (const piece of pieces(unquoted(text, (t) => joinNumbers(t.replace(/\s*(<=|>=|<|>)\s*/g, "$1"))))) {
    if (addText(p, piece)) continue;
    const word = piece.replaceAll('"', "");
    const n = isAddress(word) ? null : asNumber(word);
    if (n !== null) p.params.push([n.startsWith("+") || n.length >= 7 ? "number__prefix" : "number", n]);
    else addWord(p, word);
  }
  const texts = p.params.filter(([k]) => k === "q").map(([, v]) => v);
  if (texts.length > 1) p.params = [...p.params.filter(([k]) => k !== "q"), ["q", texts.join(" ")]];
  const prefixes = p.params.filter(([k]) => k === "number__prefix");
  if (prefixes.length > 1) p.errors.push("one number at a time: both sides of a call are searched for it");
  if (p.params.some(([k]) => k === "header_value__contains") && !p.params.some(([k]) => k === "header"))
    p.errors.push("value: needs header:, the name of a header field");
  return p;
}
