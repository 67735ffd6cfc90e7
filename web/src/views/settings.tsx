// Rules, retention, tokens and persons, audit: shown as they are in force. What this service has no path for is said so.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError, get, offers, query, send } from "../api.ts";
import { bytes, clock, howLong, words } from "../format.ts";
import { useLoad, useTitle } from "../hooks.ts";
import { link, type Route } from "../router.ts";
import type { RecordingRules, Retention } from "../types.ts";
import { Card, Empty, Loading, Show, Tag, When } from "../ui.tsx";
import { CLASSES, Disk } from "./health.tsx";

const TABS: [string, string][] = [["rules", "Recording rules"], ["retention", "Retention"], ["tokens", "Tokens"], ["users", "Users"], ["audit", "Audit"]];

const ACTIONS: Record<string, string> = {
  record: "recorded", "metadata-only": "not recorded, only described", "headers-only": "packets kept without what is said", skip: "not kept at all", "on-demand": "recorded when asked for", "on-demand-keep": "recorded from its start when asked for",
};

function Offered(p: { path: string; what: string; children: () => ComponentChildren }): JSX.Element {
  const [there, set] = useState<boolean | null>(null);
  useEffect(() => void offers(p.path).then(set), [p.path]);
  if (there === null) return <Loading lines={4} />;
  return there ? <>{p.children()}</> : <Empty title={`This service does not show ${p.what} here.`}><p>They are managed on the machine itself: <code>earshot --help</code>.</p></Empty>;
}

interface Verdict { rule: string | null; action: string; depends_on_length: boolean; rules: { name: string; verdict: string; key: string | null; wanted: string | null }[] }

function TryRules(): JSX.Element {
  const [caller, setCaller] = useState("");
  const [callee, setCallee] = useState("");
  const [answer, set] = useState<Verdict | null>(null);
  const [problem, tell] = useState<string | null>(null);
  const submit = async (e: Event) => {
    e.preventDefault();
    tell(null);
    try {
      set(await send<Verdict>("POST", "policies/recording/test", { ...(caller ? { caller } : {}), ...(callee ? { callee } : {}) }));
    } catch (x) {
      set(null);
      tell(x instanceof ApiError ? x.message : String(x));
    }
  };
  return (
    <Card title="Try them on a call" class="below">
      <form class="inline-form" onSubmit={(e) => void submit(e)}>
        <label>Caller <input value={caller} onInput={(e) => setCaller(e.currentTarget.value)} placeholder="+4930…" /></label>
        <label>Callee <input value={callee} onInput={(e) => setCallee(e.currentTarget.value)} placeholder="+4989…" /></label>
        <button>Which rule?</button>
      </form>
      {problem ? <p class="bad-text" role="alert">{problem}</p> : null}
      {answer ? (
        <div role="status">
          <p>{answer.rule ? <>Rule <b>{answer.rule}</b> decides: </> : "No rule decides; by default "}such a call is <b>{ACTIONS[answer.action] ?? answer.action}</b>{answer.depends_on_length ? ", unless another rule decides once its length is known" : ""}.</p>
          {answer.rules.length ? <ul>{answer.rules.map((r) => <li key={r.name}><Tag kind={r.verdict === "matches" ? "good" : ""}>{words(r.verdict)}</Tag> {r.name}{r.key ? <span class="soft"> {r.key} is not {r.wanted}</span> : null}</li>)}</ul> : null}
        </div>
      ) : null}
    </Card>
  );
}

