// Calls as rows of the list, page by page, at most 20,000. Several questions (one for each
// MOS scale) are merged into one list in its order; what only the page can judge is left out here.
import { get, query } from "./api.ts";
import { who } from "./format.ts";
import type { Condition, Parsed } from "./query.ts";
import type { CallBrief, List, Scale } from "./types.ts";
import type { Band, Num, Text } from "./types.ts";

export const ROWS_MAX = 20000;
// Rows that are read in one go: the first page is small so that it is there soon, none is so large that reading it is a pause.
const FIRST = 100;
export const PAGE = 250;

export interface Row {
  uid: string;
  at: string;
  from: string;
  to: string;
  outcome: Text;
  kind: string;
  code: Num;
  duration: Num;
  mos: Num;
  band: Band;
  scale: Text;
  loss: Num;
  jitter: Num;
  gap: Num;
  rtt: Num;
  pdd: Num;
  setup: Num;
  ring: Num;
  codec: Text;
  summary: Text;
  oneWay: boolean;
  noMedia: boolean;
  trunk: Text;
  site: Text;
  direction: Text;
  agent: Text;
  callId: Text;
  src: Text;
  dst: Text;
  released: Text;
  recording: Text;
}
export type Order = "-started_at" | "started_at" | "mos_min" | "duration_ms" | "-duration_ms";

export function rowOf(c: CallBrief): Row {
  const q = c.quality;
  return {
    uid: c.uid, at: c.started_at, from: who(c.from, c.caller), to: who(c.to, c.callee), outcome: c.outcome, kind: c.kind, code: c.sip_code,
    duration: c.duration_ms, mos: q.mos_min, band: q.band, scale: q.scale, loss: q.loss_ratio, jitter: q.jitter_ms_max, gap: q.max_gap_ms,
    rtt: q.rtt_ms, pdd: c.post_dial_delay_ms, setup: c.setup_ms, ring: c.ring_ms, codec: c.codec, summary: c.summary, oneWay: q.one_way,
    noMedia: q.no_rtp, trunk: c.trunk, site: c.site, direction: c.direction, agent: c.user_agent, callId: c.call_id, src: c.src, dst: c.dst,
    released: c.released_by, recording: c.recording ? (c.recording.state ?? c.recording.result) : null,
  };
}

function measured(r: Row, field: Condition["field"]): Num {
  return field === "pdd" ? r.pdd : field === "setup" ? r.setup : field === "ring" ? r.ring : field === "gap" ? r.gap : field === "rtt" ? r.rtt
    : field === "mos" ? r.mos : field === "loss" ? r.loss : field === "jitter" ? r.jitter : r.duration;
}
export function holds(r: Row, conditions: Condition[]): boolean {
  return conditions.every((c) => {
    const v = measured(r, c.field);
    return v !== null && (c.op === "<" ? v < c.value : v > c.value);
  });
}

function before(a: Row, b: Row, order: Order): boolean {
  if (order === "mos_min") return (a.mos ?? 9) < (b.mos ?? 9);
  if (order === "-duration_ms") return (a.duration ?? -1) > (b.duration ?? -1);
  if (order === "duration_ms") return (a.duration ?? Infinity) < (b.duration ?? Infinity);
  return order === "started_at" ? a.at < b.at : a.at > b.at;
}

interface Source {
  params: [string, string][];
  cursor: string | null;
  done: boolean;
  waiting: Row[];
}

/** An import is shown whole, whenever its calls were. */
export const sinceOf = (parsed: Parsed, from: string): [string, string][] => (parsed.params.some(([k]) => k === "import") ? [] : [["from", from]]);

export class Rows {
  rows: Row[] = [];
  total: number | null = null; // of all that the service counts
  about = false; // the total is an estimate
  looked = 0; // rows that were looked at for conditions
  busy = false;
  error: unknown = null;
  private sources: Source[];
  private abort = new AbortController();

  constructor(private parsed: Parsed, from: string, private order: Order, private changed: () => void) {
    const base: [string, string][] = [...parsed.params, ...sinceOf(parsed, from), ["order", order], ["view", "brief"]];
    const scales: (Scale | null)[] = parsed.mosBelow === null ? [null] : parsed.params.some(([k]) => k === "scale") ? [null] : ["NB", "WB", "FB"];
    this.sources = scales.map((scale) => ({
      params: [...base, ...(scale ? ([["scale", scale]] as [string, string][]) : []), ...(parsed.mosBelow === null ? [] : ([["mos_min__lte", String(parsed.mosBelow)]] as [string, string][]))],
      cursor: null, done: false, waiting: [],
    }));
  }

  get done(): boolean {
    return this.rows.length >= ROWS_MAX || this.sources.every((s) => s.done && s.waiting.length === 0);
  }

  stop(): void {
    this.abort.abort();
  }

  private async fill(s: Source): Promise<void> {
    const first = s.cursor === null;
    const params: [string, string][] = [...s.params, ["limit", String(first ? FIRST : PAGE)]];
    if (s.cursor) params.push(["cursor", s.cursor]);
    const list = await get<List<CallBrief>>(`calls${query(params)}`, this.abort.signal);
    for (const c of list.data) s.waiting.push(rowOf(c));
    s.cursor = list.page.has_more ? list.page.next_cursor : null;
    s.done = s.cursor === null;
    if (first && s.done) this.counted(list.data.length, false);
    else if (first) void this.count(s, "estimate");
  }

  private counted(n: number, about: boolean): void {
    this.total = (this.total ?? 0) + n;
    this.about ||= about;
    this.changed();
  }

  /** How many there are is asked behind the first rows, which wait for nothing. A search by header has no count. */
  private async count(s: Source, how: "estimate" | "exact"): Promise<void> {
    if (s.params.some(([k]) => k === "header")) return;
    const list = await get<List<CallBrief>>(`calls${query([...s.params, ["limit", "1"], ["count", how]])}`, this.abort.signal).catch(() => null);
    if (list?.page.count) this.counted(list.page.count.value, list.page.count.kind === "estimate");
  }

  /** Looks at all of them, which takes its time. */
  async countAll(): Promise<void> {
    this.total = null;
    this.about = false;
    this.changed();
    await Promise.all(this.sources.map((s) => this.count(s, "exact")));
  }

  private take(): void {
    const fresh: Row[] = [];
    for (;;) {
      if (this.sources.some((s) => !s.done && s.waiting.length === 0)) break;
      let best: Source | null = null;
      for (const s of this.sources) if (s.waiting[0] && (!best || before(s.waiting[0], best.waiting[0]!, this.order))) best = s;
      if (!best) break;
      const row = best.waiting.shift()!;
      this.looked++;
      if (holds(row, this.parsed.conditions)) fresh.push(row);
    }
    if (fresh.length) this.rows = this.rows.concat(fresh).slice(0, ROWS_MAX);
  }

  /** Goes on until there are `upTo` rows, or no more. */
  async more(upTo: number): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.error = null;
    this.changed();
    try {
      while (!this.done && this.rows.length < upTo && !this.abort.signal.aborted) {
        await Promise.all(this.sources.filter((s) => !s.done && s.waiting.length === 0).map((s) => this.fill(s)));
        this.take();
        this.changed();
      }
    } catch (e) {
      if (!this.abort.signal.aborted) this.error = e;
    }
    this.busy = false;
    if (!this.abort.signal.aborted) this.changed();
  }
}
