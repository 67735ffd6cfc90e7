// What happens now: asked by one tab of a browser for all of them. The tab that holds the lock "earshot.live" leads: it listens to the
// event stream of the service, takes a snapshot now and then, and passes what comes on over a channel. Where there is no stream, or it
// fails, it asks every two seconds and tries the stream again later. A tab that nobody sees neither leads nor listens; with none to be
// seen nothing is asked at all.
import { ApiError, get, url } from "./api.ts";
import { advance, type LiveNews } from "./livestate.ts";
import type { LiveSnapshot } from "./types.ts";
import { useEffect, useState } from "preact/hooks";

export interface LiveState {
  snapshot: LiveSnapshot | null;
  error: ApiError | null;
  leading: boolean;
}
type Note = { kind: "live"; snapshot: LiveSnapshot } | { kind: "error"; status: number; text: string } | { kind: "hello" };

const EVERY_MS = 2000; // without the stream
const FIGURES_MS = 10000; // with it
const TELL_MS = 500; // to the other tabs, and to the eye
const AGAIN_MS = 30000; // until a stream that failed is tried again
const KINDS = ["call.started", "call.answered", "call.updated", "call.ended", "quality.alert", "recording.paused", "recording.resumed"];
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

function show(snapshot: LiveSnapshot): void {
  put({ snapshot, error: null });
  announce({ kind: "live", snapshot });
}

async function ask(signal: AbortSignal): Promise<LiveSnapshot | null> {
  try {
    return await get<LiveSnapshot>("live/calls?limit=500", signal);
  } catch (e) {
    if (signal.aborted) return null;
    const error = e instanceof ApiError ? e : new ApiError(0, "live", String(e));
    put({ error });
    announce({ kind: "error", status: error.status, text: error.message });
    return null;
  }
}

/** Until the stream is closed for good, or it is told to stop. A snapshot knows less than the events that came while it was asked for. */
async function listen(signal: AbortSignal): Promise<void> {
  const stream = new EventSource(url("live/events"));
  let news: LiveNews[] = [];
  let next = 0; // when the next snapshot is due
  const ahead = () => (next = 0);
  for (const kind of KINDS) stream.addEventListener(kind, (e) => news.push(JSON.parse((e as MessageEvent<string>).data) as LiveNews));
  stream.addEventListener("reset", ahead);
  stream.addEventListener("open", ahead);
  stream.addEventListener("error", ahead); // is there anybody?
  signal.addEventListener("abort", () => stream.close());
  while (!signal.aborted && stream.readyState !== EventSource.CLOSED) {
    const due = Date.now() >= next;
    if (due) next = Date.now() + (stream.readyState === EventSource.OPEN ? FIGURES_MS : EVERY_MS);
    else if (!news.length) {
      await pause(TELL_MS, signal);
      continue;
    }
    const known = due ? await ask(signal) : state.snapshot;
    const come = news;
    news = [];
    if (known && !signal.aborted) show(advance(known, come));
    else next = Math.min(next, Date.now() + EVERY_MS); // what came meanwhile is in the next one
    await pause(TELL_MS, signal);
  }
  stream.close();
}

async function poll(signal: AbortSignal): Promise<void> {
  for (const until = Date.now() + AGAIN_MS; !signal.aborted && Date.now() < until; await pause(EVERY_MS, signal)) {
    const known = await ask(signal);
    if (known && !signal.aborted) show(advance(known, []));
  }
}

/** Leads until it is told to stop. */
async function lead(signal: AbortSignal): Promise<void> {
  put({ leading: true });
  const streams = typeof EventSource !== "undefined";
  while (!signal.aborted) {
    if (streams) await listen(signal);
    if (!signal.aborted) await poll(signal);
  }
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
    else if (e.data.kind === "error") put({ error: new ApiError(e.data.status, "live", e.data.text) });
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
