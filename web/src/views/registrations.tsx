// Who is registered, was, or failed to; and the peers that ask each other with OPTIONS.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get, query } from "../api.ts";
import { ago, clock, delay, number } from "../format.ts";
import { useLoad, useNow, useTitle } from "../hooks.ts";
import { isAddress } from "../query.ts";
import { amend, link, type Route } from "../router.ts";
import type { List, Registration } from "../types.ts";
import { Card, Empty, Show, Tag, When } from "../ui.tsx";

interface Host { src_ip: string | null; src_alias: string | null; dst_ip: string | null; dst_alias: string | null; state: string; since_at: string | null; rtt_ms: number | null; missed: number; requests: number; user_agent: string | null; server: string | null; sip_code: number | null }

const STATES = ["registered", "failed", "expired", "removed", "trying"];
const TONES: Record<string, string> = { registered: "good", failed: "bad", expired: "warn", up: "good", down: "bad" };

function paramsOf(text: string, state: string): [string, string][] {
  const params: [string, string][] = [["limit", "500"]];
  if (state) params.push(["state", state]);
  const t = text.trim();
  if (isAddress(t)) params.push(["ip", t]);
  else if (t.includes("@")) params.push(["aor", t]);
  else if (t) params.push(["user", t]);
  return params;
}

/** What people call it, and what it is. */
function address(ip: string | null, alias: string | null): JSX.Element {
  return alias ? <>{alias} <span class="mono soft">{ip}</span></> : <span class="mono">{ip}</span>;
}

export function Registrations(p: { route: Route }): JSX.Element {
  const text = p.route.params.get("q") ?? "";
  const state = p.route.params.get("state") ?? "";
  const [typed, type] = useState(text);
  const now = useNow(5000);
  useTitle("Registrations");
  const list = useLoad<List<Registration>>(`reg ${text} ${state}`, (s) => get(`registrations${query(paramsOf(text, state))}`, s), 5000);
  const hosts = useLoad<List<Host>>("hosts", (s) => get("hosts?limit=200", s), 10000);
  return (
    <>
      <div class="view-head">
        <h1>Registrations</h1>
        <form role="search" onSubmit={(e) => { e.preventDefault(); amend({ q: typed }); }}>
          <input type="search" value={typed} aria-label="User, address of record or address" placeholder="user, user@host or address" size={28} onInput={(e) => type(e.currentTarget.value)} onChange={(e) => amend({ q: e.currentTarget.value })} />
        </form>
      </div>
      <div class="presets" role="group" aria-label="State">
        {STATES.map((s) => <button key={s} type="button" aria-pressed={state === s} onClick={() => amend({ state: state === s ? null : s })}>{s}</button>)}
        <span class="counted" role="status">{list.data ? `${number(list.data.data.length)}${list.data.page.has_more ? "+" : ""} ${list.data.data.length === 1 ? "address" : "addresses"}` : ""}</span>
      </div>
      <Card title="Addresses of record">
        <Show of={list} what="registrations" lines={6}>
          {(l) =>
            l.data.length === 0 ? (
              <Empty title={text || state ? "No registration fits." : "Nobody has registered."}><p>A REGISTER shows up here within a second, also one that fails.</p></Empty>
            ) : (
              <div class="scroll" tabIndex={0} role="region" aria-label="Registrations">
                <table>
                  <thead><tr><th>Address of record</th><th>State</th><th>From</th><th>Registrar</th><th>Device</th><th class="num">Attempts</th><th class="num">Failed</th><th class="num">Delay</th><th>Runs out</th><th>News</th></tr></thead>
                  <tbody>
                    {l.data.map((r, i) => (
                      <tr key={`${r.aor}${i}`}>
                        <td>{r.aggregate ? <span class="soft">{number(r.count)} more of this source</span> : <a href={link("calls", "", { q: r.user ?? "" })}>{r.aor ?? "–"}</a>}</td>
                        <td><Tag kind={TONES[r.state] ?? ""}>{r.state}{r.sip_code && r.state === "failed" ? ` ${r.sip_code}` : ""}</Tag></td>
                        <td class="mono">{r.ip ?? "–"}{r.port ? `:${r.port}` : ""} {r.transport ?? ""}{r.source_changes ? <Tag title="came from another address than before">moved {r.source_changes}</Tag> : null}</td>
                        <td class="mono">{r.registrar ?? "–"}</td>
                        <td>{r.user_agent ?? "–"}</td>
                        <td class="num">{number(r.attempts)}</td>
                        <td class={`num ${r.failures ? "bad-text" : ""}`}>{number(r.failures)}</td>
                        <td class="num">{delay(r.rrd_ms)}</td>
                        <td><When at={r.expires_at}>{ago(r.expires_at, now)}</When></td>
                        <td><When at={r.updated_at}>{clock(r.updated_at)}</When></td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )
          }
        </Show>
      </Card>
      <Card title="Peers asked with OPTIONS" class="below">
        <Show of={hosts} what="peers" lines={3}>
          {(l) =>
            l.data.length === 0 ? (
              <Empty title="No OPTIONS seen." />
            ) : (
              <div class="scroll" tabIndex={0} role="region" aria-label="Peers">
                <table>
                  <thead><tr><th>Asks</th><th>Is asked</th><th>State</th><th>Since</th><th class="num">Round trip</th><th class="num">Missed</th><th>Says</th></tr></thead>
                  <tbody>
                    {l.data.map((h, i) => (
                      <tr key={i}>
                        <td>{address(h.src_ip, h.src_alias)}</td><td>{address(h.dst_ip, h.dst_alias)}</td>
                        <td><Tag kind={TONES[h.state] ?? ""}>{h.state}{h.sip_code ? ` ${h.sip_code}` : ""}</Tag></td>
                        <td><When at={h.since_at}>{ago(h.since_at, now)}</When></td>
                        <td class="num">{delay(h.rtt_ms)}</td>
                        <td class="num">{number(h.missed)} of {number(h.requests)}</td>
                        <td>{h.server ?? h.user_agent ?? "–"}</td>
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
  );
}
