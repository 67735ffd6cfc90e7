// Terms of retention: what is kept how long; others are tried first.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ApiError, get, send } from "../api.ts";
import { bytes, clock, howLong } from "../format.ts";
import { useLoad } from "../hooks.ts";
import type { Retention } from "../types.ts";
import { Card, Show, When } from "../ui.tsx";
import { CLASSES, Disk } from "../views/health.tsx";

interface Would { etag: string; shorter: boolean; change: string | null; complete: boolean; would_go: Record<string, { things: number; bytes: number; oldest_at: string | null; newest_at: string | null }> }
type Terms = { classes: Record<string, { max_age_s: number | null; max_bytes: number | null }>; min_free_bytes: number | null };

const DAY = 86400;
const GIB = 1073741824;
/** What stands in a field: nothing is no bound. */
const shown = (v: number | null, unit: number): string => (v === null ? "" : String(Math.round((v / unit) * 1000) / 1000));
/** What was not touched stays to the byte. */
function meant(text: string, unit: number, was: number | null): number | null {
  return text === shown(was, unit) ? was : text.trim() === "" ? null : Math.max(1, Math.round(Number(text) * unit));
}

/** Other terms: first what would go, then, with the tag of that answer, their putting. */
function ChangeTerms(p: { r: Retention; done: () => void }): JSX.Element {
  const start = Object.fromEntries([...Object.entries(p.r.classes).flatMap(([id, c]) => [[`${id} age`, shown(c.max_age_s, DAY)], [`${id} bytes`, shown(c.max_bytes, GIB)]]), ["free", shown(p.r.min_free_bytes, GIB)]]) as Record<string, string>;
  const [fields, set] = useState(start);
  const [would, tell] = useState<Would | null>(null);
  const [said, say] = useState<string | null>(null);
  const edit = (k: string, value: string) => { set({ ...fields, [k]: value }); tell(null); };
  const terms = (): Terms => ({
    classes: Object.fromEntries(Object.entries(p.r.classes).map(([id, c]) => [id, { max_age_s: meant(fields[`${id} age`]!, DAY, c.max_age_s), max_bytes: meant(fields[`${id} bytes`]!, GIB, c.max_bytes) }])),
    min_free_bytes: meant(fields["free"]!, GIB, p.r.min_free_bytes),
  });
  const ask = async (put: boolean) => {
    say(null);
    try {
      if (put && would) {
        await send("PUT", "policies/retention", terms(), { "If-Match": would.etag });
        tell(null);
        say("These terms are in force.");
        p.done();
      } else tell(await send<Would>("POST", "policies/retention/test", terms()));
    } catch (x) {
      tell(null);
      say(x instanceof ApiError ? `${x.field ? `${x.field}: ` : ""}${x.message}` : String(x));
    }
  };
  const field = (k: string, what: string) => <input type="number" min="0" step="any" aria-label={what} placeholder="none" value={fields[k]} onInput={(e) => edit(k, e.currentTarget.value)} />;
  const going = would ? Object.entries(would.would_go).filter(([, w]) => w.things) : [];
  return (
    <Card title="Other terms" class="below">
      <form onSubmit={(e) => { e.preventDefault(); void ask(false); }}>
        <table class="tight">
          <thead><tr><th>Class</th><th>Kept for days</th><th>At most GiB</th></tr></thead>
          <tbody>{Object.keys(p.r.classes).map((id) => <tr key={id}><th scope="row">{CLASSES[id] ?? id}</th><td>{field(`${id} age`, `${id}: days`)}</td><td>{field(`${id} bytes`, `${id}: GiB`)}</td></tr>)}</tbody>
        </table>
        <p class="inline-form below"><label>Left free, GiB {field("free", "left free: GiB")}</label><button>What would go?</button>
          {would?.change ? <button type="button" onClick={() => void ask(true)}>{going.length ? "Put them, and delete that" : "Put them"}</button> : null}</p>
      </form>
      {said ? <p role="status">{said}</p> : null}
      {would ? (
        <div role="status">
          <p>{would.change ? <>Changed: {would.change}.</> : "These are the terms in force."}</p>
          {going.length ? <ul>{going.map(([id, w]) => <li key={id}><b>{bytes(w.bytes)}</b> in {w.things} of {CLASSES[id] ?? id}{w.oldest_at && w.newest_at ? <>, from <When at={w.oldest_at}>{clock(w.oldest_at)}</When> to <When at={w.newest_at}>{clock(w.newest_at)}</When></> : null}</li>)}</ul> : <p>Nothing would go.</p>}
          {would.complete ? null : <p class="soft">There is more: counting was given up after some seconds.</p>}
        </div>
      ) : null}
    </Card>
  );
}

export function RetentionTab(): JSX.Element {
  const [turn, again] = useState(0);
  const retention = useLoad<Retention>(`retention ${turn}`, (s) => get("policies/retention", s), 15000);
  const [said, say] = useState<string | null>(null);
  const run = () => send("POST", "policies/retention/run", {}).then(() => say("It looks now for what has to go."), (e: unknown) => say(e instanceof ApiError ? e.message : String(e)));
  return (
    <Show of={retention} what="retention" lines={5}>
      {(r) => (
        <>
          <Disk r={r} m={null} />
          <p class="notice">{r.source === "api" ? <>Terms were put here; those of the configuration, section <code>[retention]</code>, wait.</> : <>Terms stand in the configuration, section <code>[retention]</code>; others may be put in their place.</>}{r.min_free_bytes ? " Recordings go before their time when the disk is low." : ""}</p>
          <button type="button" onClick={() => void run()}>Look now for what has to go</button> {said ? <span role="status">{said}</span> : null}
          <ChangeTerms key={`terms ${turn}`} r={r} done={() => again(turn + 1)} />
          <p class="soft below">Older than its term goes within a minute, beyond a quota within a second ({howLong(60000)} at most).</p>
        </>
      )}
    </Show>
  );
}
