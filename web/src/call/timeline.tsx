// Waveform, events, MOS, loss and jitter of a call on one time axis, with the player: what is heard stands above what was measured.
// Click seeks, dragging in a chart zooms, 0 shows the whole call again.
import type { JSX, RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, query, url } from "../api.ts";
import { duration, mos, number, percent, position } from "../format.ts";
import { useKeys, useLoad } from "../hooks.ts";
import { amend } from "../router.ts";
import type { Annotation, Call, LadderEvent, Peaks, Recording, Series, Stream } from "../types.ts";
import { Loading, Trouble } from "../ui.tsx";
import { axisOf, clamp, gridOf, seconds, ticks, worstSecond, type Axis, type Grid, type Span } from "./axis.ts";
import type { Charts } from "./charts.ts";
import type { Hold } from "./notes.tsx";
import { Player } from "./player.ts";
import type { Wave } from "./wave.ts";
import { labelName } from "./words.ts";

const GUTTER = 76;
const EDGE = 12;
const RATES = [0.5, 0.75, 1, 1.25, 1.5, 2, 3];

export interface Sound {
  id: string;
  url: string;
  startS: number; // on the axis
  lengthS: number;
  channels: string[];
}

/** The files of a recording on the axis; several when it was cut into parts. */
export function soundsOf(axis: Axis, r: Recording | null): Sound[] {
  if (!r || r.state !== "ready" && r.state !== "damaged") return [];
  const parts = r.parts?.filter((p) => p.id && p.url && p.started_at) ?? [];
  if (parts.length > 1)
    return parts.map((p) => ({ id: p.id!, url: p.url!, startS: seconds(axis, p.started_at!), lengthS: (p.duration_ms ?? 0) / 1000, channels: p.channels ?? r.channels }));
  if (!r.id || !r.url || !r.started_at) return [];
  return [{ id: r.id, url: r.url, startS: seconds(axis, r.started_at), lengthS: (r.duration_ms ?? 0) / 1000, channels: r.channels }];
}

function useWidth(): [RefObject<HTMLDivElement | null>, number] {
  const box = useRef<HTMLDivElement>(null);
  const [width, set] = useState(0);
  useLayoutEffect(() => {
    const b = box.current;
    if (!b) return undefined;
    const look = () => set(b.clientWidth);
    look();
    const watch = new ResizeObserver(look);
    watch.observe(b);
    return () => watch.disconnect();
  }, []);
  return [box, width];
}

async function loadSeries(call: Call, signal: AbortSignal): Promise<{ stream: Stream; series: Series }[]> {
  const audio = call.streams.filter((s) => s.media_type !== "video").slice(0, 12);
  return Promise.all(audio.map(async (stream) => ({ stream, series: await get<Series>(stream.series_url, signal) })));
}

function Ruler(p: { view: Span; x: (t: number) => number; width: number }): JSX.Element {
  const marks = ticks(p.view, Math.max(3, Math.floor((p.width - GUTTER) / 90)));
  return (
    <svg class="ruler" width={p.width} height={18} aria-hidden="true">
      {marks.map((t) => (
        <g key={t}>
          <line x1={p.x(t)} x2={p.x(t)} y1={0} y2={4} />
          <text x={p.x(t)} y={15} text-anchor="middle">{p.view.to - p.view.from < 6 ? position(t) : duration(t * 1000)}</text>
        </g>
      ))}
    </svg>
  );
}

interface Mark { t: number; text: string; tone: string; lengthS?: number; title?: string }

function marksOf(call: Call, axis: Axis, ladder: LadderEvent[] | null, t0: string | null, notes: Annotation[]): Mark[] {
  const out: Mark[] = [];
  if (ladder && t0) {
    const base = seconds(axis, t0);
    for (const e of ladder) {
      if (e.kind !== "sip" || e.retransmit || e.method === "ACK" || e.label.startsWith("100")) continue;
      out.push({ t: base + e.t_us / 1e6, text: e.label, tone: e.code === null ? "request" : e.code === 401 || e.code === 407 ? "soft" : e.code >= 400 ? "bad" : e.code >= 200 ? "good" : "soft" });
      if (out.length >= 60) break;
    }
  } else {
    const points: [string | null, string, string][] = [[call.started_at, "INVITE", "request"], [call.ringing_at, "180", "soft"], [call.answered_at, "200 OK", "good"], [call.bye_at, "BYE", "request"]];
    for (const [at, text, tone] of points) if (at) out.push({ t: seconds(axis, at), text, tone });
  }
  for (const e of call.events ?? []) if (e.at && e.kind) out.push({ t: seconds(axis, e.at), text: e.kind.replaceAll("_", " "), tone: "soft" });
  for (const d of (call.dtmf ?? []).filter((x) => !x.copy)) if (d.at) out.push({ t: seconds(axis, d.at), text: d.digit, tone: d.party === "callee" ? "callee" : "caller" });
  for (const n of notes) if (n.at_ms !== null) out.push({ t: n.at_ms / 1000, text: n.text.length > 24 ? `${n.text.slice(0, 23)}…` : n.text, tone: "note", lengthS: (n.length_ms ?? 0) / 1000, title: n.text });
  return out.sort((a, b) => a.t - b.t);
}

