// What all of the settings share: asking the service for a change, saying what came of it, asking back ahead of what cannot be undone.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../api.ts";
import type { Limit, Me } from "../types.ts";

export interface Sender {
  busy: boolean;
  error: ApiError | null;
  /** True when it was done. */
  run: (act: () => Promise<unknown>) => Promise<boolean>;
  clear: () => void;
}

export function useSender(): Sender {
  const [busy, work] = useState(false);
  const [error, tell] = useState<ApiError | null>(null);
  const run = async (act: () => Promise<unknown>): Promise<boolean> => {
    work(true);
    tell(null);
    try {
      await act();
      return true;
    } catch (x) {
      tell(x instanceof ApiError ? x : new ApiError(0, "page", String(x)));
      return false;
    } finally {
      work(false);
    }
  };
  return { busy, error, run, clear: () => tell(null) };
}

export function Wrong(p: { error: ApiError | null; id?: string }): JSX.Element | null {
  return p.error ? <p class="bad-text" role="alert" id={p.id}>{p.error.field ? <b>{p.error.field}: </b> : null}{p.error.message}</p> : null;
}

export interface Asked {
  title: string;
  text: ComponentChildren;
  yes: string;
  act: () => Promise<unknown>;
}

/** Asks back; the button that does nothing has the focus. `asked` null: closed. */
export function Confirm(p: { asked: Asked | null; close: () => void }): JSX.Element {
  const box = useRef<HTMLDialogElement>(null);
  const sender = useSender();
  useEffect(() => {
    if (p.asked && !box.current?.open) box.current?.showModal();
    if (!p.asked && box.current?.open) box.current.close();
  }, [p.asked]);
  const yes = async () => {
    if (p.asked && (await sender.run(p.asked.act))) p.close();
  };
  return (
    <dialog ref={box} class="confirm" aria-label={p.asked?.title ?? "Confirm"} onClose={() => { sender.clear(); p.close(); }}>
      {p.asked ? (
        <>
          <h2>{p.asked.title}</h2>
          <p>{p.asked.text}</p>
          <Wrong error={sender.error} />
          <div class="buttons"><button type="button" onClick={p.close}>Keep it</button><button type="button" class="danger" disabled={sender.busy} onClick={() => void yes()}>{p.asked.yes}</button></div>
        </>
      ) : null}
    </dialog>
  );
}

/** A field with its name above it and, below, what may stand there. */
export function Field(p: { name: string; help?: string; wide?: boolean; children: ComponentChildren }): JSX.Element {
  return <label class={`field${p.wide ? " wide" : ""}`}><span>{p.name}</span>{p.children}{p.help ? <small class="soft">{p.help}</small> : null}</label>;
}

export const may = (me: Me | null, scope: string): boolean => me?.scopes.includes(scope) ?? false;

/** "a, b" <-> ["a", "b"]. */
export const listOf = (text: string): string[] => text.split(/[,\n]/).map((x) => x.trim()).filter((x) => x !== "");

export const ROLES: Record<string, string[]> = {
  viewer: ["meta"], analyst: ["meta", "messages"], listener: ["meta", "messages", "audio", "live"], supervisor: ["meta", "messages", "audio", "live", "export", "control"],
  admin: ["metrics", "meta", "messages", "export", "control", "delete", "admin"], auditor: ["audit"], metrics: ["metrics"], probe: ["probe"],
};
const MAY: Record<string, string> = {
  metrics: "read metrics", meta: "see calls", messages: "read messages", audio: "hear recordings", live: "listen live", export: "export", control: "pause, tag", delete: "delete", admin: "change settings", audit: "read the audit log", probe: "send as a probe",
};

export interface Grant { role: string; scopes: string[]; limit: Limit | null }

const LIMITS: [keyof Omit<Limit, "max_age_s">, string, string][] = [
  ["number_prefixes", "Only numbers that begin with", "+4930, 0900"], ["trunks", "Only trunks", "carrier-1"], ["sites", "Only sites", "vienna"], ["tenants", "Only tenants", "acme"],
];
const NO_LIMIT: Limit = { tenants: [], sites: [], trunks: [], number_prefixes: [], max_age_s: 0 };

/** Role, what of it, and whose calls. */
export function GrantFields(p: { grant: Grant; set: (g: Grant) => void; roles: string[] }): JSX.Element {
  const { grant: g } = p;
  const limit = g.limit ?? NO_LIMIT;
  const [texts, write] = useState<Record<string, string>>(() => Object.fromEntries(LIMITS.map(([k]) => [k, limit[k].join(", ")])));
  const held = ROLES[g.role] ?? [];
  const some = g.scopes.length ? g.scopes : held;
  const change = (more: Partial<Limit>) => {
    const next = { ...limit, ...more };
    const open = next.max_age_s === 0 && LIMITS.every(([k]) => next[k].length === 0);
    p.set({ ...g, limit: open ? null : next });
  };
  const toggle = (scope: string, on: boolean) => {
    const next = held.filter((s) => (s === scope ? on : some.includes(s)));
    p.set({ ...g, scopes: next.length === held.length ? [] : next });
  };
  return (
    <>
      <Field name="Role"><select value={g.role} onChange={(e) => p.set({ ...g, role: e.currentTarget.value, scopes: [] })}>{p.roles.map((r) => <option key={r} value={r}>{r}</option>)}</select></Field>
      <fieldset class="wide"><legend>May</legend>{held.map((s) => <label class="tick" key={s}><input type="checkbox" checked={some.includes(s)} disabled={some.length === 1 && some.includes(s)} onChange={(e) => toggle(s, e.currentTarget.checked)} />{MAY[s] ?? s}</label>)}</fieldset>
      <details class="wide" open={g.limit !== null}>
        <summary>Only some calls</summary>
        <div class="fields">
          {LIMITS.map(([k, name, example]) => <Field key={k} name={name}><input value={texts[k]} placeholder={example} onInput={(e) => { write({ ...texts, [k]: e.currentTarget.value }); change({ [k]: listOf(e.currentTarget.value) }); }} /></Field>)}
          <Field name="Only calls of the last days"><input type="number" min="0" step="any" value={limit.max_age_s ? String(limit.max_age_s / 86400) : ""} onInput={(e) => change({ max_age_s: Math.round(Number(e.currentTarget.value) * 86400) })} /></Field>
        </div>
      </details>
    </>
  );
}

/** What somebody may see, in a line. */
export function grantWords(g: { scopes: string[]; role: string | null; limit: Limit | null }): string {
  const all = ROLES[g.role ?? ""] ?? [];
  const l = g.limit;
  const parts = [
    all.length && g.scopes.length < all.length ? `only ${g.scopes.join(", ")}` : "",
    ...(l ? [l.number_prefixes.length ? `numbers ${l.number_prefixes.join(", ")}` : "", l.trunks.length ? `trunks ${l.trunks.join(", ")}` : "", l.sites.length ? `sites ${l.sites.join(", ")}` : "", l.tenants.length ? `tenants ${l.tenants.join(", ")}` : "", l.max_age_s ? `last ${Math.round((l.max_age_s / 86400) * 10) / 10} days` : ""] : []),
  ];
  return parts.filter((x) => x !== "").join("; ");
}

/** A table that scrolls sideways where it has to. */
export function Rows(p: { label: string; head: ComponentChildren; children: ComponentChildren }): JSX.Element {
  return <div class="scroll" tabIndex={0} role="region" aria-label={`${p.label}: table`}><table><thead><tr>{p.head}</tr></thead><tbody>{p.children}</tbody></table></div>;
}
