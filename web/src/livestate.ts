// What is known of live calls, and what events make of it. An event holds the whole call as it stood.
import type { LiveCall, LiveSnapshot } from "./types.ts";

export interface LiveNews {
  at: string;
  call: LiveCall;
}

/** The oldest first; of more calls than a snapshot holds, only those that it holds are followed. */
export function advance(known: LiveSnapshot, news: LiveNews[]): LiveSnapshot {
  const calls = new Map(known.data.map((c) => [c.uid, c]));
  for (const { call } of news) {
    if (call.state === "ended") calls.delete(call.uid);
    else if (calls.has(call.uid) || !known.has_more) calls.set(call.uid, { ...calls.get(call.uid), ...call });
  }
  const data = [...calls.values()].sort((a, b) => (a.started_at < b.started_at ? -1 : a.started_at > b.started_at ? 1 : a.uid < b.uid ? -1 : 1));
  return { ...known, data, at: news.length ? new Date().toISOString() : known.at };
}
