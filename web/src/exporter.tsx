// The calls of a search as one file: asked for, watched while the service makes it, fetched. The service keeps them for a day.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError, get, send, url } from "./api.ts";
import { sinceOf, type Order } from "./callrows.ts";
import { bytes, number } from "./format.ts";
import type { Parsed } from "./query.ts";
import type { Export } from "./types.ts";
import { Tag } from "./ui.tsx";

const KINDS: [string, string][] = [
  ["csv", "Table (CSV)"], ["ndjson", "Records (JSON lines)"], ["audio", "Recordings"], ["pcap", "Packets"], ["full", "All of it"],
];
const TONE: Record<Export["state"], string> = { queued: "", running: "", ready: "good", failed: "bad", expired: "" };
const SHOWN = 5;

/** The filter of POST /exports; repeated words are lists. A MOS is below something on one scale. */
export function filterOf(parsed: Parsed, from: string, order: Order): Record<string, string | string[]> {
  const filter: Record<string, string | string[]> = { ...Object.fromEntries(sinceOf(parsed, from)), order };
  const params: [string, string][] = [...parsed.params];
  if (parsed.mosBelow !== null) {
    params.push(["mos_min__lte", String(parsed.mosBelow)]);
    if (!parsed.params.some(([k]) => k === "scale")) params.push(["scale", "NB"]);
  }
  for (const [k, v] of params) {
    const there = filter[k];
    filter[k] = there === undefined ? v : [...(Array.isArray(there) ? there : [there]), v];
  }
  return filter;
}

/** What the list shows and the file will not, or the other way round. */
export function caveats(parsed: Parsed): string[] {
  const said: string[] = [];
  if (parsed.conditions.length) said.push(`The page alone looks at ${parsed.conditions.map((c) => c.field).join(", ")}: the file has the other calls, too.`);
  if (parsed.mosBelow !== null && !parsed.params.some(([k]) => k === "scale")) said.push("A MOS is compared on the NB scale; say scale:WB for another.");
  return said;
}

function Made(p: { e: Export; gone: () => void }): JSX.Element {
  const { e } = p;
  const busy = e.state === "queued" || e.state === "running";
  const done = e.progress.calls_total === null ? number(e.progress.calls_done) : `${number(e.progress.calls_done)} of ${number(e.progress.calls_total)}`;
  const remove = () => void send("DELETE", `exports/${e.id}`).then(p.gone, p.gone);
  return (
    <li>
      <Tag kind={TONE[e.state]}>{e.state}</Tag>{" "}
      {e.url ? <a href={url(e.url)} download>{e.kind}, {number(e.calls)} calls, {bytes(e.size_bytes)}</a> : `${e.kind}, ${busy ? done : number(e.calls)} calls`}
      {e.truncated ? " of more" : ""}{e.missing ? `, ${number(e.missing)} missing` : ""}
      {e.error ? <span class="soft"> {e.error.detail}</span> : null}{" "}
      <button type="button" class="quiet" onClick={remove} aria-label={`${busy ? "End" : "Delete"} the export of ${e.calls} calls`}>{busy ? "End" : "Delete"}</button>
    </li>
  );
}

function useExports(open: boolean): { list: Export[]; error: ApiError | null; look: () => void; fail: (e: unknown) => void } {
  const [list, set] = useState<Export[]>([]);
  const [error, fail] = useState<ApiError | null>(null);
  const [turn, again] = useState(0);
  const wrong = (e: unknown) => fail(e instanceof ApiError ? e : new ApiError(0, "page", String(e)));
  useEffect(() => {
    if (!open) return undefined;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    get<{ data: Export[] }>("exports", abort.signal).then(
      (a) => {
        set(a.data.slice(0, SHOWN));
        if (a.data.some((e) => e.state === "queued" || e.state === "running")) timer = setTimeout(() => again((n) => n + 1), 1000);
      },
      (e: unknown) => { if (!abort.signal.aborted) wrong(e); },
    );
    return () => { abort.abort(); clearTimeout(timer); };
  }, [open, turn]);
  return { list, error, look: () => { fail(null); again((n) => n + 1); }, fail: wrong };
}

export function Exporter(p: { parsed: Parsed; from: string; order: Order }): JSX.Element {
  const [open, toggle] = useState(false);
  const [kind, choose] = useState("csv");
  const { list, error, look, fail } = useExports(open);
  const ask = () => void send("POST", "exports", { kind, filter: filterOf(p.parsed, p.from, p.order), max_calls: 20000 }).then(look, fail);
  return (
    <details class="columns-picker exporter" onToggle={(e) => toggle(e.currentTarget.open)}>
      <summary>Export</summary>
      <fieldset>
        <legend class="sr">Calls of this search as a file</legend>
        <label>
          <span class="sr">What is in it</span>
          <select value={kind} onChange={(e) => choose(e.currentTarget.value)}>
            {KINDS.map(([id, name]) => <option key={id} value={id}>{name}</option>)}
          </select>
        </label>
        <button type="button" disabled={p.parsed.errors.length > 0} onClick={ask}>Make a file</button>
        {caveats(p.parsed).map((text) => <p key={text} class="soft">{text}</p>)}
        {error ? <p class="soft" role="alert">{error.message}</p> : null}
        <ul aria-live="polite">{list.map((e) => <Made key={e.id} e={e} gone={look} />)}</ul>
      </fieldset>
    </details>
  );
}
