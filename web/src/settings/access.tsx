// Who may: tokens of programs, and users who log in.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { get, send } from "../api.ts";
import { ago, clock, DASH } from "../format.ts";
import { useLoad, useNow } from "../hooks.ts";
import type { Me, TokenRow, UserRow } from "../types.ts";
import { Card, Empty, Show, Tag, When } from "../ui.tsx";
import { type Asked, Confirm, Field, type Grant, GrantFields, grantWords, listOf, ROLES, Rows, useSender, Wrong } from "./parts.tsx";

function Secret(p: { name: string; text: string; done: () => void }): JSX.Element {
  const [copied, set] = useState("");
  const box = useRef<HTMLElement>(null);
  useEffect(() => box.current?.focus(), []);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(p.text);
      set("Copied.");
    } catch {
      // Where the page may not write there, people copy what is marked.
      const range = document.createRange();
      range.selectNodeContents(box.current!);
      getSelection()?.removeAllRanges();
      getSelection()?.addRange(range);
      set("It is marked: copy it with the keys of your system.");
    }
  };
  return (
    <section class="card secret" aria-label="The new token">
      <h2>Token “{p.name}”</h2>
      <p>It is shown this once. Whoever holds it may do what it may: keep it where secrets are kept.</p>
      <p><code ref={box} tabIndex={0} aria-label="Token">{p.text}</code></p>
      <div class="buttons"><button type="button" onClick={() => void copy()}>Copy</button><button type="button" onClick={p.done}>I have it</button> <span role="status" class="soft">{copied}</span></div>
    </section>
  );
}

function NewToken(p: { made: (t: TokenRow) => void }): JSX.Element {
  const [name, setName] = useState("");
  const [days, setDays] = useState("365");
  const [from, setFrom] = useState("");
  const [grant, set] = useState<Grant>({ role: "viewer", scopes: [], limit: null });
  const sender = useSender();
  const submit = (e: Event) => {
    e.preventDefault();
    void sender.run(async () => {
      const life = Number(days) > 0 ? { expires_in_s: Math.max(1, Math.round(Number(days) * 86400)) } : {};
      const made = await send<TokenRow>("POST", "tokens", { name: name.trim(), role: grant.role, scopes: grant.scopes, ...(grant.limit ? { limit: grant.limit } : {}), source_networks: listOf(from), ...life });
      setName("");
      p.made(made!);
    });
  };
  return (
    <Card title="A new token" class="below">
      <form class="fields" onSubmit={submit}>
        <Field name="Name" help="Stands in the audit log."><input required maxLength={63} value={name} onInput={(e) => setName(e.currentTarget.value)} /></Field>
        <Field name="Ends after days" help="Empty: never."><input type="number" min="0" step="any" value={days} onInput={(e) => setDays(e.currentTarget.value)} /></Field>
        <Field name="Only from" help="Networks; empty: from anywhere."><input value={from} placeholder="192.0.2.0/24" onInput={(e) => setFrom(e.currentTarget.value)} /></Field>
        <GrantFields grant={grant} set={set} roles={Object.keys(ROLES)} />
        <div class="wide"><Wrong error={sender.error} /><button disabled={sender.busy}>Make the token</button></div>
      </form>
    </Card>
  );
}

function tokenState(t: TokenRow, now: number): [string, string] {
  if (t.revoked) return ["", "revoked"];
  if (t.expires_at && Date.parse(t.expires_at) <= now) return ["warn", "expired"];
  return ["good", "valid"];
}

export function Tokens(): JSX.Element {
  const list = useLoad<{ data: TokenRow[] }>("tokens", (s) => get("tokens", s));
  const [asked, ask] = useState<Asked | null>(null);
  const [made, show] = useState<TokenRow | null>(null);
  const now = useNow(60000);
  const revoke = (t: TokenRow) =>
    ask({ title: `Revoke “${t.name}”?`, text: "Whoever uses it is refused from then on. It cannot be taken back; it stays in the list.", yes: "Revoke it", act: () => send("DELETE", `tokens/${t.id}`).then(list.reload) });
  return (
    <>
      {made ? <Secret name={made.name} text={made.token ?? ""} done={() => show(null)} /> : null}
      <Card title="Tokens" extra={<span class="soft">for programs; people log in as users</span>}>
        <Show of={list} what="tokens" lines={5}>
          {(l) => l.data.length === 0 ? <Empty title="There are no tokens." /> : (
            <Rows label="Tokens" head={<><th>Name</th><th>Role</th><th>Last used</th><th>Ends</th><th>From</th><th>State</th><th><span class="sr">Actions</span></th></>}>
              {l.data.map((t) => {
                const [kind, state] = tokenState(t, now);
                return (
                  <tr key={t.id}>
                    <th scope="row" title={`${t.id}, made ${clock(t.created_at)}`}>{t.name}</th><td>{t.role} <span class="soft">{grantWords(t)}</span></td>
                    <td>{t.last_used_at ? <When at={t.last_used_at}>{ago(t.last_used_at, now)}</When> : <span class="soft">never</span>}</td><td>{t.expires_at ? <When at={t.expires_at}>{t.expires_at.slice(0, 10)}</When> : "never"}</td>
                    <td class="mono">{t.source_networks.join(", ") || DASH}</td><td><Tag kind={kind}>{state}</Tag></td>
                    <td class="end">{t.revoked ? null : <button type="button" onClick={() => revoke(t)} aria-label={`Revoke ${t.name}`}>Revoke</button>}</td>
                  </tr>
                );
              })}
            </Rows>
          )}
        </Show>
      </Card>
      <NewToken made={(t) => { show(t); list.reload(); }} />
      <Confirm asked={asked} close={() => ask(null)} />
    </>
  );
}

