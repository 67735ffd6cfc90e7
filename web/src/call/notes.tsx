// What people say about a call, and what was said in it: annotations, and the transcript beside the player. The transcript is asked for by
// who wants to read it, as each reading is written to the audit log.
import type { JSX, RefObject } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ApiError, get, send } from "../api.ts";
import { number, position } from "../format.ts";
import { useLoad, type Loaded } from "../hooks.ts";
import type { Annotation, Call, Me, Segment, Transcript } from "../types.ts";
import { Card, Show, Trouble, When } from "../ui.tsx";
import { axisOf } from "./axis.ts";
import { soundsOf } from "./timeline.tsx";

/** The player's end of it: where it stands, told at each step, and a way to make it go elsewhere. Both in seconds of the axis. */
export interface Hold {
  at: number;
  heard: (t: number) => void;
  jump: (t: number) => void;
}
export function useHold(): Hold {
  return useRef<Hold>({ at: 0, heard: () => undefined, jump: () => undefined }).current;
}

const TEXT_MAX = 4000;
const LINES_MAX = 2000;

function asError(e: unknown): ApiError {
  return e instanceof ApiError ? e : new ApiError(0, "page", e instanceof Error ? e.message : String(e));
}

export function useMe(): Loaded<Me> {
  return useLoad<Me>("me", (s) => get("me", s));
}

// ---- annotations

function One(p: { a: Annotation; may: boolean; hold: Hold; gone: () => Promise<void> }): JSX.Element {
  const { a } = p;
  const [sure, ask] = useState(false);
  return (
    <li>
      {a.at_ms === null ? <span class="soft">whole call</span> : <button type="button" class="jump" title="Hear it" onClick={() => p.hold.jump(a.at_ms! / 1000)}>{position(a.at_ms / 1000)}{a.length_ms ? ` to ${position((a.at_ms + a.length_ms) / 1000)}` : ""}</button>}
      <p class="said">{a.text}</p>
      <p class="soft">{a.author}, <When at={a.created_at}>{a.created_at.slice(0, 10)}</When>{a.edited_by ? `, changed by ${a.edited_by}` : ""}</p>
      {p.may ? <button type="button" class="quiet" onClick={() => (sure ? void p.gone() : ask(true))} onBlur={() => ask(false)} aria-label={`${sure ? "Really delete" : "Delete"} annotation ${a.n}`}>{sure ? "Really delete" : "Delete"}</button> : null}
    </li>
  );
}

export function Annotations(p: { call: Call; list: Loaded<Annotation[]>; may: boolean; hold: Hold }): JSX.Element | null {
  const [text, type] = useState("");
  const [here, set] = useState(false);
  const [error, fail] = useState<ApiError | null>(null);
  const base = `calls/${encodeURIComponent(p.call.uid)}/annotations`;
  const change = async (method: "POST" | "DELETE", path: string, body?: unknown) => {
    try {
      await send(method, path, body);
      fail(null);
      if (method === "POST") type("");
      p.list.reload();
    } catch (e) {
      fail(asError(e));
    }
  };
  const add = (e: Event) => {
    e.preventDefault();
    if (text.trim()) void change("POST", base, here ? { text: text.trim(), at_ms: Math.round(p.hold.at * 1000) } : { text: text.trim() });
  };
  if (!p.may && p.list.data?.length === 0) return null;
  return (
    <Card title="Annotations" class="notes" id="annotations">
      <Show of={p.list} what="annotations">{(list) => list.length ? <ul class="annotations">{list.map((a) => <One key={a.n} a={a} may={p.may} hold={p.hold} gone={() => change("DELETE", `${base}/${a.n}`)} />)}</ul> : null}</Show>
      {p.may ? (
        <form class="annotate" onSubmit={add}>
          <label><span class="sr">Say something about this call</span><textarea rows={2} maxLength={TEXT_MAX} value={text} placeholder="Say something about this call" onInput={(e) => type(e.currentTarget.value)} /></label>
          {p.call.recording?.url ? <label class="tick"><input type="checkbox" checked={here} onChange={(e) => set(e.currentTarget.checked)} /> about the moment where the player stands</label> : null}
          <button type="submit" disabled={!text.trim()}>Add</button>
        </form>
      ) : null}
      {error ? <Trouble error={error} /> : null}
    </Card>
  );
}

