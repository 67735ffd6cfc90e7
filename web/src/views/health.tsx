// Is the appliance itself well: does it see everything, does it keep up, how long will the disk last.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get, getText } from "../api.ts";
import { ago, bytes, howLong, number, percent, words } from "../format.ts";
import { useLoad, useNow, useTitle } from "../hooks.ts";
import { byLabel, daysLeft, parseMetrics, sum, type Metrics } from "../metrics.ts";
import type { Limitation, Readiness, Retention } from "../types.ts";
import { Card, Empty, Figure, Meter, Show, Tag } from "../ui.tsx";

interface Both { metrics: Metrics; at: number; before: { metrics: Metrics; at: number } | null }
let last: { metrics: Metrics; at: number } | null = null;

async function load(signal: AbortSignal): Promise<Both> {
  const metrics = parseMetrics(await getText("/metrics", signal));
  const both = { metrics, at: Date.now(), before: last };
  last = { metrics, at: both.at };
  return both;
}

function rate(b: Both, name: string, where: Record<string, string> = {}): number | null {
  if (!b.before || b.at - b.before.at < 500) return null;
  return Math.max(0, sum(b.metrics, name, where) - sum(b.before.metrics, name, where)) / ((b.at - b.before.at) / 1000);
}

function Check(p: { ok: boolean; name: string; note: string }): JSX.Element {
  return (
    <li class={`check ${p.ok ? "ok" : "no"}`}>
      <Tag kind={p.ok ? "good" : "bad"}>{p.ok ? "in order" : "trouble"}</Tag> <b>{p.name}</b> <span class="soft">{p.note}</span>
    </li>
  );
}

function Drops(p: { b: Both }): JSX.Element {
  const m = p.b.metrics;
  const lost: [string, number, string][] = [
    ...byLabel(m, "earshot_capture_drops_total", "stage").map(([stage, n]): [string, number, string] => [`Capture, ${stage}`, n, "packets lost on our side, never counted as loss of the network"]),
    ["Recording", sum(m, "earshot_spool_dropped_packets_total"), "packets that should have been kept and could not be written"],
    ["Records", sum(m, "earshot_db_records_lost_total"), "calls that could not be stored"],
    ["Calls", sum(m, "earshot_calls_evicted_total"), "given up because a table was full"],
    ["Media ahead of its signalling", sum(m, "earshot_rtp_held_dropped_packets_total"), "packets that waited and had to go"],
    ["Webhooks", sum(m, "earshot_webhooks_total", { result: "dropped" }) + sum(m, "earshot_webhooks_total", { result: "expired" }), "not delivered"],
    ["Decoder", sum(m, "earshot_decoder_crashes_total"), "processes that ended before their job"],
  ];
  const some = lost.filter(([, n]) => n > 0);
  return (
    <Card title="Drops" extra={<span class="soft">since the start</span>}>
      {some.length === 0 ? <Empty title="Nothing was dropped." /> : (
        <table><tbody>{some.map(([name, n, note]) => <tr key={name}><th scope="row">{name}</th><td class="num bad-text">{number(n)}</td><td class="soft">{note}</td></tr>)}</tbody></table>
      )}
    </Card>
  );
}

const LIMITS_SHOWN = 12;
const amount = (l: Limitation, n: number | null): string => (l.unit.startsWith("bytes") ? bytes(n) : number(n));

/** What was met first, then what is nearest to its ceiling. What nothing follows shows neither. */
function sorted(list: Limitation[]): Limitation[] {
  const share = (l: Limitation) => Math.max(l.used ?? 0, l.highest ?? 0) / l.limit;
  return list.filter((l) => l.limit > 0 && (l.used !== null || l.met !== null)).sort((a, b) => Number((b.met ?? 0) > 0) - Number((a.met ?? 0) > 0) || share(b) - share(a));
}

function Limits(): JSX.Element {
  const limits = useLoad<{ data: Limitation[] }>("limits", (s) => get("limits", s), 5000);
  const [all, show] = useState(false);
  return (
    <Card title="Limits" extra={<span class="soft">of what somebody outside can make grow</span>}>
      <Show of={limits} what="limits" lines={8}>
        {(of) => {
          const list = sorted(of.data);
          const near = list.filter((l) => l.used !== null || l.met).slice(0, LIMITS_SHOWN);
          return (
            <>
              <table class="tight gauges">
                <thead><tr><th>Of</th><th class="num">Now</th><th class="num">Most</th><th class="num">May be</th><th><span class="sr">Share</span></th></tr></thead>
                <tbody>
                  {(all ? list : near).map((l) => [
                      <tr key={l.name}>
                        <th scope="row">{words(l.name)}</th>
                        <td class="num">{amount(l, l.used)}</td>
                        <td class="num soft">{amount(l, l.highest)}</td>
                        <td class="num soft">{amount(l, l.limit)}</td>
                        <td class="bar">{l.used === null ? null : <Meter value={l.used / l.limit} tone={l.met ? "bad" : l.used / l.limit > 0.9 ? "warn" : ""} label={`${words(l.name)}: ${percent(l.used / l.limit)}`} />}</td>
                      </tr>,
                      all || l.met ? <tr key={`${l.name} why`} class="why"><td colSpan={5} class="soft">{l.met ? <b class="bad-text">Met {number(l.met)} {l.met === 1 ? "time" : "times"}. </b> : null}{l.unit}. {l.policy}{l.setting ? <> <code>{l.setting}</code></> : null}</td></tr> : null,
                  ])}
                </tbody>
              </table>
              <button type="button" class="quiet" onClick={() => show(!all)}>{all ? "Fewer" : `All ${list.length}, and what becomes of what finds no room`}</button>
            </>
          );
        }}
      </Show>
    </Card>
  );
}

