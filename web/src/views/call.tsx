// One call: in words, on the time axis, as a ladder, in figures.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ApiError, get, query, url } from "../api.ts";
import { LadderView } from "../call/ladder.tsx";
import { Annotations, TranscriptCard, useHold, useMe } from "../call/notes.tsx";
import { Timeline } from "../call/timeline.tsx";
import { cause, direction, evidence, labelName, story, when, where } from "../call/words.ts";
import { bytes, clock, delay, duration, fullTime, mos, number, percent, who, whoLong } from "../format.ts";
import { useKeys, useLoad, useTitle } from "../hooks.ts";
import { amend, go, link, type Route } from "../router.ts";
import type { Annotation, Call, Diagnosis, Ladder, Stream } from "../types.ts";
import { Card, Empty, Loading, Mos, Outcome, Show, Tag, Trouble, When } from "../ui.tsx";

function Wrong(p: { d: Diagnosis; first: boolean }): JSX.Element {
  const { d } = p;
  const why = cause(d);
  return (
    <li class={p.first ? "main" : ""}>
      <button type="button" class="jump" onClick={() => amend({ t: d.from_ms / 1000, seek: Date.now() })} title="Hear it">{when(d)}</button>
      <p>
        <b>{labelName(d.label)}</b>
        <span class="soft"> · {direction(d)}</span>
        {d.mos.with !== null && d.mos.without !== null ? <span class="line">MOS <b>{mos(d.mos.with)}</b> <span class="soft">instead of {mos(d.mos.without)}</span></span> : null}
      </p>
      <p>
        {d.side === "unknown" && !why ? null : <>The cause lies {where(d)}{why ? `: ${why}` : ""}.</>}
        <span class="evidence">{evidence(d).map(([k, v]) => <span key={k}><span class="soft">{k}</span> {v}</span>)}</span>
      </p>
    </li>
  );
}

function Words(p: { call: Call }): JSX.Element {
  const c = p.call;
  const [all, show] = useState(false);
  const list = all ? c.diagnosis : c.diagnosis.slice(0, 3);
  return (
    <Card title="What happened" class="words">
      {c.summary ? <p class={`summary ${c.quality.band}`}>{c.summary[0]!.toUpperCase() + c.summary.slice(1)}.</p> : null}
      <p class="lead">{story(c).join(" ")}{c.summary ? <span class="soft"> (A is the caller, B the callee; times count from the answer.)</span> : null}</p>
      {c.diagnosis.length ? (
        <>
          <ul class="wrongs">{list.map((d, i) => <Wrong key={i} d={d} first={i === 0} />)}</ul>
          {c.diagnosis.length > 3 ? <button type="button" class="quiet" onClick={() => show(!all)}>{all ? "Fewer" : `${c.diagnosis.length - 3} more`}</button> : null}
        </>
      ) : c.state === "ended" && c.answered_at ? <p class="soft">Nothing was found wrong with it.</p> : null}
    </Card>
  );
}

