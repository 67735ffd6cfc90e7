// Calls as rows of the list: small objects out of the large ones of the API, page by page, at most 20,000. Several questions (one for each
// MOS scale) are merged into one list in its order; what only the page can judge is left out here.
import { ApiError, get, onUnauthorised, query, url } from "./api.ts";
import { who } from "./format.ts";
import type { Condition, Parsed } from "./query.ts";
import type { CallBrief, List, Scale } from "./types.ts";
import type { Band, Num, Text } from "./types.ts";

export const ROWS_MAX = 20000;
const PAGE = 100; // what is read in one go without a pause that somebody notices

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

export interface RowPage {
  rows: Row[];
  next: string | null;
}
export function pageOf(list: List<CallBrief>): RowPage {
  return { rows: list.data.map(rowOf), next: list.page.has_more ? list.page.next_cursor : null };
}

let worker: Worker | null | undefined;
let asked = 0;
const answers = new Map<number, (a: WorkerAnswer) => void>();
export interface WorkerAnswer {
  id: number;
  page?: RowPage;
  problem?: { status: number; code: string; detail: string; field: string | null };
}

/** A page of calls is a megabyte of JSON: it is read beside the page, so that nobody notices. */
async function readPage(path: string, signal: AbortSignal): Promise<RowPage> {
  if (worker === undefined) {
    const at = document.querySelector<HTMLMetaElement>("meta[name=rows-worker]")?.content;
    worker = at && typeof Worker !== "undefined" ? new Worker(at, { type: "module" }) : null;
    if (worker) worker.onmessage = (e: MessageEvent<WorkerAnswer>) => answers.get(e.data.id)?.(e.data);
  }
  if (!worker) return pageOf(await get<List<CallBrief>>(path, signal));
  const id = ++asked;
  const answer = await new Promise<WorkerAnswer>((done, failed) => {
    answers.set(id, done);
    signal.addEventListener("abort", () => failed(signal.reason), { once: true });
    worker!.onerror = () => failed(new ApiError(0, "page", "This part of the page could not be loaded."));
    worker!.postMessage({ id, url: new URL(url(path), document.baseURI).href });
  }).finally(() => answers.delete(id));
  if (answer.page) return answer.page;
  const p = answer.problem!;
  if (p.status === 401) onUnauthorised.call?.();
  throw new ApiError(p.status, p.code, p.detail, p.field);
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
  looked = 0; // rows that were looked at for conditions
  busy = false;
  error: unknown = null;
  private sources: Source[];
  private abort = new AbortController();

  constructor(private parsed: Parsed, from: string, private order: Order, private changed: () => void) {
    const base: [string, string][] = [...parsed.params, ...sinceOf(parsed, from), ["order", order], ["limit", String(PAGE)], ["view", "brief"]];
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
    const params: [string, string][] = [...s.params];
    if (s.cursor) params.push(["cursor", s.cursor]);
    else void this.count(s);
    const page = await readPage(`calls${query(params)}`, this.abort.signal);
    s.waiting.push(...page.rows);
    s.cursor = page.next;
    s.done = page.next === null;
  }

  /** How many there are is asked beside the rows: it may take longer. A search by header has no count. */
  private async count(s: Source): Promise<void> {
    if (s.params.some(([k]) => k === "header")) return;
    const params = s.params.map(([k, v]): [string, string] => [k, k === "limit" ? "1" : v]);
    const list = await get<List<CallBrief>>(`calls${query([...params, ["count", "exact"]])}`, this.abort.signal).catch(() => null);
    if (list?.total === undefined) return;
    this.total = (this.total ?? 0) + list.total;
    this.changed();
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