function UserForm(p: { user: UserRow | null; done: () => void; cancel?: () => void }): JSX.Element {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [disabled, disable] = useState(p.user?.disabled ?? false);
  const role = p.user?.role ?? "viewer";
  const all = ROLES[role] ?? [];
  const [grant, set] = useState<Grant>({ role, scopes: p.user && p.user.scopes.length < all.length ? p.user.scopes : [], limit: p.user?.limit ?? null });
  const sender = useSender();
  const submit = (e: Event) => {
    e.preventDefault();
    const body = { role: grant.role, scopes: grant.scopes, limit: grant.limit ?? {}, disabled, ...(password ? { password } : {}) };
    void sender.run(() => (p.user ? send("PUT", `users/${encodeURIComponent(p.user.name)}`, body) : send("POST", "users", { ...body, name: name.trim() }))).then((good) => {
      if (!good) return;
      setName("");
      setPassword("");
      p.done();
    });
  };
  return (
    <Card title={p.user ? `User ${p.user.name}` : "A new user"} class="below">
      <form class="fields" onSubmit={submit}>
        {p.user ? null : <Field name="Name"><input required maxLength={63} autocomplete="off" value={name} onInput={(e) => setName(e.currentTarget.value)} /></Field>}
        <Field name={p.user ? "New password" : "Password"} help={p.user ? "Empty: it stays." : "At least 12 bytes; it can be changed after the first login."}><input type="password" autocomplete="new-password" required={!p.user} minLength={12} value={password} onInput={(e) => setPassword(e.currentTarget.value)} /></Field>
        <GrantFields grant={grant} set={set} roles={Object.keys(ROLES).filter((r) => r !== "probe")} />
        {p.user ? <label class="tick wide"><input type="checkbox" checked={disabled} onChange={(e) => disable(e.currentTarget.checked)} />May not log in for now</label> : null}
        <div class="wide buttons"><Wrong error={sender.error} /><button disabled={sender.busy}>{p.user ? "Save" : "Make the user"}</button>{p.cancel ? <button type="button" onClick={p.cancel}>Cancel</button> : null}</div>
        {p.user ? <p class="soft wide">A change ends the sessions that are open.</p> : null}
      </form>
    </Card>
  );
}

export function Users(p: { me: Me | null; chosen: string; choose: (name: string) => void }): JSX.Element {
  const list = useLoad<{ data: UserRow[] }>("users", (s) => get("users", s));
  const [asked, ask] = useState<Asked | null>(null);
  const now = useNow(60000);
  const chosen = list.data?.data.find((u) => u.name === p.chosen) ?? null;
  const remove = (u: UserRow) => ask({ title: `Delete ${u.name}?`, text: "Sessions that are open end now. What was done stays in the audit log.", yes: "Delete the user", act: () => send("DELETE", `users/${encodeURIComponent(u.name)}`).then(list.reload) });
  return (
    <>
      <Card title="Users" extra={<span class="soft">who log in here</span>}>
        <Show of={list} what="users" lines={4}>
          {(l) => l.data.length === 0 ? <Empty title="There are no users."><p>Without them the page is for this machine and for who has a token.</p></Empty> : (
            <Rows label="Users" head={<><th>Name</th><th>Role</th><th>Last login</th><th>State</th><th><span class="sr">Actions</span></th></>}>
              {l.data.map((u) => (
                <tr key={u.name}>
                  <th scope="row">{u.name}</th><td>{u.role} <span class="soft">{grantWords(u)}</span></td><td>{u.last_login_at ? <When at={u.last_login_at}>{ago(u.last_login_at, now)}</When> : <span class="soft">never</span>}</td>
                  <td><Tag kind={u.disabled ? "warn" : "good"}>{u.disabled ? "may not log in" : "may log in"}</Tag></td>
                  <td class="end">{p.me?.kind === "user" && p.me.name === u.name ? <span class="soft">you</span> : <><button type="button" onClick={() => p.choose(u.name)} aria-label={`Change ${u.name}`}>Change</button> <button type="button" onClick={() => remove(u)} aria-label={`Delete ${u.name}`}>Delete</button></>}</td>
                </tr>
              ))}
            </Rows>
          )}
        </Show>
      </Card>
      {p.chosen && list.data === null ? null : chosen ? <UserForm key={chosen.name} user={chosen} done={() => { p.choose(""); list.reload(); }} cancel={() => p.choose("")} /> : <UserForm key="new" user={null} done={list.reload} />}
      <Confirm asked={asked} close={() => ask(null)} />
    </>
  );
}
