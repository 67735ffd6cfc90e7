// A call in words: what happened, and, if it was bad, why and where. Only what the record says.
import { delay, howLong, mos, number, outcome, percent, position, who, words } from "../format.ts";
import type { Call, Diagnosis } from "../types.ts";

const BY: Record<string, string> = { caller: "the caller", callee: "the callee", network: "the network" };

function beginning(c: Call): string {
  const over = c.trunk ? ` over ${c.trunk}` : "";
  const way = c.direction === "in" ? "came in" : c.direction === "out" ? "went out" : c.direction === "internal" ? "stayed inside" : null;
  if (c.kind === "orphan") return "Media without signalling: who talked to whom is not known.";
  if (c.kind === "encrypted") return "A signalling connection that cannot be read: it is encrypted and its keys are not known.";
  return `${who(c.from, c.caller)} called ${who(c.to, c.callee)}${over}${way ? `; the call ${way}` : ""}.`;
}

function setup(c: Call): string | null {
  if (c.kind !== "call") return null;
  const rang = c.ringing_at && c.post_dial_delay_ms !== null ? `It rang after ${delay(c.post_dial_delay_ms)}` : null;
  if (c.answered_at) return `${rang ? `${rang} and was answered` : "It was answered"}${c.setup_ms !== null ? ` ${delay(c.setup_ms)} after the INVITE` : ""}.`;
  return rang ? `${rang}${c.ring_ms ? `, for ${delay(c.ring_ms)}` : ""}.` : null;
}

const ENDINGS: Record<string, string> = {
  sip_timeout: "it ended because nobody answered on SIP any more", media_timeout: "no BYE was seen; it ended because no media came any more",
  max_duration: "it was cut at the longest length that is followed", cut: "we were stopped while it went on", restart: "we were restarted while it went on",
};

function ending(c: Call): string | null {
  if (c.kind !== "call") return null;
  const by = c.released_by ? BY[c.released_by] : undefined;
  if (c.answered_at) {
    const long = c.duration_ms !== null ? `They were connected for ${howLong(c.duration_ms)}` : "They were connected";
    const odd = c.end_reason ? ENDINGS[c.end_reason] : undefined;
    return `${long}; ${odd ?? (by ? `${by} hung up` : "who hung up is not known")}.`;
  }
  const code = c.sip_code ? ` with ${c.sip_code} ${c.reason_phrase ?? ""}`.trimEnd() : "";
  const said = c.sip_code ? ` (${c.sip_code} ${c.reason_phrase ?? ""}`.trimEnd() + ")" : "";
  const why = c.q850_text ? ` (Q.850 ${c.q850_cause}: ${c.q850_text})` : "";
  switch (c.outcome) {
    case "cancelled": return "The caller gave up before anybody answered.";
    case "lost": return "There was never a final response.";
    case "busy": return `The callee was busy${said}${why}.`;
    case "no_answer": return `Nobody picked up; the attempt ended${code}${why}.`;
    case "redirected": return `It was redirected${code}.`;
    default: return c.outcome ? `It was not answered: ${outcome(c.outcome)}${code}${why}.` : null;
  }
}

function sound(c: Call): string | null {
  const q = c.quality;
  if (!c.answered_at && q.mos_min === null) return null;
  if (q.no_rtp) return "No sound passed in either direction.";
  if (q.mos_min === null) return c.streams.length ? "Its sound has no score: the codec is not known to the model, or too little was sent." : "No media of it was seen.";
  const audio = c.streams.filter((s) => s.media_type !== "video" && s.mos.lq !== null);
  const bad = q.band === "bad" || q.band === "poor";
  const head = `${bad ? "The worse direction was" : "Its worse direction is"} ${q.band}: MOS ${mos(q.mos_min)}${q.scale && q.scale !== "NB" ? ` on the ${q.scale} scale` : ""}`;
  const why = [q.loss_ratio ? `${percent(q.loss_ratio)} lost` : "nothing lost", q.jitter_ms_max !== null ? `jitter up to ${number(q.jitter_ms_max, 1, "ms")}` : ""].filter(Boolean).join(", ");
  const others = audio.length > 1 ? "" : " Only one direction was seen.";
  return `${head} (${c.codec ?? "codec unknown"}, ${why}).${others}`;
}

