// The ladder: who sent what to whom, over all legs of the conversation, and the text of the message that is chosen.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { getText } from "../api.ts";
import { clockMs, number } from "../format.ts";
import { useKeys, useLoad } from "../hooks.ts";
import { amend } from "../router.ts";
import type { Ladder, LadderEvent } from "../types.ts";
import { Empty, Show } from "../ui.tsx";

const STEP = 26;
const TOP = 46;
const TIME = 84;
const AT_ONCE = 300;

function tone(e: LadderEvent): string {
  if (e.kind === "rtp_gap") return "bad";
  if (e.kind !== "sip") return "media";
  if (e.code === null) return "request";
  if (e.code === 401 || e.code === 407) return "warn";
  return e.code >= 400 ? "bad" : e.code >= 300 ? "warn" : e.code >= 200 ? "good" : "soft";
}

function label(e: LadderEvent): string {
  const what: Record<string, string> = { rtp_start: "media begins", rtp_stop: "media ends", rtp_gap: "no media for", rtcp: "RTCP", dtmf: "key", recording: "recording" };
  const text = e.kind === "sip" ? `${e.label}${e.sdp ? " · SDP" : ""}` : e.kind === "rtp_gap" ? `gap: ${e.label}` : `${what[e.kind] ?? e.kind} ${e.label}`;
  return e.retransmit ? `${text} (again)` : text;
}

export function passed(t_us: number): string {
  const s = t_us / 1e6;
  return s < 60 ? `${s.toFixed(3)} s` : `${Math.floor(s / 60)}:${(s % 60).toFixed(2).padStart(5, "0")}`;
}

function Arrow(p: { e: LadderEvent; y: number; x: (id: number) => number; lane: number; legs: number; chosen: boolean; focusable: boolean; choose: () => void; width: number }): JSX.Element {
  const { e, y } = p;
  const from = p.x(e.src);
  const self = e.src === e.dst;
  const to = self ? from + 30 : p.x(e.dst);
  const back = from < to ? -8 : 8;
  const room = Math.max(Math.abs(to - from) - 14, 120);
  const text = label(e);
  const shown = text.length * 6.6 > room ? `${text.slice(0, Math.max(8, Math.floor(room / 6.6) - 1))}…` : text;
  const clickable = e.kind === "sip";
  return (
    <g
      class={`step ${tone(e)} ${e.kind} ${e.retransmit ? "again" : ""} ${p.chosen ? "chosen" : ""}`}
      role={clickable ? "button" : "img"} tabIndex={clickable ? (p.focusable ? 0 : -1) : undefined} aria-label={clickable ? undefined : `${passed(e.t_us)} ${text}`} aria-pressed={clickable ? p.chosen : undefined}
      onClick={clickable ? p.choose : undefined} onKeyDown={clickable ? (k) => { if (k.key === "Enter" || k.key === " ") { k.preventDefault(); p.choose(); } } : undefined}
    >
      <rect class="hit" x={0} y={y - STEP + 8} width={p.width} height={STEP} />
      <text class="time" x={TIME - 12} y={y - 2} text-anchor="end">{`${passed(e.t_us)} `}</text>
      {p.legs > 1 ? <text class="leg" x={6} y={y - 2}>{`${e.leg + 1} `}</text> : null}
      <line x1={from} x2={to} y1={y} y2={y} />
      <path d={`M${to},${y}l${back},-4.5v9z`} />
      <text class="label" x={(from + to) / 2} y={y - 4} text-anchor="middle">{shown}{shown !== text ? <title>{text}</title> : null}</text>
    </g>
  );
}

function Raw(p: { text: string }): JSX.Element {
  const [head = "", ...rest] = p.text.split(/\r?\n/);
  let body = false;
  return (
    <pre class="raw message" tabIndex={0} aria-label="Message as it was on the wire">
      <b>{head}</b>{"\n"}
      {rest.map((line, i) => {
        if (line === "") body = true;
        const m = body ? /^([a-z])(=)(.*)$/.exec(line) : /^([A-Za-z-]+)(\s*:)(.*)$/.exec(line);
        return m ? <span key={i}><span class="name">{m[1]}{m[2]}</span>{m[3]}{"\n"}</span> : <span key={i}>{line}{"\n"}</span>;
      })}
    </pre>
  );
}