/** Signalling, keys that were pressed, and what was wrong, as far as there is room for their names. */
function Events(p: { call: Call; axis: Axis; marks: Mark[]; view: Span; x: (t: number) => number; width: number; jump: (t: number) => void }): JSX.Element {
  let free = 0;
  const wrong = p.call.diagnosis.filter((d) => d.to_ms > d.from_ms).slice(0, 6);
  const right = p.width - EDGE;
  const inside = (t: number) => t >= p.view.from && t <= p.view.to;
  const height = 30 + wrong.length * 15;
  return (
    <svg class="events" width={p.width} height={height} role="group" aria-label="Events">
      {p.marks.filter((m) => inside(m.t)).map((m, i) => {
        const x = p.x(m.t);
        const room = m.text.length * 6.2 + 8;
        const back = x + room > right;
        const named = back ? x - room >= free : x >= free;
        if (named) free = back ? x + 1 : x + room;
        return (
          <g key={i} class={`mark ${m.tone}`}>
            <title>{`${position(m.t)} ${m.title ?? m.text}`}</title>
            {m.lengthS ? <rect x={x} y={25} width={Math.max(2, Math.min(right, p.x(m.t + m.lengthS)) - x)} height={4} /> : null}
            <line x1={x} x2={x} y1={named ? 15 : 19} y2={28} />
            {named ? <text x={back ? x + 3 : x - 1} y={13} text-anchor={back ? "end" : "start"}>{m.text}</text> : null}
          </g>
        );
      })}
      {wrong.map((d, i) => {
        const a = Math.max(GUTTER, p.x(d.from_ms / 1000));
        const b = Math.min(right, p.x(d.to_ms / 1000));
        if (b <= GUTTER || a >= right) return null;
        const y = 30 + i * 15;
        const name = labelName(d.label);
        const long = name.length * 6 + 12;
        const after = b + long < right;
        const inside = !after && a - long < 0;
        return (
          <g key={`d${i}`} class={`wrong ${d.direction === "caller_to_callee" ? "caller" : d.direction === "callee_to_caller" ? "callee" : ""}`} onClick={() => p.jump(d.from_ms / 1000)}>
            <title>{`${name}: ${position(d.from_ms / 1000)} to ${position(d.to_ms / 1000)}`}</title>
            <rect x={a} y={y + 1} width={Math.max(3, b - a)} height={12} rx={2} />
            <text class={inside ? "inside" : ""} x={inside ? a + 6 : after ? Math.max(a + 3, b) + 5 : a - 5} y={y + 10.5} text-anchor={after || inside ? "start" : "end"}>{name}</text>
          </g>
        );
      })}
    </svg>
  );
}

function Lanes(p: { sound: Sound; view: Span; x: (t: number) => number; width: number; theme: number }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const wave = useRef<Wave | null>(null);
  const [drawn, draw] = useState(0);
  const peaks = useLoad<Peaks>(`peaks ${p.sound.id}`, (s) => get(`recordings/${p.sound.id}/peaks${query({ points: String(Math.min(8192, Math.max(1500, Math.round(p.sound.lengthS * 20)))) })}`, s));
  useEffect(() => {
    if (!peaks.data || !box.current) return undefined;
    let gone = false;
    const into = box.current;
    const data = peaks.data;
    void import("./wave.ts").then((m) => {
      if (gone) return;
      wave.current = m.makeWave(into, data, p.sound.lengthS || (data.duration_ms ?? 0) / 1000);
      draw((n) => n + 1);
    });
    return () => {
      gone = true;
      wave.current?.destroy();
      wave.current = null;
    };
  }, [peaks.data, p.theme]);
  useEffect(() => {
    const pps = (p.width - GUTTER - EDGE) / (p.view.to - p.view.from);
    const left = Math.max(GUTTER, p.x(p.sound.startS));
    const right = Math.min(p.width - EDGE, p.x(p.sound.startS + p.sound.lengthS));
    wave.current?.place(left, right - left, pps, Math.max(0, p.view.from - p.sound.startS));
  }, [p.view, p.width, drawn]);
  return (
    <>
      <div class="wave" ref={box} aria-hidden="true" />
      {peaks.error ? <p class="wave-note soft">{peaks.error.status === 404 ? "No waveform was kept with this recording; it can be played." : peaks.error.message}</p> : null}
      {peaks.loading ? <p class="wave-note soft">Loading the waveform …</p> : null}
    </>
  );
}