export const CLASSES: Record<string, string> = { audio: "Recordings", spool: "Raw packets", calls: "Call records", messages: "SIP messages" };

export function Disk(p: { r: Retention; m: Metrics | null }): JSX.Element {
  const start = p.m ? sum(p.m, "process_start_time_seconds") : 0;
  const uptime = start ? Date.now() / 1000 - start : 0;
  const written = p.m ? sum(p.m, "earshot_recording_written_bytes_total") : 0;
  const days = daysLeft(p.r.free_bytes, p.r.min_free_bytes ?? 0, written, uptime);
  return (
    <Card title="Disk" extra={p.r.low ? <Tag kind="bad">low: things go before their time</Tag> : <span class="soft">{bytes(p.r.free_bytes)} free</span>}>
      <p class="lead">
        {days === null ? "How long the disk lasts can be told after ten minutes of recording." : days > 365 ? "At the pace since the start the disk lasts for more than a year." : <>At the pace since the start the disk lasts <b class={days < 3 ? "bad-text" : ""}>{days < 2 ? howLong(days * 86400000) : `${number(days, 0)} days`}</b>; what is older then goes as its terms say.</>}
      </p>
      <table class="tight">
        <thead><tr><th>Class</th><th class="num">On disk</th><th class="num">At most</th><th class="num">Kept for</th></tr></thead>
        <tbody>
          {Object.entries(p.r.classes).map(([id, c]) => (
            <tr key={id}>
              <th scope="row">{CLASSES[id] ?? id}</th>
              <td class="num">{bytes(c.bytes)}</td>
              <td class="num">{c.max_bytes === null ? "–" : bytes(c.max_bytes)}</td>
              <td class="num">{c.max_age_s === null ? "for ever" : howLong(c.max_age_s * 1000)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}

export function Health(): JSX.Element {
  useTitle("Health");
  const now = useNow(2000);
  const ready = useLoad<Readiness>("ready", (s) => get("/readyz", s), 5000);
  const both = useLoad<Both>("metrics", load, 5000);
  const retention = useLoad<Retention>("retention", (s) => get("policies/retention", s), 15000);
  const b = both.data;
  const perSecond = b ? rate(b, "earshot_capture_packets_total") : null;
  const started = b ? sum(b.metrics, "process_start_time_seconds") * 1000 : 0;
  return (
    <>
      <div class="view-head"><h1>Health</h1>{b ? <span class="soft">Earshot {b.metrics.get("earshot_build_info")?.[0]?.labels.version ?? ""}, running for {howLong(now - started)}</span> : null}</div>
      <Show of={both} what="metrics" lines={3}>
        {(x) => (
          <dl class="figures">
            <Figure label="Packets" value={perSecond === null ? number(sum(x.metrics, "earshot_capture_packets_total")) : number(perSecond)} note={perSecond === null ? "so far" : "a second"} />
            <Figure label="Dropped by capture" value={number(sum(x.metrics, "earshot_capture_drops_total"))} tone={sum(x.metrics, "earshot_capture_drops_total") ? "bad" : "good"} note="since the start" />
            <Figure label="Recording now" value={number(sum(x.metrics, "earshot_recordings_active"))} note="calls" />
            <Figure label="Waits to be stored" value={number(sum(x.metrics, "earshot_queue_depth"))} note="in all queues" />
            <Figure label="Mean commit" value={number((sum(x.metrics, "earshot_db_commit_seconds_sum") / Math.max(1, sum(x.metrics, "earshot_db_commit_seconds_count"))) * 1000, 1, "ms")} note="of the database" />
            <Figure label="Memory" value={bytes(sum(x.metrics, "process_resident_memory_bytes"))} note={`${number((sum(x.metrics, "process_cpu_seconds_total") / Math.max(1, (Date.now() - started) / 1000)) * 100, 1, "%")} of a core`} />
          </dl>
        )}
      </Show>
      <div class="evenly">
        <div class="stack">
        <Card title="Ready">
          <Show of={ready} what="readiness" lines={4}>
            {(r) => (
              <ul>
                <Check ok={r.capture_up || r.source_finished} name="Capture" note={r.source_finished ? "the file was read to its end" : r.last_packet_at ? `last packet ${ago(r.last_packet_at, now)}` : "no packet yet"} />
                <Check ok={r.database_ok} name="Database" note="" />
                <Check ok={r.disk_ok} name="Disk" note="" />
                {r.detail ? <li class="bad-text">{r.detail}</li> : null}
              </ul>
            )}
          </Show>
        </Card>
        <Show of={retention} what="disk" lines={5}>{(r) => <Disk r={r} m={b?.metrics ?? null} />}</Show>
        {b ? <Drops b={b} /> : null}
        </div>
        <div class="stack">
        <Limits />
        </div>
      </div>
    </>
  );
}
