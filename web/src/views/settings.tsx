// Rules, retention, tokens and persons, audit: shown as they are in force. What this service has no path for is said so.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError, get, offers, query, send } from "../api.ts";
import { clock, howLong, words } from "../format.ts";
import { useLoad, useTitle } from "../hooks.ts";
import { link, type Route } from "../router.ts";
import type { RecordingRules, Retention } from "../types.ts";
import { Card, Empty, Loading, Show, Tag, When } from "../ui.tsx";
import { Disk } from "./health.tsx";

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

function RetentionTab(): JSX.Element {
  const retention = useLoad<Retention>("retention", (s) => get("policies/retention", s), 15000);
  const [said, say] = useState<string | null>(null);
  const run = () => send("POST", "policies/retention/run", {}).then(() => say("It looks now for what has to go."), (e: unknown) => say(e instanceof ApiError ? e.message : String(e)));
  return (
    <Show of={retention} what="retention" lines={5}>
      {(r) => (
        <>
          <Disk r={r} m={null} />
          <p class="notice">Terms stand in the configuration, section <code>[retention]</code>. Calls under a hold stay.{r.min_free_bytes ? " Recordings go before their time when the disk is low." : ""}</p>
          <button type="button" onClick={() => void run()}>Look now for what has to go</button> {said ? <span role="status">{said}</span> : null}
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