function Streams(p: { list: Stream[] }): JSX.Element {
  if (p.list.length === 0) return <Empty title="No media was seen." />;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Figures of each stream">
      <table>
        <thead>
          <tr><th>Voice</th><th>From → to</th><th>Codec</th><th class="num">Packets</th><th class="num">Lost</th><th class="num">Late</th><th class="num">Longest run</th><th class="num">Jitter mean / max</th><th class="num">Largest gap</th><th class="num">MOS</th><th>Loss lies</th></tr>
        </thead>
        <tbody>
          {p.list.map((s) => (
            <tr key={s.sid}>
              <td><Tag kind={s.party === "caller" || s.party === "callee" ? s.party : ""}>{s.party}</Tag></td>
              <td class="mono">{s.src ?? "–"} → {s.dst ?? "–"}</td>
              <td>{s.codec ?? "–"}{s.ptime_ms ? <span class="soft"> {number(s.ptime_ms)} ms</span> : null}{s.srtp ? <Tag>SRTP</Tag> : null}</td>
              <td class="num">{number(s.packets)}</td>
              <td class="num">{number(s.lost)} <span class="soft">{percent(s.loss_ratio)}</span></td>
              <td class="num">{number(s.discarded)}</td>
              <td class="num">{number(s.longest_loss_run)}</td>
              <td class="num">{number(s.jitter_ms.avg, 1)} / {number(s.jitter_ms.max, 1)} ms</td>
              <td class="num">{delay(s.max_gap_ms)}</td>
              <td class="num"><Mos value={s.mos.lq} band={s.band} scale={s.mos.scale} /></td>
              <td>{s.loss_split && (s.loss_split.before_tap || s.loss_split.after_tap || s.loss_split.capture) ? <>before the tap {number(s.loss_split.before_tap)}, after {number(s.loss_split.after_tap)}{s.loss_split.capture ? `, ours ${number(s.loss_split.capture)}` : ""}</> : <span class="soft">–</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Fact(p: { name: string; children: JSX.Element | string | null }): JSX.Element | null {
  return p.children === null || p.children === "–" ? null : <div><dt>{p.name}</dt><dd>{p.children}</dd></div>;
}

function Facts(p: { call: Call }): JSX.Element {
  const c = p.call;
  const r = c.recording;
  return (
    <dl class="facts">
      <Fact name="From">{whoLong(c.from)}</Fact>
      <Fact name="To">{whoLong(c.to)}</Fact>
      <Fact name="Call-ID"><span class="mono">{c.call_id ?? "–"}</span></Fact>
      <Fact name="Began">{fullTime(c.started_at)}</Fact>
      <Fact name="Answered">{c.answered_at ? clock(c.answered_at) : null}</Fact>
      <Fact name="Ended">{c.ended_at ? clock(c.ended_at) : null}</Fact>
      <Fact name="Signalling">{`${c.src ?? "–"} → ${c.dst ?? "–"}${c.transport ? ` ${c.transport.toUpperCase()}` : ""}`}</Fact>
      <Fact name="Final response">{c.sip_code ? `${c.sip_code} ${c.reason_phrase ?? ""}` : null}</Fact>
      <Fact name="Q.850">{c.q850_cause ? `${c.q850_cause} ${c.q850_text ?? ""}` : null}</Fact>
      <Fact name="Post-dial delay">{delay(c.post_dial_delay_ms)}</Fact>
      <Fact name="Setup">{delay(c.setup_ms)}</Fact>
      <Fact name="Rang for">{delay(c.ring_ms)}</Fact>
      <Fact name="BYE answered after">{delay(c.disconnect_delay_ms)}</Fact>
      <Fact name="Round trip">{number(c.quality.rtt_ms, 1, "ms")}</Fact>
      <Fact name="Trunk">{c.trunk}</Fact>
      <Fact name="Sites">{c.from_site || c.to_site ? `${c.from_site ?? "–"} → ${c.to_site ?? "–"}` : null}</Fact>
      <Fact name="Tenant">{c.tenant}</Fact>
      <Fact name="Caller's device">{c.user_agent}</Fact>
      <Fact name="Callee's device">{c.server}</Fact>
      <Fact name="Keys pressed">{c.digits && (c.digits.caller || c.digits.callee) ? `${c.digits.caller ? `caller ${c.digits.caller} ` : ""}${c.digits.callee ? `callee ${c.digits.callee}` : ""}` : null}</Fact>
      <Fact name="Recording">{r ? `${r.state ?? r.result ?? "–"}${r.format ? `, ${r.format} ${r.codec ?? ""}` : ""}${r.sample_rate_hz ? `, ${r.sample_rate_hz / 1000} kHz` : ""}${r.size_bytes ? `, ${bytes(r.size_bytes)}` : ""}${r.rule ? `, rule ${r.rule}` : ""}` : null}</Fact>
      <Fact name="Tags">{c.tags && Object.keys(c.tags).length ? Object.entries(c.tags).map(([k, v]) => `${k}: ${v}`).join(", ") : null}</Fact>
      <Fact name="Related">{c.related?.length ? <>{c.related.map((x) => <a key={x.uid} href={link("call", x.uid)}>{x.kind.replaceAll("_", " ")} </a>)}</> : null}</Fact>
    </dl>
  );
}

function Share(): JSX.Element {
  const [done, say] = useState(false);
  const copy = () => {
    const p = new URLSearchParams(location.hash.split("?")[1] ?? "");
    p.delete("seek");
    const text = `${location.href.split("?")[0]}${p.size ? `?${p}` : ""}`;
    void navigator.clipboard?.writeText(text).then(() => {
      say(true);
      setTimeout(() => say(false), 1500);
    });
  };
  return <button type="button" onClick={copy} title="With the second that is chosen and the message that is open">{done ? "Link copied" : "Copy link"}</button>;
}

function Downloads(p: { call: Call }): JSX.Element {
  const c = p.call;
  const base = `calls/${encodeURIComponent(c.uid)}/pcap`;
  const ready = c.recording?.url && (c.recording.state === "ready" || c.recording.state === "damaged");
  const name = `${c.started_at.slice(0, 19).replaceAll(":", "-")}_${who(c.from, c.caller)}_${who(c.to, c.callee)}`.replace(/[^\w+.@-]/g, "_");
  return (
    <>
      <a class="button" href={url(base + query({ legs: "all" }))} download={`${name}.pcap`}>pcap</a>
      {ready ? <a class="button" href={url(c.recording!.url!)} download={`${name}.${c.recording!.format ?? "wav"}`}>Audio</a> : null}
    </>
  );
}

const NO_NOTES: Annotation[] = [];

function Whole(p: { call: Call; route: Route }): JSX.Element {
  const c = p.call;
  const t = p.route.params.get("t");
  const ladder = useLoad<Ladder>(`ladder ${c.uid}`, (s) => get(`calls/${encodeURIComponent(c.uid)}/ladder${query({ legs: "all" })}`, s));
  const hold = useHold();
  const me = useMe();
  const may = (scope: string) => me.data?.scopes.includes(scope) ?? false;
  const notes = useLoad<Annotation[]>(`annotations ${c.uid}`, async (s) => (await get<{ data: Annotation[] }>(`calls/${encodeURIComponent(c.uid)}/annotations`, s)).data);
  const own = ladder.data?.legs.find((l) => l.uid === c.uid)?.leg ?? 0;
  return (
    <>
      <div class="view-head call-head">
        <h1>{who(c.from, c.caller)} <span class="soft">→</span> {who(c.to, c.callee)}</h1>
        <Outcome outcome={c.outcome} code={c.sip_code} kind={c.kind} />
        {c.quality.mos_min === null ? null : <Mos value={c.quality.mos_min} band={c.quality.band} scale={c.quality.scale} />}
        <span class="soft"><When at={c.started_at}>{clock(c.started_at)}</When>{c.duration_ms !== null ? ` · ${duration(c.duration_ms)}` : ""}{c.codec ? ` · ${c.codec}` : ""}{c.trunk ? ` · ${c.trunk}` : ""}</span>
        <span class="actions"><Downloads call={c} /><Share /></span>
      </div>
      <div class="call-view">
        <Words call={c} />
        <Card title="Sound and quality" class="axis">
          <Timeline key={`${c.uid}${c.recording?.state ?? ""}`} seek={p.route.params.get("seek")} zoom={p.route.params.get("z")} call={c} events={ladder.data ? ladder.data.events.filter((e) => e.leg === own) : null} t0={ladder.data?.t0 ?? null} start={t === null ? null : Number(t) || 0} notes={notes.data ?? NO_NOTES} hold={hold} />
        </Card>
        <TranscriptCard key={`t${c.uid}`} call={c} may={may("audio")} hold={hold} />
        <Card title="Ladder" extra={<span class="soft">{number(c.messages)} messages{ladder.data && ladder.data.legs.length > 1 ? ` of this call, ${ladder.data.legs.length} legs in all` : ""}</span>}>
          <Show of={ladder} what="the ladder" lines={8}>{(l) => <LadderView ladder={l} uid={c.uid} chosen={p.route.params.get("m")} only={p.route.params.get("legs") === "own"} />}</Show>
        </Card>
        <Annotations key={`a${c.uid}`} call={c} list={notes} may={may("control")} hold={hold} />
        <Card title="Streams"><Streams list={c.streams} /></Card>
        <Card title="Record"><Facts call={c} /></Card>
      </div>
    </>
  );
}

/** A call that goes on is known to the live view only. */
function StillLive(p: { uid: string; error: ApiError; retry: () => void }): JSX.Element {
  const live = useLoad(`live ${p.uid}`, (s) => get(`live/calls/${encodeURIComponent(p.uid)}`, s));
  if (live.loading) return <Loading what="the call" lines={6} />;
  if (live.data)
    return <Empty title="This call goes on."><p>Its record is written when it is over. <a href={link("live", "", { listen: p.uid })}>Look at it, or listen, in Live</a>.</p></Empty>;
  return <Trouble error={p.error} retry={p.retry} />;
}

export function CallView(p: { route: Route }): JSX.Element {
  const uid = p.route.id;
  const [waiting, wait] = useState(false);
  const call = useLoad<Call>(`call ${uid}`, async (s) => {
    const c = await get<Call>(`calls/${encodeURIComponent(uid)}`, s);
    wait(c.recording?.state === "spooling" || c.recording?.state === "rendering");
    return c;
  }, waiting ? 2000 : 0);
  useTitle(call.data ? `${who(call.data.from, call.data.caller)} → ${who(call.data.to, call.data.callee)}` : "Call");
  useKeys({ u: () => (history.length > 1 ? history.back() : go(link("calls"))) });
  return (
    <>
      <p class="crumbs"><a href={link("calls")}>Calls</a></p>
      {call.error && call.error.status === 404 ? <StillLive uid={uid} error={call.error} retry={call.reload} /> : <Show of={call} what="the call" lines={8}>{(c) => <Whole call={c} route={p.route} />}</Show>}
    </>
  );
}
