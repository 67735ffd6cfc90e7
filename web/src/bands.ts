// How many calls of a period fall into which band, counted by the service: per scale, with the thresholds that R 90, 80, 70 and 60 of that
// scale give (they are equal in MOS). Scales that nobody used cost one question each. Of very many calls a sample says it, the same for each
// threshold; what is rare is counted.
import { get, query } from "./api.ts";
import type { List, Scale } from "./types.ts";

export interface Bands {
  scored: number;
  counts: Record<"excellent" | "good" | "fair" | "poor" | "bad", number>;
  about: boolean; // by a sample
  oneWay: number;
  noMedia: number;
}

const THRESHOLDS = [4.3399, 4.0299, 3.5999, 3.0999];

interface Count {
  value: number;
  about: boolean;
}

async function count(params: Record<string, string>, how: "estimate" | "exact", signal: AbortSignal): Promise<Count> {
  const list = await get<List<unknown>>(`calls${query({ ...params, limit: "1", count: how, view: "brief" })}`, signal);
  return { value: list.page.count?.value ?? list.data.length, about: list.page.count?.kind === "estimate" };
}

async function ofScale(scale: Scale, from: string, signal: AbortSignal): Promise<Count[]> {
  const below = (mos: number) => count({ from, scale, mos_min__lte: String(mos) }, "estimate", signal);
  const all = await below(5);
  if (all.value === 0) return [];
  return [all, ...(await Promise.all(THRESHOLDS.map(below)))];
}

export async function bandsOf(from: string, signal: AbortSignal): Promise<Bands> {
  const scales = await Promise.all((["NB", "WB", "FB"] as const).map((s) => ofScale(s, from, signal)));
  const [oneWay, noMedia] = await Promise.all([count({ from, one_way: "true" }, "exact", signal), count({ from, no_rtp: "true" }, "exact", signal)]);
  const sum = [0, 1, 2, 3, 4].map((i) => scales.reduce((n, s) => n + (s[i]?.value ?? 0), 0));
  const [all = 0, good = 0, fair = 0, poor = 0, bad = 0] = sum;
  const between = (upper: number, lower: number) => Math.max(0, upper - lower);
  return {
    scored: all, counts: { excellent: between(all, good), good: between(good, fair), fair: between(fair, poor), poor: between(poor, bad), bad },
    about: scales.flat().some((c) => c.about), oneWay: oneWay.value, noMedia: noMedia.value,
  };
}
