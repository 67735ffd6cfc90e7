// What happens now: asked by one tab of a browser for all of them. The tab that holds the lock "earshot.live" leads: it listens to the
// event stream of the service (or asks every two seconds where there is none) and passes what comes on over a channel. A tab that nobody
// sees neither leads nor listens; with none to be seen nothing is asked at all.
import { ApiError, get, offers, url } from "./api.ts";
import type { LiveSnapshot } from "./types.ts";
import { useEffect, useState } from "preact/hooks";

export interface LiveState {
  snapshot: LiveSnapshot | null;
  error: string | null;
  leading: boolean;
}
type Note = { kind: "live"; snapshot: LiveSnapshot } | { kind: "error"; text: string } | { kind: "hello" };

const EVERY_MS = 2000;
const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("earshot.live");
const listeners = new Set<(s: LiveState) => void>();
let state: LiveState = { snapshot: null, error: null, leading: false };
let stopLeading: (() => void) | null = null;
let waiting: AbortController | null = null;

function put(change: Partial<LiveState>): void {
  state = { ...state, ...change };
  for (const tell of listeners) tell(state);
}

function announce(note: Note): void {
  channel?.postMessage(note);
}

async function take(signal: AbortSignal): Promise<void> {
  try {
    const snapshot = await get<LiveSnapshot>("live/calls?limit=500", signal);
    if (signal.aborted) return;
    put({ snapshot, error: null });
    announce({ kind: "live", snapshot });
  } catch (e) {
    if (signal.aborted) return;
    const text = e instanceof ApiError ? e.message : String(e);
    put({ error: text });
    announce({ kind: "error", text });
  }
}

/** Leads until it is told to stop. Events say that something changed; the snapshot says what, at most every second. */
async function lead(signal: AbortSignal): Promise<void> {
  put({ leading: true });
  let stale = true;
  let events: EventSource | null = null;
  if (await offers("/live/events")) {
    if (signal.aborted) return;
    events = new EventSource(url("live/events"));
    for (const kind of ["call.started", "call.answered", "call.updated", "call.ended", "quality.alert", "stats"])
      events.addEventListener(kind, () => (stale = true));
  }
  while (!signal.aborted) {
    const fresh = events && events.readyState === EventSource.OPEN && !stale;
    if (!fresh) {
      stale = false;
      await take(signal);
    }
    await pause(events ? 1000 : EVERY_MS, signal);
  }
  events?.close();
  put({ leading: false });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      done();
    });
  });
}

function begin(): void {
  if (waiting || !listeners.size || document.hidden) return;
  const abort = (waiting = new AbortController());
  announce({ kind: "hello" });
  const work = () => lead(abort.signal);
  stopLeading = () => abort.abort();
  if (navigator.locks) {
    navigator.locks.request("earshot.live", { signal: abort.signal }, work).catch(() => undefined);
  } else void work();
}

function end(): void {
  stopLeading?.();
  stopLeading = null;
  waiting = null;
}

if (channel)
  channel.onmessage = (e: MessageEvent<Note>) => {
    if (e.data.kind === "live") put({ snapshot: e.data.snapshot, error: null });
    else if (e.data.kind === "error") put({ error: e.data.text });
    else if (state.leading && state.snapshot) announce({ kind: "live", snapshot: state.snapshot });
  };
if (typeof document !== "undefined") document.addEventListener("visibilitychange", () => (document.hidden ? end() : begin()));

export function useLive(): LiveState {
  const [now, set] = useState(state);
  useEffect(() => {
    listeners.add(set);
    set(state);
    begin();
    return () => {
      listeners.delete(set);
      if (!listeners.size) end();
    };
  }, []);
  return now;
}