// ---- the transcript

/** The last segment that has begun; -1: none. */
export function segmentAt(starts: number[], t: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= t) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function Lines(p: { segments: Segment[]; zero: number; hold: Hold }): JSX.Element {
  const [now, set] = useState(-1);
  const [sought, seek] = useState("");
  const box: RefObject<HTMLOListElement | null> = useRef(null);
  const timed = useMemo(() => p.segments.flatMap((s, i) => (s.start_ms === null ? [] : [{ at: p.zero + s.start_ms / 1000, i }])), [p.segments, p.zero]);
  useEffect(() => {
    const { hold } = p;
    const starts = timed.map((x) => x.at);
    hold.heard = (t) => set(timed[segmentAt(starts, t + 0.05)]?.i ?? -1); // players stop a little short of where they are sent
    return () => {
      hold.heard = () => undefined;
    };
  }, [timed]);
  useEffect(() => {
    const list = box.current;
    const line = list?.querySelector<HTMLElement>('[aria-current="true"]');
    if (list && line) list.scrollTop = line.offsetTop - list.clientHeight / 2;
  }, [now]);
  const needle = sought.trim().toLowerCase();
  const found = p.segments.map((s, i) => [s, i] as const).filter(([s]) => !needle || s.text.toLowerCase().includes(needle));
  return (
    <>
      <p class="inline-form"><label><span class="sr">Find in the transcript</span><input type="search" value={sought} placeholder="Find in it" onInput={(e) => seek(e.currentTarget.value)} /></label><span class="soft" role="status">{needle ? `${number(found.length)} of ${number(p.segments.length)} lines` : `${number(p.segments.length)} lines`}</span></p>
      <ol class="transcript" ref={box} tabIndex={0} aria-label="What was said">
        {found.slice(0, LINES_MAX).map(([s, i]) => (
          <li key={i} class={s.party} aria-current={i === now ? "true" : undefined}>
            {s.start_ms === null ? <span /> : <button type="button" class="jump" title="Hear it" onClick={() => p.hold.jump(p.zero + s.start_ms! / 1000)}>{position(p.zero + s.start_ms / 1000)}</button>}
            <span class="who">{s.party === "unknown" ? "" : s.party}</span>
            <span class="said">{s.text}</span>
          </li>
        ))}
      </ol>
      {found.length > LINES_MAX ? <p class="soft">{number(LINES_MAX)} lines are shown; find a word of the others.</p> : null}
    </>
  );
}

export function TranscriptCard(p: { call: Call; may: boolean; hold: Hold }): JSX.Element | null {
  const { call } = p;
  const [wanted, want] = useState(false);
  const transcript = useLoad<Transcript>(wanted ? `transcript ${call.uid}` : null, (s) => get(`calls/${encodeURIComponent(call.uid)}/transcript`, s));
  const axis = useMemo(() => axisOf(call), [call]);
  if (!call.has_transcript) return null;
  const t = transcript.data;
  return (
    <Card title="Transcript" id="transcript" extra={t ? <span class="soft">{[t.language, t.engine, `brought by ${t.author}`].filter(Boolean).join(", ")}</span> : undefined}>
      {!p.may ? <p class="notice">There is a transcript. To read it is to hear the call, which you may not.</p>
        : !wanted ? <p><button type="button" onClick={() => want(true)}>Read what was said</button> <span class="soft">It is written to the audit log.</span></p>
          : <Show of={transcript} what="the transcript">{(x) => <Lines segments={x.segments} zero={soundsOf(axis, call.recording)[0]?.startS ?? 0} hold={p.hold} />}</Show>}
    </Card>
  );
}
