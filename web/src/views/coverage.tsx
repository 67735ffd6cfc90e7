// Was every call recorded that should be?
import type { JSX } from "preact";
import { get, query } from "../api.ts";
import { fullTime, number, percent } from "../format.ts";
import { useLoad, useTitle } from "../hooks.ts";
import { link, type Route } from "../router.ts";
import { fromOf, SpanPicker, spanOf } from "../spans.tsx";
import type { Coverage } from "../types.ts";
import { Card, Empty, Figure, Meter, Show } from "../ui.tsx";

// What became of a recording: as a name, in words, and whether it is what was wanted.
const RESULTS: [string, string, string, string][] = [
  ["recorded", "Recorded", "rendered and ready to be heard", "good"],
  ["waiting", "Waiting", "over, and not rendered yet", ""],
  ["rule", "Not wanted", "a rule says that they are not recorded", ""],
  ["on_demand_dropped", "Not asked for", "kept on demand, and nobody asked in time", ""],
  ["paused_all", "Paused throughout", "the recording was paused from the beginning to the end", ""],
  ["no_rtp", "No media", "nothing came that could be recorded", "warn"],
  ["encrypted", "Encrypted", "SRTP without its keys", "warn"],
  ["undecodable", "Undecodable", "a codec that cannot be decoded here", "warn"],
  ["over_limit", "Over a limit", "more calls at once than may be recorded", "bad"],
  ["disk", "Disk", "the disk was full or did not answer", "bad"],
  ["capture_drop", "Packets missed", "too much was lost by the capture itself", "bad"],
  ["failed", "Failed", "the recording could not be rendered", "bad"],
];

export function CoverageView(p: { route: Route }): JSX.Element {
  const span = spanOf(p.route.params);
  useTitle("Coverage");
  const from = span === "400d" ? new Date(Date.now() - 365 * 86400000).toISOString() : fromOf(span);
  const coverage = useLoad<Coverage>(`coverage ${span}`, (s) => get(`coverage${query({ from })}`, s), 15000);
  return (
    <>
      <div class="view-head"><h1>Coverage</h1><SpanPicker span={span} /></div>
      <Show of={coverage} what="coverage" lines={6}>
        {(c) => {
          const missed = RESULTS.filter(([, , , tone]) => tone === "bad").reduce((n, [id]) => n + (c.results[id] ?? 0), 0);
          const known = new Set(RESULTS.map(([id]) => id));
          const others = Object.entries(c.results).filter(([id, n]) => !known.has(id) && n > 0);
          return (
            <>
              <dl class="figures">
                <Figure label="Of the calls that should be recorded" value={percent(c.recorded_ratio, 2)} note="are" tone={c.recorded_ratio === null ? "" : c.recorded_ratio >= 0.999 ? "good" : c.recorded_ratio >= 0.98 ? "warn" : "bad"} />
                <Figure label="Answered calls" value={number(c.answered)} note={`since ${fullTime(c.from)}`} />
                <Figure label="Recorded" value={number(c.results.recorded)} note={<a href={link("calls", "", { q: "recorded", span })}>show them</a>} />
                <Figure label="Missed by our fault" value={number(missed)} tone={missed ? "bad" : "good"} note={missed ? "see below" : "none"} />
              </dl>
              <Card title="What became of the recordings">
                {c.answered === 0 ? <Empty title="No answered call in this period." /> : (
                  <table class="results">
                    <thead><tr><th>Result</th><th class="num">Calls</th><th class="num">Share</th><th class="bar"><span class="sr">Bar</span></th><th>Meaning</th></tr></thead>
                    <tbody>
                      {RESULTS.map(([id, name, meaning, tone]) => {
                        const n = c.results[id] ?? 0;
                        return (
                          <tr key={id} class={n ? "" : "soft"}>
                            <th scope="row">{name}</th>
                            <td class={`num ${n && tone === "bad" ? "bad-text" : ""}`}>{number(n)}</td>
                            <td class="num">{percent(n / c.answered)}</td>
                            <td class="bar"><Meter value={n / c.answered} tone={tone} label={`${name}: ${percent(n / c.answered)}`} /></td>
                            <td class="soft">{meaning}</td>
                          </tr>
                        );
                      })}
                      {others.map(([id, n]) => <tr key={id}><th scope="row">{id}</th><td class="num">{number(n)}</td><td class="num">{percent(n / c.answered)}</td><td /><td /></tr>)}
                    </tbody>
                  </table>
                )}
              </Card>
            </>
          );
        }}
      </Show>
    </>
  );
}