const NO_SOUND: Record<string, string> = {
  rule: "The rules say that calls like this one are not recorded.", no_rtp: "There was no media to record.", encrypted: "The media is protected and its keys are not known.",
  undecodable: "Its codec cannot be decoded here.", paused_all: "The recording was paused from beginning to end.", over_limit: "More calls went on than may be recorded at once.",
  disk: "The disk did not take it.", capture_drop: "The capture lost too much of it.", on_demand_dropped: "It was kept on demand, and nobody asked for it in time.", failed: "It could not be rendered.",
};
const DELETED: Record<string, string> = { age: "it had reached its term", quota: "the quota for recordings was reached", low_disk: "the disk was low", request: "somebody asked for it" };

export function whyNoSound(r: Recording | null): string {
  if (!r) return "This call has no recording.";
  if (r.state === "deleted") return `The recording was deleted: ${DELETED[r.deleted_why ?? ""] ?? "its time was over"}.`;
  if (r.state === "spooling" || r.state === "rendering") return "The recording is being made; it is here in a moment.";
  return NO_SOUND[r.result ?? ""] ?? (r.undecodable ? `Its codec (${r.undecodable}) cannot be decoded here.` : "This call has no recording.");
}

/** What a recording that is there does not hold; empty: nothing is known to be missing. */
export function lacking(r: Recording | null): string {
  if (!r) return "";
  return [
    r.damaged_pieces ? `${number(r.damaged_pieces)} of its pieces are silent: a decoder crashed there.` : null,
    r.undecodable ? `${r.undecodable} could not be decoded and is silent in it.` : null,
    r.truncated && !r.undecodable ? "Some of the media is not in it: a limit was met, or the disk did not take it." : null,
    r.recovered ? "It was made of what a crash left." : null,
  ].filter((s) => s !== null).join(" ");
}

function Controls(p: { player: Player; sound: Sound; at: number; worst: number | null; hear: (t: number) => void; clockRef: RefObject<HTMLOutputElement | null> }): JSX.Element {
  const s = p.player.state;
  const stereo = p.sound.channels.length > 1;
  return (
    <div class="player" role="group" aria-label="Player">
      <button type="button" class="play" onClick={() => p.player.toggle()} aria-label={s.playing ? "Pause" : "Play"} title="Space">
        <svg viewBox="0 0 16 16" aria-hidden="true">{s.playing ? <path d="M4 3h3v10H4zM9 3h3v10H9z" /> : <path d="M4 2.5l9 5.5-9 5.5z" />}</svg>
      </button>
      <output class="at" ref={p.clockRef}>{position(p.at)}</output>
      {stereo ? (
        <>
          {p.sound.channels.slice(0, 2).map((name, i) => (
            <button key={name} type="button" class={`side ${name}`} aria-pressed={!s.muted[i as 0 | 1]} onClick={() => p.player.mute(i as 0 | 1)} title={`${i + 1}: mute or hear the ${name}`}>
              {s.muted[i as 0 | 1] ? "muted: " : ""}{name}
            </button>
          ))}
          <label class="tick" title="Each voice in both ears instead of the caller left and the callee right"><input type="checkbox" checked={s.bothEars} onChange={(e) => p.player.ears(e.currentTarget.checked)} /> both ears</label>
        </>
      ) : <span class="soft">{p.sound.channels[0] === "all" ? "both voices in one channel" : p.sound.channels[0]}</span>}
      <label class="speed"><span class="sr">Speed</span>
        <select value={String(s.rate)} onChange={(e) => p.player.speed(Number(e.currentTarget.value))}>{RATES.map((r) => <option key={r} value={String(r)}>{r}×</option>)}</select>
      </label>
      {p.worst !== null ? <button type="button" onClick={() => p.hear(p.worst!)} title="Hear it (w)">Worst second <span class="soft">{position(p.worst)}</span></button> : null}
      {s.problem ? <span class="bad-text" role="alert">{s.problem}</span> : s.loading ? <span class="soft" role="status">loading …</span> : null}
    </div>
  );
}

