// How it goes: figures of the period, the quality of its calls, and the calls to look at first.
import type { JSX } from "preact";
import { get, query } from "../api.ts";
import { ago, clock, delay, duration, howLong, mos, number, percent, who } from "../format.ts";
import { useLoad, useNow, useTitle } from "../hooks.ts";
import { useLive } from "../live.ts";
import { link, type Route } from "../router.ts";
import { fromOf, minutesOf, SpanPicker, spanOf, spanWords } from "../spans.tsx";
import { bandsOf, type Bands } from "../bands.ts";
import type { CallBrief, Finding, List, PlaceQuality, StatsRow, StatsSummary, Trunk } from "../types.ts";
import { Card, Empty, Figure, Meter, Mos, Outcome, Show, Spark, Tag, When } from "../ui.tsx";

const METRICS = "attempts,answered,asr,ner,acd,pdd,scr";

function value(row: StatsRow | undefined, name: string): number | null {
  const v = row?.[name];
  return typeof v === "number" ? v : null;
}

function Figures(p: { span: string }): JSX.Element {
  const live = useLive();
  const total = useLoad<StatsSummary>(`sum ${p.span}`, (s) => get(`stats/summary${query({ from: fromOf(p.span), metrics: METRICS })}`, s), 30000);
  const unit = minutesOf(p.span) <= 60 ? "minute" : minutesOf(p.span) <= 1440 ? "quarter" : minutesOf(p.span) <= 10080 ? "hour" : "day";
  const line = useLoad<StatsSummary>(`line ${p.span}`, (s) => get(`stats/summary${query({ from: fromOf(p.span), group_by: unit, metrics: "attempts,asr" })}`, s), 60000);
  const now = live.snapshot;
  const talking = now?.data.filter((c) => c.state === "answered").length ?? null;
  return (
    <Show of={total} what="figures" lines={2}>
      {(t) => {
        const row = t.data[0];
        const rows = line.data?.data ?? [];
        const attempts = value(row, "attempts");
        return (
          <dl class="figures">
            <Figure label="Calls now" value={<a href={link("live")}>{now ? `${now.data.length}${now.has_more ? "+" : ""}` : "…"}</a>} note={talking === null ? "" : `${talking} talking`} />
            <Figure label="Attempts" value={number(attempts)} note={<Spark values={rows.map((r) => value(r, "attempts"))} min={0} label={`Attempts by ${unit}`} />} />
            <Figure label="Answered (ASR)" value={percent(value(row, "asr"))} note={<Spark values={rows.map((r) => value(r, "asr"))} min={0} max={1} label={`ASR by ${unit}`} />} />
            <Figure label="Network (NER)" value={percent(value(row, "ner"))} note="delivered by the network" />
            <Figure label="Mean length (ACD)" value={duration(value(row, "acd_ms"))} note={`half under ${duration(value(row, "acd_p50_ms"))}`} />
            <Figure label="Post-dial delay" value={delay(value(row, "pdd_p95_ms"))} note={`95 % under; half under ${delay(value(row, "pdd_p50_ms"))}`} />
          </dl>
        );
      }}
    </Show>
  );
}

const BAND_NOTES: [keyof Bands["counts"], string, string][] = [
  ["excellent", "4.34 and up", ""], ["good", "4.03 and up", ""], ["fair", "3.60 and up", "some complain"], ["poor", "3.10 and up", "many complain"], ["bad", "under 3.10", "nearly all complain"],
];

