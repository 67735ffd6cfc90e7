// The one time axis of a call: seconds since the answer (of a call without one since its INVITE), as the diagnosis counts them.
import type { Call, Num, Series, Stream } from "../types.ts";

export interface Span {
  from: number;
  to: number;
}
export interface Axis extends Span {
  zero: number; // epoch, ms
}

export function seconds(axis: { zero: number }, t: string): number {
  return (Date.parse(t) - axis.zero) / 1000;
}

export function axisOf(call: Call): Axis {
  const zero = Date.parse(call.answered_at ?? call.started_at);
  const times = [call.started_at, call.ended_at, call.bye_at, ...call.streams.flatMap((s) => [s.first_at, s.last_at])];
  const known = times.filter((t): t is string => t !== null).map((t) => (Date.parse(t) - zero) / 1000);
  const from = Math.min(0, ...known);
  const to = Math.max(...known, from + 1);
  const pad = (to - from) * 0.01;
  return { zero, from: from - pad, to: to + pad };
}

/** At least a second and within the call. */
export function clamp(view: Span, whole: Span): Span {
  const width = Math.min(Math.max(view.to - view.from, 1), whole.to - whole.from);
  const from = Math.min(Math.max(view.from, whole.from), whole.to - width);
  return { from, to: from + width };
}

export interface Track {
  loss: Num[]; // ratio
  jitter: Num[];
  mos: Num[];
}
export interface Grid {
  x: number[]; // the middle of each second
  caller: Track;
  callee: Track;
}

function emptyTrack(n: number): Track & { lost: number[]; all: number[] } {
  const none = () => new Array<Num>(n).fill(null);
  return { loss: none(), jitter: none(), mos: none(), lost: new Array<number>(n).fill(0), all: new Array<number>(n).fill(0) };
}

/** The streams of each side on one grid of seconds. Where a side has several at once the worse one counts. */
export function gridOf(axis: Axis, list: { stream: Stream; series: Series }[]): Grid {
  const first = Math.floor(axis.from);
  const n = Math.max(1, Math.ceil(axis.to) - first);
  const sides = { caller: emptyTrack(n), callee: emptyTrack(n) };
  for (const { stream, series } of list) {
    const side = sides[stream.party === "callee" ? "callee" : "caller"];
    const t0 = seconds(axis, series.t0);
    const step = series.step_ms / 1000;
    series.packets.forEach((packets, i) => {
      const at = Math.round(t0 + i * step) - first;
      if (at < 0 || at >= n) return;
      const bad = (series.lost[i] ?? 0) + (series.discarded[i] ?? 0);
      side.lost[at]! += bad;
      side.all[at]! += packets + (series.lost[i] ?? 0);
      const jitter = series.jitter_ms[i] ?? null;
      if (jitter !== null) side.jitter[at] = Math.max(side.jitter[at] ?? 0, jitter);
      const mos = series.mos[Math.floor((i * series.step_ms) / series.window_ms)] ?? null;
      if (mos !== null) side.mos[at] = Math.min(side.mos[at] ?? 9, mos);
    });
  }
  for (const side of [sides.caller, sides.callee]) side.all.forEach((all, i) => { if (all > 0) side.loss[i] = side.lost[i]! / all; });
  return { x: Array.from({ length: n }, (_, i) => first + i + 0.5), caller: sides.caller, callee: sides.callee };
}

/** Where it was worst: the second with most lost, within what the diagnosis names first; by jitter where nothing was lost. */
export function worstSecond(grid: Grid, within: Span | null): number | null {
  let best: number | null = null;
  let weight = 0;
  grid.x.forEach((x, i) => {
    if (within && (x + 0.5 <= within.from || x - 0.5 >= within.to)) return;
    const loss = Math.max(grid.caller.loss[i] ?? 0, grid.callee.loss[i] ?? 0);
    const jitter = Math.max(grid.caller.jitter[i] ?? 0, grid.callee.jitter[i] ?? 0);
    const w = loss * 1000 + jitter / 1000;
    if (w > weight && (loss > 0 || jitter > 5)) {
      weight = w;
      best = x - 0.5;
    }
  });
  return best ?? (within ? within.from : null);
}

/** Round steps for marks on an axis: 1, 2, 5, 10, 15, 30 s, minutes, hours. */
export function ticks(view: Span, most: number): number[] {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];
  const step = steps.find((s) => (view.to - view.from) / s <= most) ?? 28800;
  const out: number[] = [];
  for (let t = Math.ceil(view.from / step) * step; t <= view.to; t += step) out.push(Math.round(t * 10) / 10 + 0);
  return out;
}