function Readout(p: { grid: Grid; index: number | null }): JSX.Element {
  if (p.index === null) return <p class="readout soft">Click to hear it from there; drag in a chart to look closer.</p>;
  const i = p.index;
  const side = (name: "caller" | "callee") => {
    const t = p.grid[name];
    return <span class={name}>{name}: MOS {mos(t.mos[i])}, {percent(t.loss[i])} lost, jitter {number(t.jitter[i], 1, "ms")}</span>;
  };
  return <p class="readout"><b>{position(p.grid.x[i]! - 0.5)}</b> {side("caller")} {side("callee")}</p>;
}

/** The part of the axis that a link names, "12.5..30.0"; all of it when it names none. */
function zoomOf(text: string | null, axis: Span): Span {
  const [from, to] = (text ?? "").split("..").map(Number);
  const whole = { from: axis.from, to: axis.to };
  return from !== undefined && to !== undefined && to > from ? clamp({ from, to }, whole) : whole;
}

export function Timeline(p: { call: Call; events: LadderEvent[] | null; t0: string | null; start: number | null; seek: string | null; zoom: string | null; notes: Annotation[]; hold: Hold }): JSX.Element {
  const { call } = p;
  const axis = useMemo(() => axisOf(call), [call]);
  const [view, setView] = useState<Span>(() => zoomOf(p.zoom, axis));
  const sounds = useMemo(() => soundsOf(axis, call.recording), [axis, call.recording]);
  const [part, choose] = useState(0);
  const sound = sounds[part] ?? null;
  const [box, width] = useWidth();
  const [, again] = useState(0);
  const [hover, setHover] = useState<number | null>(null);
  const [theme, themed] = useState(0);
  const player = useRef<Player | null>(null);
  const at = useRef(p.start ?? 0);
  const head = useRef<HTMLDivElement>(null);
  const clockRef = useRef<HTMLOutputElement>(null);
  const chartBox = useRef<HTMLDivElement>(null);
  const charts = useRef<Charts | null>(null);
  const series = useLoad(`series ${call.uid} ${call.streams.length}`, (s) => loadSeries(call, s));
  const grid = useMemo(() => (series.data ? gridOf(axis, series.data) : null), [series.data, axis]);
  const first = call.diagnosis[0];
  const worst = useMemo(() => (grid ? worstSecond(grid, first && first.to_ms > first.from_ms ? { from: first.from_ms / 1000, to: first.to_ms / 1000 } : null) : null), [grid]);
  const x = (t: number) => GUTTER + ((t - view.from) / (view.to - view.from)) * Math.max(1, width - GUTTER - EDGE);

  const place = () => {
    if (player.current && sound) at.current = sound.startS + player.current.position;
    const px = x(at.current);
    if (head.current) {
      head.current.style.transform = `translateX(${px}px)`;
      head.current.hidden = px < GUTTER - 1 || px > width - EDGE + 1;
    }
    if (clockRef.current) clockRef.current.textContent = position(at.current);
    p.hold.at = at.current;
    p.hold.heard(at.current);
  };
  const jump = (t: number) => {
    at.current = t;
    if (sound && player.current) {
      const inside = Math.min(Math.max(t, sound.startS), sound.startS + sound.lengthS);
      player.current.seek(inside - sound.startS);
    }
    if (t < view.from || t > view.to) setView(clamp({ from: t - (view.to - view.from) / 2, to: t + (view.to - view.from) / 2 }, axis));
    amend({ t: Math.round(t * 10) / 10 });
    place();
  };

  /** Who asks for a moment by its name wants to hear it; a link with a time in it only stands there. */
  const hear = (t: number) => {
    jump(t);
    void player.current?.play();
  };
  p.hold.jump = hear;

  useEffect(() => {
    if (!sound) return undefined;
    const made = (player.current = new Player(url(sound.url), sound.channels.length > 1, () => again((n) => n + 1)));
    made.seek(Math.max(0, at.current - sound.startS));
    again((n) => n + 1);
    return () => {
      made.close();
      player.current = null;
    };
  }, [sound?.id]);
  useEffect(() => {
    let frame = 0;
    const tick = () => {
      place();
      if (player.current?.state.playing) frame = requestAnimationFrame(tick);
    };
    tick();
    return () => cancelAnimationFrame(frame);
  });
  useEffect(() => {
    const on = () => themed((n) => n + 1);
    const media = matchMedia("(prefers-color-scheme: dark)");
    window.addEventListener("theme", on);
    media.addEventListener("change", on);
    return () => {
      window.removeEventListener("theme", on);
      media.removeEventListener("change", on);
    };
  }, []);
  const latest = useRef({ jump, setView, axis });
  latest.current = { jump, setView, axis };
  useEffect(() => {
    const into = chartBox.current;
    if (!grid || !into || !width) return undefined;
    let gone = false;
    void import("./charts.ts").then((m) => {
      if (gone) return;
      charts.current = m.makeCharts(into, grid, view, {
        select: (s) => latest.current.setView(clamp(s, latest.current.axis)), hover: setHover, click: (t) => latest.current.jump(t),
      });
    });
    return () => {
      gone = true;
      charts.current?.destroy();
      charts.current = null;
    };
  }, [grid, theme, width > 0]);
  useEffect(() => charts.current?.show(view), [view]);
  useEffect(() => charts.current?.resize(width), [width]);

  useEffect(() => {
    if (p.seek === null || p.start === null) return;
    hear(p.start);
    box.current?.scrollIntoView({ block: "center", behavior: "smooth" });
  }, [p.seek]);

  const zoomed = view.from > axis.from || view.to < axis.to;
  const zoom = zoomed ? `${view.from.toFixed(1)}..${view.to.toFixed(1)}` : null;
  useEffect(() => {
    if (zoom !== p.zoom) amend({ z: zoom });
  }, [zoom]);
  const whole = () => setView({ from: axis.from, to: axis.to });
  const rate = (by: number) => {
    const now = RATES.indexOf(player.current?.state.rate ?? 1);
    player.current?.speed(RATES[Math.min(RATES.length - 1, Math.max(0, now + by))]!);
  };
  const closer = (factor: number) => setView(clamp({ from: at.current - ((view.to - view.from) / 2) * factor, to: at.current + ((view.to - view.from) / 2) * factor }, axis));
  useKeys({
    " ": () => player.current?.toggle(), ArrowLeft: (e) => jump(at.current - (e.shiftKey ? 1 : 5)), ArrowRight: (e) => jump(at.current + (e.shiftKey ? 1 : 5)),
    w: () => worst !== null && hear(worst), "1": () => player.current?.mute(0), "2": () => player.current?.mute(1), "+": () => rate(1), "-": () => rate(-1), "0": whole,
    i: () => closer(0.5), o: () => closer(2),
  });

  const lanesClick = (e: MouseEvent) => {
    const left = (e.currentTarget as HTMLElement).getBoundingClientRect().left;
    const px = e.clientX - left;
    if (px >= GUTTER) jump(view.from + ((px - GUTTER) / Math.max(1, width - GUTTER - EDGE)) * (view.to - view.from));
  };
  const marks = useMemo(() => marksOf(call, axis, p.events, p.t0, p.notes), [call, axis, p.events, p.notes]);
  return (
    <div class="timeline">
      {sound && player.current ? <Controls player={player.current} sound={sound} at={at.current} worst={worst} hear={hear} clockRef={clockRef} /> : !sound ? <p class="notice">{whyNoSound(call.recording)}</p> : null}
      {sound && lacking(call.recording) ? <p class="notice">This recording may not be whole. {lacking(call.recording)}</p> : null}
      {sounds.length > 1 ? (
        <p>Recorded in {sounds.length} files: {sounds.map((s, i) => <button key={s.id} type="button" aria-pressed={i === part} onClick={() => choose(i)}>{position(s.startS)}</button>)}</p>
      ) : null}
      <div class="tracks" ref={box}>
        {sound ? (
          <div class={`lanes n${Math.min(2, sound.channels.length)}`} onClick={lanesClick}>
            <div class="lane-names" aria-hidden="true">{sound.channels.slice(0, 2).map((c) => <span key={c} class={c}>{c}</span>)}</div>
            {width ? <Lanes key={sound.id} sound={sound} view={view} x={x} width={width} theme={theme} /> : null}
          </div>
        ) : null}
        {width ? <Events call={call} axis={axis} marks={marks} view={view} x={x} width={width} jump={jump} /> : null}
        {series.error ? <Trouble error={series.error} retry={series.reload} /> : null}
        {series.loading && !series.data ? <Loading what="quality" lines={4} /> : null}
        <div class="charts" ref={chartBox} role="img" aria-label={`MOS, loss and jitter over time${worst !== null ? `; worst at ${position(worst)}` : ""}`} hidden={grid !== null && call.streams.length === 0} />
        {width ? <Ruler view={view} x={x} width={width} /> : null}
        <div class="playhead" ref={head} aria-hidden="true" hidden={!sound && call.streams.length === 0} />
      </div>
      <div class="under">
        {grid && call.streams.length ? <Readout grid={grid} index={hover} /> : <span />}
        {zoomed ? <button type="button" onClick={whole}>Whole call <kbd>0</kbd></button> : null}
      </div>
    </div>
  );
}