function Quality(p: { span: string }): JSX.Element {
  const bands = useLoad<Bands>(`bands ${p.span}`, (s) => bandsOf(fromOf(p.span), s), 60000);
  return (
    <Card title="Quality of calls" extra={<span class="soft">MOS of the worse direction{bands.data?.about ? ", by a sample" : ""}</span>}>
      <Show of={bands} what="quality" lines={5}>
        {(b) =>
          b.scored === 0 ? (
            <Empty title="No call with a score in this period." />
          ) : (
            <>
              <svg class="bandbar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="Shares of the bands">
                {BAND_NOTES.reduce<{ at: number; parts: JSX.Element[] }>(
                  (acc, [band]) => {
                    const w = (b.counts[band] / b.scored) * 100;
                    acc.parts.push(<rect key={band} class={band} x={acc.at} width={w} height="8" />);
                    return { at: acc.at + w, parts: acc.parts };
                  },
                  { at: 0, parts: [] },
                ).parts}
              </svg>
              <table class="tight">
                <tbody>
                  {BAND_NOTES.map(([band, from, note]) => (
                    <tr key={band}>
                      <th scope="row"><span class={`dot ${band}`} aria-hidden="true" />{band}</th>
                      <td class="num">{b.about ? "≈ " : ""}{number(b.counts[band])}</td>
                      <td class="num">{percent(b.counts[band] / b.scored, b.about ? 0 : 1)}</td>
                      <td class="soft">{from}{note ? ` · ${note}` : ""}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
              <p class="links">
                <a href={link("calls", "", { q: "mos<3.6", order: "mos_min", span: p.span })}>All below fair</a>
                <a href={link("calls", "", { q: "one-way", span: p.span })}>One-way: {number(b.oneWay)}</a>
                <a href={link("calls", "", { q: "no-media", span: p.span })}>No media: {number(b.noMedia)}</a>
              </p>
            </>
          )
        }
      </Show>
    </Card>
  );
}

function Worst(p: { span: string }): JSX.Element {
  const calls = useLoad<List<CallBrief>>(`worst ${p.span}`, (s) => get(`calls${query({ from: fromOf(p.span), order: "mos_min", outcome: "answered", limit: "8", view: "brief" })}`, s), 30000);
  return (
    <Card title="Worst calls" extra={<a href={link("calls", "", { order: "mos_min", q: "answered", span: p.span })}>all, worst first</a>}>
      <Show of={calls} what="the worst calls" lines={8}>
        {(list) =>
          list.data.length === 0 ? (
            <Empty title={`No answered call in the last ${spanWords(p.span)}.`}>
              <p>Choose a longer period, or look at <a href={link("health")}>Health</a> whether packets arrive.</p>
            </Empty>
          ) : (
            <ul class="worst">
              {list.data.map((c) => (
                <li key={c.uid}>
                  <a href={link("call", c.uid)}>
                    <Mos value={c.quality.mos_min} band={c.quality.band} scale={c.quality.scale} />
                    <span class="pair"><b>{who(c.from, c.caller)}</b> → <b>{who(c.to, c.callee)}</b></span>
                    <When at={c.started_at}>{clock(c.started_at)}</When>
                    <span class="sentence">{c.summary ?? (c.quality.band === "excellent" || c.quality.band === "good" ? "Nothing to complain about." : `${c.codec ?? ""} ${percent(c.quality.loss_ratio)} lost`)}</span>
                  </a>
                </li>
              ))}
            </ul>
          )
        }
      </Show>
    </Card>
  );
}

function Failed(p: { span: string }): JSX.Element {
  const params: [string, string][] = [["from", fromOf(p.span)], ["limit", "6"], ["view", "brief"], ["outcome", "failed"], ["outcome", "lost"], ["outcome", "rejected"]];
  const calls = useLoad<List<CallBrief>>(`failed ${p.span}`, (s) => get(`calls${query(params)}`, s), 30000);
  return (
    <Card title="Latest failures" extra={<a href={link("calls", "", { q: "outcome:failed,lost,rejected", span: p.span })}>all</a>}>
      <Show of={calls} what="failures" lines={5}>
        {(list) =>
          list.data.length === 0 ? (
            <Empty title="None failed." />
          ) : (
            <ul class="plain">
              {list.data.map((c) => (
                <li key={c.uid}>
                  <a href={link("call", c.uid)}>{who(c.from, c.caller)} → {who(c.to, c.callee)}</a>
                  <Outcome outcome={c.outcome} code={c.sip_code} kind={c.kind} />
                  <When at={c.started_at}>{clock(c.started_at)}</When>
                </li>
              ))}
            </ul>
          )
        }
      </Show>
    </Card>
  );
}

function Trunks(p: { span: string }): JSX.Element {
  const trunks = useLoad<{ data: Trunk[] }>("trunks", (s) => get("trunks", s), 10000);
  const quality = useLoad<{ data: PlaceQuality[] }>(`trunkq ${p.span}`, (s) =>
    get(`stats/quality${query({ from: fromOf(minutesOf(p.span) > 43200 ? "30d" : p.span), group_by: "trunk", order: "worst", limit: "200" })}`, s), 60000);
  const worst = new Map<string, PlaceQuality>();
  for (const q of quality.data?.data ?? []) if (q.trunk && !worst.has(q.trunk)) worst.set(q.trunk, q);
  const low = (t: Trunk) => Math.min(...Object.values(worst.get(t.name)?.mos ?? {}).map((m) => m.avg), 9);
  return (
    <Card title="Worst trunks" extra={<span class="soft">by their worst hour</span>}>
      <Show of={trunks} what="trunks" lines={4}>
        {(t) =>
          t.data.length === 0 ? (
            <Empty title="No trunk is configured.">
              <p>Name your carriers in <a href={link("settings", "trunks")}>Settings</a> or in the configuration (<code>[trunk NAME]</code>), and their load and quality stand here.</p>
            </Empty>
          ) : (
            <div class="scroll" tabIndex={0} role="region" aria-label="Trunks">
              <table>
                <thead><tr><th>Trunk</th><th class="num">Calls</th><th>Load</th><th class="num">Worst hour</th><th class="num">Loss</th></tr></thead>
                <tbody>
                  {[...t.data].sort((a, b) => low(a) - low(b)).slice(0, 8).map((x) => {
                    const q = worst.get(x.name);
                    return (
                      <tr key={x.name}>
                        <td><a href={link("calls", "", { q: `trunk:${x.name}`, order: "mos_min", span: p.span })}>{x.name}</a> {x.up === false ? <Tag kind="bad">down</Tag> : null}</td>
                        <td class="num">{x.calls}</td>
                        <td>{x.capacity_ratio === null ? <span class="soft">peak {x.calls_peak}</span> : <Meter value={x.capacity_ratio} tone={x.capacity_ratio > 0.9 ? "bad" : ""} label={`${percent(x.capacity_ratio, 0)} of ${x.capacity_calls} calls`} />}</td>
                        <td class="num">{q?.mos ? Object.entries(q.mos).map(([s, m]) => `${mos(m.avg)}${s === "NB" ? "" : ` ${s}`}`).join(", ") : "–"}</td>
                        <td class="num">{percent(q?.loss_ratio_avg)}</td>
                      </tr>
                    );
                  })}
                </tbody>
              </table>
            </div>
          )
        }
      </Show>
    </Card>
  );
}

function OpenFindings(): JSX.Element {
  const now = useNow(10000);
  const findings = useLoad<List<Finding>>("open findings", (s) => get("findings?state=open&limit=5", s), 15000);
  return (
    <Card title="Open findings" extra={<a href={link("findings")}>all</a>}>
      <Show of={findings} what="findings" lines={3}>
        {(f) =>
          f.data.length === 0 ? (
            <Empty title="Nothing looks like an attack or an outage." />
          ) : (
            <ul class="plain">
              {f.data.map((x) => (
                <li key={x.uid}>
                  <a href={link("findings", x.uid)}><Tag kind={x.severity === "critical" ? "bad" : x.severity === "warning" ? "warn" : ""}>{x.severity}</Tag> {x.detail}</a>
                  <When at={x.updated_at}>{ago(x.updated_at, now)}</When>
                </li>
              ))}
            </ul>
          )
        }
      </Show>
    </Card>
  );
}

export function Overview(p: { route: Route }): JSX.Element {
  const span = spanOf(p.route.params);
  useTitle("Overview");
  return (
    <div class="overview">
      <div class="view-head">
        <h1>Overview</h1>
        <SpanPicker span={span} />
        <a class="button" href={link("calls", "", { span })}>Search calls <kbd>/</kbd></a>
      </div>
      <Figures key={span} span={span} />
      <div class="halves">
        <div class="stack">
          <Worst span={span} />
        </div>
        <div class="stack">
          <Quality span={span} />
          <Trunks span={span} />
          <Failed span={span} />
          <OpenFindings />
        </div>
      </div>
      <p class="soft foot">Figures of calls that ended within the last {howLong(minutesOf(span) * 60000)}; those of the last minute may be missing.</p>
    </div>
  );
}
