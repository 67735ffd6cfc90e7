// How many calls of a period fall into which band, counted by the service: per scale, with the thresholds that R 90, 80, 70 and 60 of that
// scale give (they are equal in MOS). Scales that nobody used cost one question each.
import { get, query } from "./api.ts";
import type { List, Scale } from "./types.ts";

export interface Bands {
  scored: number;
  counts: Record<"excellent" | "good" | "fair" | "poor" | "bad", number>;
  oneWay: number;
  noMedia: number;
}

const THRESHOLDS = [4.3399, 4.0299, 3.5999, 3.0999];

async function count(params: Record<string, string>, signal: AbortSignal): Promise<number> {
  const list = await get<List<unknown>>(`calls${query({ ...params, limit: "1", count: "exact", view: "brief" })}`, signal);
  return list.total ?? list.data.length;
}

async function ofScale(scale: Scale, from: string, signal: AbortSignal): Promise<number[]> {
  const below = (mos: number) => count({ from, scale, mos_min__lte: String(mos) }, signal);
  const all = await below(5);
  if (all === 0) return [0, 0, 0, 0, 0];
  return [all, ...(await Promise.all(THRESHOLDS.map(below)))];
}

export async function bandsOf(from: string, signal: AbortSignal): Promise<Bands> {
  const scales = await Promise.all((["NB", "WB", "FB"] as const).map((s) => ofScale(s, from, signal)));
  const [oneWay, noMedia] = await Promise.all([count({ from, one_way: "true" }, signal), count({ from, no_rtp: "true" }, signal)]);
  const sum = [0, 1, 2, 3, 4].map((i) => scales.reduce((n, s) => n + (s[i] ?? 0), 0));
  const [all = 0, good = 0, fair = 0, poor = 0, bad = 0] = sum;
  return { scored: all, counts: { excellent: all - good, good: good - fair, fair: fair - poor, poor: poor - bad, bad }, oneWay, noMedia };
}