/** Sentences in the order of time. */
export function story(c: Call): string[] {
  const odd: (string | null)[] = [
    c.partial ? "Its beginning or its end was not seen." : null,
    c.capture_suspect ? "While it went on our own capture lost packets: what is missing may be our fault." : null,
    c.holds ? `It was on hold ${c.holds === 1 ? "once" : `${c.holds} times`}${c.held_ms ? `, ${howLong(c.held_ms)} in all` : ""}.` : null,
    c.retransmissions ? `${number(c.retransmissions)} of its ${number(c.messages)} messages were sent again.` : null,
    c.ack_missing ? "The answer was repeated and never acknowledged." : null,
  ];
  return [beginning(c), setup(c), ending(c), sound(c), ...odd].filter((s): s is string => s !== null);
}

/** Whose voice, who hears it. */
export function direction(d: Diagnosis): string {
  return d.direction === "caller_to_callee" ? "the callee hears the caller" : d.direction === "callee_to_caller" ? "the caller hears the callee" : "the call as a whole";
}

const LABELS: Record<string, string> = {
  no_rtp: "Nobody heard anybody", one_way: "One side did not hear the other", capture_one_sided: "Only one direction is seen at the tap",
  payload_mismatch: "Sound in a payload type that was not announced", loss: "Packets were missing", burst_loss: "Many packets in a row were missing",
  jitter: "Packets came unevenly", long_gap: "Nothing came for a while", late_media: "The first sound came late", silence: "Packets carried silence",
  clipping: "The sound is overdriven", frozen_audio: "The same piece of sound repeats", echo: "One hears oneself (a hint)", clock_drift: "The sender's clock drifts",
  hold_long: "On hold for long", media_moved: "Media moved to another address", nat_mismatch: "Media from an address that was not announced",
  codec_asymmetry: "Two codecs, one in each direction", ptime_asymmetry: "Two packet times, one in each direction", dscp_remark: "Priority marking changed on the way",
  dscp_mismatch: "Priority marking that is not allowed", rtp_after_bye: "Media went on after the BYE", bye_missing: "No BYE was seen",
};
export function labelName(label: string): string {
  return LABELS[label] ?? words(label);
}

const SIDES: Record<string, string> = {
  before_tap: "between the speaker and the tap", after_tap: "between the tap and the listener", at_tap: "at the tap: we lost packets, or do not see them",
};
export function where(d: Diagnosis): string {
  return SIDES[d.side] ?? "where is not known";
}

const CAUSES: Record<string, string> = {
  private_address: "the other side announced a private address", refused: "its packets were refused (ICMP)", codec: "a payload type that the other side had not announced",
  firewall: "nothing came as far as the tap: probably a firewall or NAT", muted: "that side sends nothing, by its own account",
};
export function cause(d: Diagnosis): string | null {
  return d.cause ? (CAUSES[d.cause] ?? words(d.cause)) : null;
}

export function when(d: Diagnosis): string {
  return `${position(d.from_ms / 1000)} to ${position(d.to_ms / 1000)}`;
}

// The unit is the end of a name.
const UNITS: Record<string, (v: number) => string> = { percent: (v) => percent(v / 100), ms: delay, db: (v) => number(v, 1, "dB"), ppm: (v) => number(v, 0, "ppm") };
const NAMES: Record<string, string> = { run: "lost in a row, mean", longest_run: "at most", burst_r: "BurstR", rtcp_blocks: "RTCP blocks", sip_dscp: "SIP DSCP", dscp: "DSCP", icmp: "ICMP", noise_packets: "packets of noise" };

export function evidence(d: Diagnosis): [string, string][] {
  return Object.entries(d.evidence).filter(([, v]) => v !== null).map(([k, v]) => {
    const at = k.lastIndexOf("_");
    const unit = at > 0 ? UNITS[k.slice(at + 1)] : undefined;
    const name = unit && typeof v === "number" ? k.slice(0, at) : k;
    return [NAMES[name] ?? words(name), typeof v !== "number" ? String(v) : unit ? unit(v) : number(v, Number.isInteger(v) ? 0 : 1)];
  });
}