function MessagePane(p: { uid: string; event: LadderEvent; ladder: Ladder; index: number; count: number; step: (by: number) => void }): JSX.Element {
  const raw = useLoad<string>(`raw ${p.uid} ${p.event.ref}`, (s) => getText(`calls/${encodeURIComponent(p.uid)}/messages/${p.event.ref}`, s));
  const addr = (id: number) => p.ladder.hosts.find((h) => h.id === id)?.addr ?? "–";
  const at = new Date(Date.parse(p.ladder.t0) + p.event.t_us / 1000).toISOString();
  return (
    <div class="message-pane">
      <p class="message-head">
        <button type="button" class="quiet" onClick={() => p.step(-1)} aria-label="Message before" title="n">‹</button>
        <span><b>{p.event.label}</b> <span class="soft">{p.index + 1} of {p.count} · {clockMs(at)} · {addr(p.event.src)} → {addr(p.event.dst)}</span></span>
        <button type="button" class="quiet" onClick={() => p.step(1)} aria-label="Next message" title="m">›</button>
        <button type="button" class="quiet copy" onClick={() => void navigator.clipboard?.writeText(raw.data ?? "")} disabled={!raw.data}>Copy</button>
      </p>
      <Show of={raw} what="the message" lines={8}>{(text) => <Raw text={text} />}</Show>
    </div>
  );
}

export function LadderView(p: { ladder: Ladder; uid: string; chosen: string | null; only: boolean }): JSX.Element {
  const { ladder, only } = p;
  const [most, more] = useState(AT_ONCE);
  const scroller = useRef<HTMLDivElement>(null);
  const own = ladder.legs.find((l) => l.uid === p.uid)?.leg ?? 0;
  const all = only ? ladder.events.filter((e) => e.leg === own) : ladder.events;
  const hosts = ladder.hosts.filter((h) => all.some((e) => e.src === h.id || e.dst === h.id));
  const events = all.slice(0, most);
  const messages = all.filter((e) => e.kind === "sip");
  const index = p.chosen ? messages.findIndex((e) => `${e.leg}.${e.ref}` === p.chosen) : -1;
  const event = messages[index];
  const choose = (e: LadderEvent | undefined) => e && amend({ m: `${e.leg}.${e.ref}` });
  const step = (by: number) => choose(messages[Math.min(messages.length - 1, Math.max(0, index + by))]);
  useKeys({ m: () => step(1), n: () => step(-1) });
  useEffect(() => {
    const b = scroller.current;
    if (!b || !event) return;
    const y = TOP + (all.indexOf(event) + 1) * STEP;
    if (y - STEP < b.scrollTop || y + STEP > b.scrollTop + b.clientHeight) b.scrollTop = y - b.clientHeight / 2;
  }, [index]);
  if (ladder.events.length === 0) return <Empty title="No message of this call was kept." />;
  const lane = Math.max(150, Math.min(260, 720 / Math.max(1, hosts.length - 1)));
  const column = new Map(hosts.map((h, i) => [h.id, i]));
  const x = (id: number) => TIME + 70 + (column.get(id) ?? 0) * lane;
  const width = TIME + 140 + Math.max(1, hosts.length - 1) * lane;
  const height = TOP + (events.length + 0.6) * STEP;
  return (
    <div class={`ladder ${event ? "with-message" : ""}`}>
      <div class="ladder-side">
        {ladder.legs.length > 1 ? (
          <p class="legs">
            {ladder.legs.map((l) => <span key={l.uid} class={`tag ${l.uid === p.uid ? "good" : ""}`} title={l.call_id ?? ""}>{l.leg + 1}{l.uid === p.uid ? " this call" : ""}</span>)}
            <label class="tick"><input type="checkbox" checked={only} onChange={(e) => amend({ legs: e.currentTarget.checked ? "own" : null })} /> this call only</label>
          </p>
        ) : null}
        <div class="scroll ladder-scroll" ref={scroller} tabIndex={0} role="region" aria-label="Diagram">
          <svg width={width} height={height} role="group" aria-label={`Ladder of ${number(all.length)} events between ${hosts.length} addresses`}>
            {hosts.map((h) => (
              <g key={h.id}>
                <line class="lane" x1={x(h.id)} x2={x(h.id)} y1={TOP - 12} y2={height} />
                <text class="host" x={x(h.id)} y={16} text-anchor="middle">{h.alias ?? h.addr}</text>
                {h.alias ? <text class="addr" x={x(h.id)} y={30} text-anchor="middle">{h.addr}</text> : null}
              </g>
            ))}
            {events.map((e, i) => (
              <Arrow key={i} e={e} y={TOP + (i + 1) * STEP - 6} x={x} lane={lane} legs={ladder.legs.length} width={width} choose={() => choose(e)} chosen={e === event} focusable={event ? e === event : e === messages[0]} />
            ))}
          </svg>
        </div>
        {all.length > most ? <button type="button" onClick={() => more(most + 1000)}>{number(all.length - most)} more events</button> : null}
        {ladder.truncated ? <p class="soft">There is more than is shown here: the pcap has all of it.</p> : null}
      </div>
      {event ? <MessagePane key={p.chosen} uid={ladder.legs.find((l) => l.leg === event.leg)?.uid ?? p.uid} event={event} ladder={ladder} index={index} count={messages.length} step={step} /> : null}
    </div>
  );
}
