// The recording rules: a draft beside what is in force. It is tried on calls first, then put as a whole, and only if nobody put others
// meanwhile. What the service finds wrong stands at its rule.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type ApiError, getTagged, send } from "../api.ts";
import { clock, DASH, words } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { link } from "../router.ts";
import type { RecordingRules, Rule, RulesCompared } from "../types.ts";
import { Card, Empty, Show, Tag } from "../ui.tsx";
import { Field, listOf, Rows, useSender, Wrong } from "./parts.tsx";

const ACTIONS: Record<string, string> = {
  record: "recorded", "metadata-only": "not recorded, only described", "headers-only": "packets kept without what is said", skip: "not kept at all", "on-demand": "recorded when asked for", "on-demand-keep": "recorded from its start when asked for",
};
const action = (a: string | undefined): string => ACTIONS[a ?? ""] ?? a ?? DASH;

/** Keys of a rule, what stands in them, an example. First what has to hold, then what becomes of the call. */
const IF: [string, string, string][] = [
  ["number", "number of either side", "+43*, 4711"], ["caller", "caller", "+4930*"], ["callee", "callee", "0900*"], ["direction", "direction", "in, out, internal"], ["trunk", "trunk", "carrier-1"], ["site", "site of either side", "vienna"],
  ["caller_site", "caller's site", "vienna"], ["callee_site", "callee's site", "graz"], ["tenant", "tenant", "acme"], ["network", "network of either side", "10.1.0.0/16"], ["caller_network", "caller's network", "10.1.0.0/16"],
  ["callee_network", "callee's network", "10.2.0.0/16"], ["vlan", "VLAN", "10, 11"], ["domain", "SIP domain of either side", "*.example.com"], ["caller_domain", "caller's domain", "example.com"], ["callee_domain", "callee's domain", "example.com"],
  ["header", "header of the INVITE", "X-Record: yes"], ["user_agent", "User-Agent of the caller", "*yealink*"], ["hours", "hours", "08:00-18:00"], ["weekdays", "weekdays", "mon-fri"], ["sample", "only so many", "10%"], ["longer_than", "lasts longer than", "30s"], ["valid_until", "valid until", "2027-06-30"],
];
const THEN: [string, string, string][] = [
  ["format", "format of the file", "ogg"], ["retain", "kept for", "90d"], ["mask", "pressed keys", "keep, count, drop"], ["tags", "tags", "sales, vip"], ["min_duration", "not kept when shorter than", "5s"], ["split", "further file after", "1h"], ["look_back", "begins ahead of the request by", "1min"],
];
const KEYS = new Map([...IF, ...THEN].map(([k, name, example]) => [k, { name, example }]));

const shown = (v: string | string[]): string => (Array.isArray(v) ? v.join("\n") : v);
const entries = (r: Rule): [string, string][] => Object.entries(r).filter(([k]) => k !== "name" && k !== "action").map(([k, v]) => [k, shown(v)]);
const whole = (d: RecordingRules): RecordingRules => ({ ...(d.default ? { default: d.default } : {}), rules: d.rules });
const same = (a: RecordingRules, b: RecordingRules): boolean => JSON.stringify(whole(a)) === JSON.stringify(whole(b));

/** Which rule an answer speaks of: its sentence names it as the section of a configuration. */
function ruleOf(error: ApiError | null): string | null {
  return error ? (/\[rule ([^\]]+)\]/.exec(error.message)?.[1] ?? null) : null;
}

