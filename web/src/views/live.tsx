// Calls that go on: who talks to whom, how it sounds now, and an ear on one of them.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { BASE } from "../api.ts";
import { bandOfMos, clock, duration, number, percent, who } from "../format.ts";
import { useNow, useTitle } from "../hooks.ts";
import { useLive } from "../live.ts";
import { amend, link, type Route } from "../router.ts";
import type { LiveCall, Num } from "../types.ts";
import { Empty, Loading, Mos, Tag, Trouble, When } from "../ui.tsx";

function worst(values: Num[], pick: (...v: number[]) => number): Num {
  const known = values.filter((v): v is number => v !== null && v !== undefined);
  return known.length ? pick(...known) : null;
}

function Ear(p: { call: LiveCall; close: () => void }): JSX.Element {
  const audio = useRef<HTMLAudioElement>(null);
  const [state, set] = useState("connecting");
  useEffect(() => {
    const a = audio.current!;
    a.src = `${BASE}/live/calls/${p.call.uid}/audio`;
    a.play().catch(() => set("refused"));
    return () => {
      a.pause();
      a.removeAttribute("src");
      a.load();
    };
  }, [p.call.uid]);
  return (
    <div class="ear card" role="region" aria-label="Listening">
      <p>
        <strong>{who(p.call.from)}</strong> <Tag kind="caller">left</Tag> and <strong>{who(p.call.to)}</strong> <Tag kind="callee">right</Tag>
        <span class="soft" role="status"> {state === "refused" ? "Cannot be heard: no media yet, protected without keys, or not for you." : state === "playing" ? "You are listening. It is written to the audit log." : "Connecting …"}</span>
      </p>
      <audio ref={audio} controls onPlaying={() => set("playing")} onError={() => set("refused")} />
      <button type="button" onClick={p.close}>Stop listening</button>
    </div>
  );
}

const STATES: Record<string, string> = { trying: "trying", ringing: "ringing", answered: "talking", ended: "ended" };

export function Live(p: { route: Route }): JSX.Element {
  const { snapshot, error } = useLive();
  const now = useNow();
  const [only, filter] = useState(p.route.params.get("q") ?? "");
  const heard = p.route.params.get("listen");
  useTitle("Live");
  const wanted = only.trim().toLowerCase();
  const all = snapshot?.data ?? [];
  const calls = all.filter((c) => !wanted || [c.from.user, c.to.user, c.call_id, c.trunk, c.src, c.dst].some((t) => t?.toLowerCase().includes(wanted)));
  const ear = all.find((c) => c.uid === heard);
  return (
    <div class="live">
      <div class="view-head">
        <h1>Live</h1>
        <span class="soft" role="status">{snapshot ? `${all.length}${snapshot.has_more ? "+" : ""} calls, as of ${clock(snapshot.at)}` : ""}</span>
        <input type="search" value={only} aria-label="Filter live calls" placeholder="number, trunk, address" size={26} onInput={(e) => { filter(e.currentTarget.value); amend({ q: e.currentTarget.value || null }); }} />
      </div>
      {error ? <Trouble error={error} /> : null}
      {ear ? <Ear call={ear} close={() => amend({ listen: null })} /> : null}
      {heard && !ear && snapshot ? <p class="notice">The call has ended. <a href={link("call", heard)}>Its record</a> is there within a second or two.</p> : null}
      {snapshot === null && !error ? <Loading what="live calls" lines={6} /> : null}
      {snapshot && calls.length === 0 ? (
        <Empty title={wanted ? "No live call fits." : "Nobody is talking."}><p>Calls show up here as soon as their INVITE is seen.</p></Empty>
      ) : null}
      {calls.length > 0 ? (
        <div class="scroll card" tabIndex={0} role="region" aria-label="Live calls">
          <table>
            <thead><tr><th>Since</th><th>State</th><th>From</th><th>To</th><th>Trunk</th><th>Codec</th><th class="num">MOS now</th><th class="num">Loss</th><th class="num">Jitter</th><th class="num">Round trip</th><th><span class="sr">Listen</span></th></tr></thead>
            <tbody>
              {calls.map((c) => {
                const m = worst(c.streams.map((s) => s.mos), Math.min);
                return (
                  <tr key={c.uid}>
                    <td><When at={c.started_at}>{duration(now - Date.parse(c.answered_at ?? c.started_at))}</When></td>
                    <td><Tag kind={c.state === "answered" ? "good" : ""}>{STATES[c.state] ?? c.state}</Tag>{c.recording ? <span class="rec" title="being recorded"> ●<span class="sr">recorded</span></span> : null}{c.paused ? <Tag kind="warn">paused</Tag> : null}</td>
                    <td>{who(c.from)}</td>
                    <td>{who(c.to)}</td>
                    <td>{c.trunk ?? "–"}</td>
                    <td>{c.streams[0]?.codec ?? "–"}</td>
                    <td class="num"><Mos value={m} band={bandOfMos(m)} /></td>
                    <td class="num">{percent(worst(c.streams.map((s) => s.loss_ratio), Math.max))}</td>
                    <td class="num">{number(worst(c.streams.map((s) => s.jitter_ms), Math.max), 1, "ms")}</td>
                    <td class="num">{number(worst(c.streams.map((s) => s.rtt_ms), Math.max), 1, "ms")}</td>
                    <td>{c.state === "answered" && c.uid !== heard ? <button type="button" onClick={() => amend({ listen: c.uid })}>Listen</button> : null}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      ) : null}
    </div>
  );
}
