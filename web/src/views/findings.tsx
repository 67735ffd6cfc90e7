// What looks like an attack or an outage; one of them in full.
import type { JSX } from "preact";
import { get, query } from "../api.ts";
import { ago, clock, howLong, number, words } from "../format.ts";
import { useLoad, useNow, useTitle } from "../hooks.ts";
import { amend, link, type Route } from "../router.ts";
import type { Finding, List } from "../types.ts";
import { Card, Empty, Show, Tag, When } from "../ui.tsx";

const TONES: Record<string, string> = { critical: "bad", warning: "warn", info: "" };

function Endpoints(p: { title: string; list: string[] }): JSX.Element | null {
  return p.list.length ? (
    <div>
      <dt>{p.title}</dt>
      <dd class="mono">{p.list.map((e) => <div key={e}><a href={link("calls", "", { q: e.replace(/:\d+$/, "") })}>{e}</a></div>)}</dd>
    </div>
  ) : null;
}

function One(p: { id: string }): JSX.Element {
  const found = useLoad<Finding>(`finding ${p.id}`, (s) => get(`findings/${encodeURIComponent(p.id)}`, s), 5000);
  const now = useNow(5000);
  return (
    <Show of={found} what="the finding" lines={6}>
      {(f) => (
        <Card title={words(f.detector)} extra={<a href={link("findings")}>all findings</a>}>
          <p class="lead"><Tag kind={TONES[f.severity] ?? ""}>{f.severity}</Tag> <Tag kind={f.state === "open" ? "bad" : "good"}>{f.state}</Tag> {f.detail}</p>
          <dl class="facts">
            <div><dt>First sign</dt><dd><When at={f.first_at}>{clock(f.first_at)}</When></dd></div>
            <div><dt>Enough of it</dt><dd><When at={f.opened_at}>{clock(f.opened_at)}</When></dd></div>
            <div><dt>Newest sign</dt><dd><When at={f.updated_at}>{ago(f.updated_at, now)}</When></dd></div>
            {f.cleared_at ? <div><dt>Quiet since</dt><dd><When at={f.cleared_at}>{ago(f.cleared_at, now)}</When></dd></div> : null}
            <div><dt>Signs</dt><dd>{number(f.count)}{f.episodes > 1 ? ` in ${f.episodes} episodes` : ""}</dd></div>
            <div><dt>Rule</dt><dd><code>{f.rule}</code> {number(f.threshold)}{f.window_ms ? ` within ${howLong(f.window_ms)}` : ""}</dd></div>
            {f.subject ? <div><dt>About</dt><dd><a href={link("calls", "", { q: f.subject })}>{f.subject}</a></dd></div> : null}
            <Endpoints title="From" list={f.sources} />
            <Endpoints title="To" list={f.destinations} />
          </dl>
          {f.samples.length ? <><h3>As it was on the wire</h3><pre class="raw">{f.samples.join("\n")}</pre></> : null}
          {f.calls.length ? <><h3>Calls in which it showed</h3><ul>{f.calls.map((c) => <li key={c}><a class="mono" href={link("call", c)}>{c}</a></li>)}</ul></> : null}
        </Card>
      )}
    </Show>
  );
}

export function Findings(p: { route: Route }): JSX.Element {
  const state = p.route.params.get("state") ?? "";
  const severity = p.route.params.get("severity") ?? "";
  const now = useNow(10000);
  useTitle("Findings");
  const params: [string, string][] = [["limit", "300"]];
  if (state) params.push(["state", state]);
  if (severity) params.push(["severity", severity]);
  const list = useLoad<List<Finding>>(p.route.id ? null : `findings ${state} ${severity}`, (s) => get(`findings${query(params)}`, s), 5000);
  return (
    <>
      <div class="view-head"><h1>Findings</h1></div>
      {p.route.id ? <One id={p.route.id} /> : (
        <>
          <div class="presets" role="group" aria-label="Which">
            {["open", "cleared"].map((s) => <button key={s} type="button" aria-pressed={state === s} onClick={() => amend({ state: state === s ? null : s })}>{s}</button>)}
            {["critical", "warning", "info"].map((s) => <button key={s} type="button" aria-pressed={severity === s} onClick={() => amend({ severity: severity === s ? null : s })}>{s}</button>)}
          </div>
          <Card title="Newest first">
            <Show of={list} what="findings" lines={6}>
              {(l) =>
                l.data.length === 0 ? (
                  <Empty title="Nothing found."><p>Scanners, guessed passwords, floods, forged BYEs, silent trunks and the like are written here as soon as there is enough of them.</p></Empty>
                ) : (
                  <div class="scroll" tabIndex={0} role="region" aria-label="Findings">
                    <table>
                      <thead><tr><th>What</th><th>Severity</th><th>State</th><th>In words</th><th>From</th><th class="num">Signs</th><th>Newest</th></tr></thead>
                      <tbody>
                        {l.data.map((f) => (
                          <tr key={f.uid}>
                            <td><a href={link("findings", f.uid)}>{words(f.detector)}</a></td>
                            <td><Tag kind={TONES[f.severity] ?? ""}>{f.severity}</Tag></td>
                            <td>{f.state}</td>
                            <td class="wrap">{f.detail}</td>
                            <td class="mono">{f.src_ip ?? "–"}</td>
                            <td class="num">{number(f.count)}</td>
                            <td><When at={f.updated_at}>{ago(f.updated_at, now)}</When></td>
                          </tr>
                        ))}
                      </tbody>
                    </table>
                  </div>
                )
              }
            </Show>
          </Card>
        </>
      )}
    </>
  );
}