function RuleForm(p: { rule: Rule | null; names: string[]; keep: (r: Rule) => void; cancel: () => void; error: ApiError | null }): JSX.Element {
  const [name, setName] = useState(p.rule?.name ?? "");
  const [then, setThen] = useState(p.rule?.action ?? "record");
  const [pairs, set] = useState<[string, string][]>(p.rule ? entries(p.rule) : [["caller", ""]]);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  const taken = name.trim() !== p.rule?.name && p.names.includes(name.trim());
  const unused = (all: [string, string, string][]) => all.filter(([k]) => !pairs.some(([there]) => there === k));
  const submit = (e: Event) => {
    e.preventDefault();
    if (taken) return;
    const values = pairs.filter(([, v]) => v.trim() !== "").map(([k, v]): [string, string | string[]] => [k, k === "header" ? v.split("\n").map((x) => x.trim()).filter((x) => x !== "") : v.trim()]);
    p.keep({ name: name.trim(), ...Object.fromEntries(values), action: then } as Rule);
  };
  const rows = (all: [string, string, string][], what: string) => {
    const mine = pairs.map(([k, v], i): [string, string, number] => [k, v, i]).filter(([k]) => all.some(([known]) => known === k));
    const left = unused(all);
    return (
      <fieldset class="wide"><legend>{what}</legend>
        {mine.map(([k, v, i]) => (
          <div class="condition" key={k}>
            <label><span>{KEYS.get(k)?.name ?? words(k)}</span>{k === "header" ? <textarea rows={2} value={v} placeholder={KEYS.get(k)?.example} onInput={(e) => set(pairs.map((x, n) => (n === i ? [k, e.currentTarget.value] : x)))} /> : <input value={v} placeholder={KEYS.get(k)?.example} onInput={(e) => set(pairs.map((x, n) => (n === i ? [k, e.currentTarget.value] : x)))} />}</label>
            <button type="button" class="quiet" aria-label={`Without ${KEYS.get(k)?.name ?? k}`} onClick={() => set(pairs.filter((_, n) => n !== i))}>✕</button>
          </div>
        ))}
        {left.length ? <select aria-label={`${what}: more`} value="" onChange={(e) => { const k = e.currentTarget.value; if (k) set([...pairs, [k, ""]]); e.currentTarget.value = ""; }}><option value="">and …</option>{left.map(([k, n]) => <option key={k} value={k}>{n}</option>)}</select> : null}
      </fieldset>
    );
  };
  return (
    <Card title={p.rule ? `Rule ${p.rule.name}` : "A new rule"} class="below" id="rule-form">
      <form class="fields" onSubmit={submit}>
        <Field name="Name" help={taken ? "" : "Letters, digits, - and _; recordings say it."}><input ref={first} required maxLength={32} pattern="[A-Za-z0-9_\-]+" value={name} aria-invalid={taken} onInput={(e) => setName(e.currentTarget.value)} /></Field>
        <Field name="Then the call is"><select value={then} onChange={(e) => setThen(e.currentTarget.value)}>{Object.entries(ACTIONS).map(([k, v]) => <option key={k} value={k}>{v}</option>)}</select></Field>
        {taken ? <p class="bad-text wide" role="alert">There is a rule of this name.</p> : null}
        {rows(IF, "If all of this holds")}
        {rows(THEN, "And its recording")}
        <p class="soft wide">Several values of one line stand with commas between; one of them is enough. Numbers may have ? for one character and * for any.</p>
        <div class="wide buttons"><Wrong error={p.error} /><button>{p.rule ? "Take it into the draft" : "Add it to the draft"}</button><button type="button" onClick={p.cancel}>Cancel</button></div>
      </form>
    </Card>
  );
}

function Compared(p: { of: RulesCompared }): JSX.Element {
  const { of } = p;
  return (
    <div role="status" class="compared">
      <p><b>What would change:</b> {of.change}. Of the newest {of.calls} calls <b>{of.different === 0 ? "none would have become something else" : `${of.different} would have become something else`}</b>{of.by_another_rule ? `; of ${of.by_another_rule} more another rule decides, to the same` : ""}.</p>
      {of.moves.length ? <ul>{of.moves.map((m) => <li key={`${m.now} ${m.then}`}><Tag>{m.calls}</Tag> {action(m.now)} → <b>{action(m.then)}</b></li>)}</ul> : null}
      {of.examples.length ? (
        <Rows label="Calls that would have become something else" head={<><th>Call</th><th>From</th><th>To</th><th>Now</th><th>Then</th></>}>
          {of.examples.map((e) => <tr key={e.uid}><th scope="row"><a href={link("call", e.uid)}>{clock(e.started_at)}</a></th><td>{e.caller || DASH}</td><td>{e.callee || DASH}</td><td>{e.now.action} <span class="soft">{e.now.rule ?? "by default"}</span></td><td>{e.then.action} <span class="soft">{e.then.rule ?? "by default"}</span></td></tr>)}
        </Rows>
      ) : null}
    </div>
  );
}

