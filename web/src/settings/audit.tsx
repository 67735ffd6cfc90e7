// The audit log: what was done, by whom, to what; what is looked for stands in the link.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get, query } from "../api.ts";
import { clock, DASH } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { amend, link } from "../router.ts";
import { fromOf, SpanPicker, spanOf } from "../spans.tsx";
import type { AuditRow, List } from "../types.ts";
import { Empty, Show, Tag, When } from "../ui.tsx";
import { Rows, useSender, Wrong } from "./parts.tsx";

const FILTERS: [string, string, string][] = [["actor", "Who", "alice"], ["action", "Did what", "policy.write"], ["object", "To what", "a uid, a name"], ["result", "Result", "ok, denied"], ["address", "From", "192.0.2.1"]];
const UID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}(\/\d+)?$/;

function Entry(p: { row: AuditRow }): JSX.Element {
  const { row } = p;
  const only = (k: string, v: string) => <a class="plain-link" href={link("settings", "audit", { [k]: v })} title={`Only ${v}`}>{v}</a>;
  return (
    <tr>
      <td class="short"><When at={row.at}>{clock(row.at)}</When></td><th scope="row">{only("actor", row.actor)}</th><td class="short">{only("action", row.action)}</td>
      <td class={UID.test(row.object) ? "wrap uid" : "wrap"}>{UID.test(row.object) ? <a class="mono" href={link("call", row.object.slice(0, 36))}>{row.object}</a> : row.object || DASH}</td>
      <td>{row.result === "ok" ? <span class="soft">ok</span> : <Tag kind={row.result === "denied" || row.result === "failed" ? "bad" : ""}>{row.result}</Tag>}</td>
      <td class="wrap">{row.detail || DASH}</td><td class="mono short">{row.address || DASH}</td><td class="mono soft" title={row.hash}>{row.hash.slice(0, 8)}</td>
    </tr>
  );
}

export function Audit(p: { params: URLSearchParams }): JSX.Element {
  const span = spanOf(p.params);
  const asked = Object.fromEntries(FILTERS.map(([k]) => [k, p.params.get(k) ?? ""]).filter(([, v]) => v !== "")) as Record<string, string>;
  const key = `audit ${span} ${JSON.stringify(asked)}`;
  const [fields, set] = useState(asked);
  const [more, add] = useState<{ key: string; rows: AuditRow[]; cursor: string | null }>({ key, rows: [], cursor: null });
  const load = (cursor: string | null, s?: AbortSignal) => get<List<AuditRow>>(`audit${query({ ...asked, from: fromOf(span), limit: "100", ...(cursor ? { cursor } : {}) })}`, s);
  const list = useLoad(key, (s) => load(null, s));
  const sender = useSender();
  useEffect(() => set(asked), [key]);
  const rest = more.key === key ? more : { key, rows: [], cursor: null };
  const cursor = rest.rows.length ? rest.cursor : (list.data?.page.next_cursor ?? null);
  const next = () => void sender.run(async () => { const l = await load(cursor); add({ key, rows: [...rest.rows, ...l.data], cursor: l.page.next_cursor }); });
  return (
    <>
      <form class="inline-form audit-form" onSubmit={(e) => { e.preventDefault(); amend(Object.fromEntries(FILTERS.map(([k]) => [k, fields[k]?.trim() || null]))); }}>
        {FILTERS.map(([k, name, example]) => <label key={k}>{name} <input value={fields[k] ?? ""} placeholder={example} onInput={(e) => set({ ...fields, [k]: e.currentTarget.value })} /></label>)}
        <SpanPicker span={span} />
        <button>Look</button>
        {Object.keys(asked).length ? <button type="button" onClick={() => amend(Object.fromEntries(FILTERS.map(([k]) => [k, null])))}>All</button> : null}
      </form>
      <Show of={list} what="audit log" lines={6}>
        {(l) => l.data.length === 0 ? <Empty title="Nothing of this was done in this time." /> : (
          <section class="card" aria-label="Audit log">
            <Rows label="Entries" head={<><th>When</th><th>Who</th><th>Did what</th><th>To what</th><th>Result</th><th>Detail</th><th>From</th><th>Hash</th></>}>{[...l.data, ...rest.rows].map((r) => <Entry key={r.id} row={r} />)}</Rows>
            <Wrong error={sender.error} />
            {cursor ? <div class="buttons"><button type="button" disabled={sender.busy} onClick={next}>Older ones</button></div> : null}
          </section>
        )}
      </Show>
    </>
  );
}
