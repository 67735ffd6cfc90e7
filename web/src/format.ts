// How values look. What is not known is a dash, never 0. Times are in the viewer's zone.
import type { Band, NumberedParty, Num, Party, Time } from "./types.ts";

export const DASH = "–";

// A formatter is dear to make and cheap to use.
const formatters = new Map<number, Intl.NumberFormat>();
function formatter(digits: number): Intl.NumberFormat {
  let f = formatters.get(digits);
  if (!f) formatters.set(digits, (f = new Intl.NumberFormat("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits })));
  return f;
}

export function number(v: Num | undefined, digits = 0, unit = ""): string {
  if (v === null || v === undefined || !Number.isFinite(v)) return DASH;
  return formatter(digits).format(v) + (unit && " " + unit);
}

/** A ratio 0..1 as percent; small ones keep a digit more, so that 0.04 % is not 0. */
export function percent(v: Num | undefined, digits = 1): string {
  if (v === null || v === undefined) return DASH;
  const p = v * 100;
  if (p === 0) return "0 %";
  if (p < 0.01) return "< 0.01 %";
  return number(p, p < 1 ? 2 : digits, "%");
}

export function mos(v: Num | undefined): string {
  return number(v, 2);
}

/** A delay that people wait for: 740 ms, 3.2 s. */
export function delay(ms: Num | undefined): string {
  if (ms === null || ms === undefined) return DASH;
  return ms < 1000 ? number(ms, ms < 10 ? 1 : 0, "ms") : number(ms / 1000, ms < 10000 ? 1 : 0, "s");
}

const two = (n: number) => String(n).padStart(2, "0");

/** 0:07, 12:34, 1:02:03 */
export function duration(ms: Num | undefined): string {
  if (ms === null || ms === undefined) return DASH;
  const s = Math.round(Math.abs(ms) / 1000);
  const sign = ms < 0 && s > 0 ? "−" : "";
  if (s < 3600) return `${sign}${Math.floor(s / 60)}:${two(s % 60)}`;
  return `${sign}${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** A place on the time axis, in seconds: 0:12.3 */
export function position(s: number): string {
  const tenths = Math.round(Math.abs(s) * 10);
  return `${s < 0 && tenths ? "−" : ""}${Math.floor(tenths / 600)}:${two(Math.floor(tenths / 10) % 60)}.${tenths % 10}`;
}

/** How long in words that fit a sentence: 7 seconds, 3 min 20 s, 2 h 5 min, 4 days. */
export function howLong(ms: number): string {
  const s = Math.round(ms / 1000);
  if (s < 1) return `${Math.round(ms)} ms`;
  if (s < 60) return s === 1 ? "1 second" : `${s} seconds`;
  if (s < 3600) return s % 60 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${s / 60} min`;
  const min = Math.floor(s / 60) % 60;
  if (s < 172800) return min ? `${Math.floor(s / 3600)} h ${min} min` : `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} days`;
}

export function ago(t: Time | undefined, now = Date.now()): string {
  if (!t) return DASH;
  const ms = now - Date.parse(t);
  return ms < 2000 && ms > -2000 ? "now" : ms < 0 ? `in ${howLong(-ms)}` : `${howLong(ms)} ago`;
}

export function bytes(v: Num | undefined): string {
  if (v === null || v === undefined) return DASH;
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let n = v;
  let i = 0;
  while (n >= 1000 && i < units.length - 1) {
    n /= 1000;
    i++;
  }
  return `${n.toFixed(i === 0 || n >= 100 ? 0 : 1)} ${units[i]}`;
}

export function bitrate(v: Num | undefined): string {
  if (v === null || v === undefined) return DASH;
  return v < 1e6 ? number(v / 1e3, 0, "kbit/s") : number(v / 1e6, 1, "Mbit/s");
}

const dayFormat = new Intl.DateTimeFormat(undefined, { day: "2-digit", month: "short" });
const longFormat = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZoneName: "short",
});

/** 13:05:09, of another day than today with the day ahead of it. */
export function clock(t: Time | undefined, now = new Date()): string {
  if (!t) return DASH;
  const d = new Date(t);
  const time = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  return d.toDateString() === now.toDateString() ? time : `${dayFormat.format(d)} ${time}`;
}

/** With milliseconds, for messages. */
export function clockMs(t: string): string {
  const d = new Date(t);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}.${String(d.getMilliseconds()).padStart(3, "0")}`;
}

export function fullTime(t: Time | undefined): string {
  return t ? longFormat.format(new Date(t)) : DASH;
}

/** A name from the wire beside others: one that is written from right to left turns round nothing but itself, and none can say that it does. */
function apart(text: string): string {
  const plain = text.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(plain) ? `\u2068${plain}\u2069` : plain;
}

/** Who somebody is, in one word: the number, else the user, else the host. */
export function who(party: Party | null | undefined, numbered?: Partial<NumberedParty>): string {
  if (numbered?.privacy && !party?.user) return "anonymous";
  return apart(numbered?.number || party?.user || party?.host || DASH);
}

export function whoLong(party: Party): string {
  const address = apart(party.user && party.host ? `${party.user}@${party.host}` : party.user || party.host || DASH);
  return party.display && party.display !== party.user ? `${apart(party.display)} <${address}>` : address;
}

/** What happened to a call, in a word or two. */
const OUTCOMES: Record<string, string> = {
  answered: "answered", busy: "busy", no_answer: "no answer", cancelled: "cancelled", rejected: "rejected", redirected: "redirected",
  failed: "failed", lost: "no response",
};
export function outcome(o: string | null, kind = "call"): string {
  return o ? OUTCOMES[o] ?? o : kind === "orphan" ? "media alone" : kind === "encrypted" ? "unreadable" : kind === "page" ? "paging" : DASH;
}
export function words(key: string): string {
  return key.replaceAll("_", " ");
}

/** The band of a MOS, by the R of the same scale (90, 80, 70, 60). */
export function bandOfMos(v: Num | undefined): Band {
  if (v === null || v === undefined) return "unknown";
  return v >= 4.34 ? "excellent" : v >= 4.03 ? "good" : v >= 3.6 ? "fair" : v >= 3.1 ? "poor" : "bad";
}