function Editor(p: { read: RecordingRules; etag: string | null; admin: boolean; chosen: string; choose: (name: string) => void; again: () => void }): JSX.Element {
  const [draft, edit] = useState<RecordingRules>(whole(p.read));
  const [compared, tell] = useState<RulesCompared | null>(null);
  const [said, say] = useState("");
  const sender = useSender();
  const changed = !same(draft, p.read);
  const at = ruleOf(sender.error);
  const editing = p.chosen === "+" ? null : (draft.rules.find((r) => r.name === p.chosen) ?? null);
  const open = p.admin && (p.chosen === "+" || editing !== null);
  const change = (next: RecordingRules) => { edit(next); tell(null); sender.clear(); say(""); };
  useEffect(() => {
    if (!changed) return undefined;
    const stay = (e: BeforeUnloadEvent) => e.preventDefault();
    window.addEventListener("beforeunload", stay);
    return () => window.removeEventListener("beforeunload", stay);
  }, [changed]);
  const move = (i: number, by: number) => {
    const rules = [...draft.rules];
    const [r] = rules.splice(i, 1);
    rules.splice(i + by, 0, r!);
    change({ ...draft, rules });
    say(`${r!.name} is number ${i + by + 1} now.`);
  };
  const keep = (r: Rule) => {
    change({ ...draft, rules: editing ? draft.rules.map((x) => (x.name === editing.name ? r : x)) : [...draft.rules, r] });
    p.choose("");
  };
  // The default of the configuration stays its own while nobody takes another.
  const meant = (): RecordingRules => (p.read.source !== "api" && draft.default === p.read.default ? { rules: draft.rules } : draft);
  const dry = () => void sender.run(async () => tell(await send<RulesCompared>("POST", "policies/recording/test", { policy: meant(), newest: 500 })));
  const save = () => void sender.run(() => send("PUT", "policies/recording", meant(), p.etag ? { "If-Match": p.etag } : {})).then((good) => { if (good) { say(""); p.again(); } });
  return (
    <>
      <Card title={changed ? "Draft" : "In force"} extra={<span class="soft">{changed ? "not in force yet" : p.read.source === "api" ? "put here" : "of the configuration"}</span>}>
        <p class="lead">A call that no rule decides is {p.admin ? <select aria-label="A call that no rule decides" value={draft.default ?? ""} onChange={(e) => change({ ...draft, default: e.currentTarget.value })}>{Object.entries(ACTIONS).map(([k, v]) => <option key={k} value={k}>{v}</option>)}</select> : <b>{action(draft.default)}</b>}. The first rule that fits decides.</p>
        {draft.rules.length === 0 ? <Empty title="There are no rules." /> : (
          <Rows label="Rules" head={<><th class="num">#</th><th>Rule</th><th>Then the call is</th><th>If</th>{p.admin ? <th><span class="sr">Actions</span></th> : null}</>}>
            {draft.rules.map((x, i) => [
              <tr key={x.name} class={at === x.name ? "wrong-row" : undefined}>
                <td class="num soft">{i + 1}</td><th scope="row">{x.name}</th><td>{action(x.action)}</td>
                <td class="wrap">{entries(x).map(([k, v]) => <span key={k} class="pairing"><span class="soft">{KEYS.get(k)?.name ?? words(k)}</span> <code>{v}</code> </span>)}</td>
                {p.admin ? (
                  <td class="end">
                    <button type="button" class="quiet" disabled={i === 0} aria-label={`${x.name}: up`} onClick={() => move(i, -1)}>↑</button><button type="button" class="quiet" disabled={i === draft.rules.length - 1} aria-label={`${x.name}: down`} onClick={() => move(i, 1)}>↓</button>
                    <button type="button" onClick={() => p.choose(x.name)} aria-label={`Change ${x.name}`}>Change</button> <button type="button" onClick={() => change({ ...draft, rules: draft.rules.filter((r) => r !== x) })} aria-label={`Delete ${x.name}`}>Delete</button>
                  </td>
                ) : null}
              </tr>,
              at === x.name ? <tr key={`${x.name} wrong`} class="wrong-row"><td /><td colSpan={p.admin ? 4 : 3}><Wrong error={sender.error} /></td></tr> : null,
            ])}
          </Rows>
        )}
        {p.admin ? (
          <>
            {sender.error && (at === null || !draft.rules.some((r) => r.name === at)) ? <Wrong error={sender.error} /> : null}
            <div class="buttons">
              {open ? null : <button type="button" onClick={() => p.choose("+")}>Add a rule</button>}
              {changed ? <><button type="button" disabled={sender.busy} onClick={dry}>What would change?</button><button type="button" class="primary" disabled={sender.busy || compared === null} title={compared ? undefined : "First look at what would change."} onClick={save}>Put these rules in force</button><button type="button" onClick={() => change(whole(p.read))}>Discard the draft</button></> : null}
              <span role="status" class="soft">{said}</span>
            </div>
            {sender.error?.status === 412 ? <button type="button" onClick={p.again}>Read them again; the draft goes</button> : null}
          </>
        ) : null}
        {compared ? <Compared of={compared} /> : null}
      </Card>
      {open ? <RuleForm key={p.chosen} rule={editing} names={draft.rules.map((r) => r.name)} keep={keep} cancel={() => p.choose("")} error={null} /> : null}
    </>
  );
}

interface Verdict { rule: string | null; action: string; depends_on_length: boolean; rules: { name: string; verdict: string; key: string | null; wanted: string | null }[] }

function TryRules(): JSX.Element {
  const [caller, setCaller] = useState("");
  const [callee, setCallee] = useState("");
  const [headers, setHeaders] = useState("");
  const [answer, set] = useState<Verdict | null>(null);
  const sender = useSender();
  const submit = (e: Event) => {
    e.preventDefault();
    set(null);
    void sender.run(async () => set(await send<Verdict>("POST", "policies/recording/test", { ...(caller ? { caller } : {}), ...(callee ? { callee } : {}), ...(headers.trim() ? { headers: listOf(headers.replaceAll(",", "\n")) } : {}) })));
  };
  return (
    <Card title="Try the rules in force on a call" class="below">
      <form class="inline-form" onSubmit={submit}>
        <label>Caller <input value={caller} onInput={(e) => setCaller(e.currentTarget.value)} placeholder="+4930…" /></label>
        <label>Callee <input value={callee} onInput={(e) => setCallee(e.currentTarget.value)} placeholder="+4989…" /></label>
        <label>Header <input value={headers} onInput={(e) => setHeaders(e.currentTarget.value)} placeholder="X-Record: yes" /></label>
        <button disabled={sender.busy}>Which rule?</button>
      </form>
      <Wrong error={sender.error} />
      {answer ? (
        <div role="status">
          <p>{answer.rule ? <>Rule <b>{answer.rule}</b> decides: </> : "No rule decides; by default "}such a call is <b>{action(answer.action)}</b>{answer.depends_on_length ? ", unless another rule decides once its length is known" : ""}.</p>
          {answer.rules.length ? <ul>{answer.rules.map((r) => <li key={r.name}><Tag kind={r.verdict === "matches" ? "good" : ""}>{words(r.verdict)}</Tag> {r.name}{r.key ? <span class="soft"> {KEYS.get(r.key)?.name ?? r.key} is not {r.wanted}</span> : null}</li>)}</ul> : null}
        </div>
      ) : null}
    </Card>
  );
}

export function Rules(p: { admin: boolean; chosen: string; choose: (name: string) => void }): JSX.Element {
  const [turn, again] = useState(0);
  const rules = useLoad(`rules ${turn}`, (s) => getTagged<RecordingRules>("policies/recording", s));
  return (
    <>
      <Show of={rules} what="rules" lines={4}>{(r) => <Editor key={r.etag ?? turn} read={r.data} etag={r.etag} admin={p.admin} chosen={p.chosen} choose={p.choose} again={() => again(turn + 1)} />}</Show>
      <TryRules />
    </>
  );
}