function Rules(): JSX.Element {
  const rules = useLoad<RecordingRules>("rules", (s) => get("policies/recording", s));
  return (
    <>
      <Card title="In force" extra={<span class="soft">from {rules.data?.source ?? "…"}</span>}>
        <Show of={rules} what="rules" lines={4}>
          {(r) => (
            <>
              <p class="lead">A call that no rule decides is <b>{ACTIONS[r.default ?? ""] ?? r.default ?? "–"}</b>. The first rule that fits decides.</p>
              {r.rules.length === 0 ? <Empty title="There are no rules." /> : (
                <div class="scroll" tabIndex={0} role="region" aria-label="Rules">
                  <table>
                    <thead><tr><th class="num">#</th><th>Rule</th><th>Then the call is</th><th>If</th></tr></thead>
                    <tbody>
                      {r.rules.map((x, i) => (
                        <tr key={x.name}>
                          <td class="num soft">{i + 1}</td><th scope="row">{x.name}</th><td>{ACTIONS[x.action] ?? x.action}</td>
                          <td class="wrap">{Object.entries(x).filter(([k]) => k !== "name" && k !== "action").map(([k, v]) => <span key={k} class="pairing"><span class="soft">{words(k)}</span> <code>{String(v)}</code> </span>)}</td>
                        </tr>
                      ))}
                    </tbody>
                  </table>
                </div>
              )}
            </>
          )}
        </Show>
      </Card>
      <TryRules />
    </>
  );
}

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
  const field = (k: string, what: string) => <input type="number" min="0" step="any" aria-label={what} placeholder="no bound" value={fields[k]} onInput={(e) => edit(k, e.currentTarget.value)} />;
  const going = would ? Object.entries(would.would_go).filter(([, w]) => w.things) : [];
  return (
    <Card title="Other terms" class="below">
      <form onSubmit={(e) => { e.preventDefault(); void ask(false); }}>
        <table class="tight">
          <thead><tr><th>Class</th><th>Kept for days</th><th>At most GiB</th></tr></thead>
          <tbody>{Object.keys(p.r.classes).map((id) => <tr key={id}><th scope="row">{CLASSES[id] ?? id}</th><td>{field(`${id} age`, `${id}: days`)}</td><td>{field(`${id} bytes`, `${id}: GiB`)}</td></tr>)}</tbody>
        </table>
        <p class="inline-form"><label>Left free, GiB {field("free", "left free: GiB")}</label><button>What would go?</button>
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

function RetentionTab(): JSX.Element {
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
        </>
      )}
    </Show>
  );
}

type Item = Record<string, unknown>;
const UID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}(\/\d+)?$/;
function text(v: unknown): string {
  return v === null || v === undefined ? "–" : Array.isArray(v) ? v.map(text).join(", ") : typeof v === "object" ? JSON.stringify(v) : String(v);
}
function isTime(k: string, v: unknown): v is string {
  return typeof v === "string" && (k.endsWith("_at") || k === "at" || k === "time");
}

/** A list as the service gives it: a column for each simple field. */
function Table(p: { path: string; what: string }): JSX.Element {
  const list = useLoad<{ data: Item[] }>(p.path, (s) => get(`${p.path}${p.path === "audit" ? query({ limit: "200" }) : ""}`, s));
  return (
    <Show of={list} what={p.what} lines={6}>
      {(l) => {
        const keys = [...new Set(l.data.flatMap((i) => Object.keys(i)))].slice(0, 9);
        return l.data.length === 0 ? <Empty title={`No ${p.what}.`} /> : (
          <div class="scroll card" tabIndex={0} role="region" aria-label={p.what}>
            <table>
              <thead><tr>{keys.map((k) => <th key={k}>{words(k)}</th>)}</tr></thead>
              <tbody>{l.data.map((i, n) => <tr key={n}>{keys.map((k) => { const v = i[k]; const t = text(v); return <td key={k} class={t.length > 40 ? "wrap" : "short"} title={k === "hash" ? t : undefined}>{isTime(k, v) ? <When at={v}>{clock(v)}</When> : k === "hash" ? <code>{t.slice(0, 12)}…</code> : k === "object" && UID.test(t) ? <a class="mono" href={link("call", t.slice(0, 36))}>{t}</a> : t}</td>; })}</tr>)}</tbody>
            </table>
          </div>
        );
      }}
    </Show>
  );
}

export function Settings(p: { route: Route }): JSX.Element {
  const tab = TABS.some(([id]) => id === p.route.id) ? p.route.id : "rules";
  useTitle("Settings");
  return (
    <>
      <div class="view-head"><h1>Settings</h1></div>
      <nav class="presets" aria-label="Settings">
        {TABS.map(([id, name]) => <a key={id} class="pill" href={link("settings", id)} aria-current={id === tab ? "page" : undefined}>{name}</a>)}
      </nav>
      {tab === "rules" ? <Rules /> : tab === "retention" ? <RetentionTab /> : <Offered key={tab} path={`/${tab}`} what={tab === "audit" ? "the audit log" : tab}>{() => <Table path={tab} what={tab === "audit" ? "entries" : tab} />}</Offered>}
      {tab === "retention" ? <p class="soft">Older than its term goes within a minute, beyond a quota within a second ({howLong(60000)} at most).</p> : null}
    </>
  );
}
