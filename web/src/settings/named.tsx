// Trunks and aliases: what people give a name.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get, getTagged, send } from "../api.ts";
import { bitrate, DASH } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { link } from "../router.ts";
import type { AliasRow, TrunkRow } from "../types.ts";
import { Card, Empty, Meter, Show, Tag } from "../ui.tsx";
import { type Asked, Confirm, Field, listOf, Rows, useSender, Wrong } from "./parts.tsx";

interface Part { admin: boolean; chosen: string; choose: (id: string) => void }

/** Puts what was read a moment ago, and only then. */
async function put(path: string, body: unknown): Promise<unknown> {
  const { etag } = await getTagged(path);
  return send("PUT", path, body, etag ? { "If-Match": etag } : {});
}

const knownBy = (t: TrunkRow): string => [t.peers.join(", "), t.domains.join(", "), t.prefixes.length ? `called ${t.prefixes.join(", ")}` : "", t.tenant ? `of tenant ${t.tenant}` : ""].filter(Boolean).join("; ");

function TrunkForm(p: { trunk: TrunkRow | null; done: () => void; cancel?: () => void }): JSX.Element {
  const t = p.trunk;
  const [f, set] = useState({ name: t?.name ?? "", peers: t?.peers.join(", ") ?? "", domains: t?.domains.join(", ") ?? "", prefixes: t?.prefixes.join(", ") ?? "", capacity: t?.capacity_calls ? String(t.capacity_calls) : "", tenant: t?.tenant ?? "" });
  const sender = useSender();
  const submit = (e: Event) => {
    e.preventDefault();
    const body = { name: f.name.trim(), peers: listOf(f.peers), domains: listOf(f.domains), prefixes: listOf(f.prefixes), capacity_calls: f.capacity ? Number(f.capacity) : null, tenant: f.tenant.trim() || null };
    void sender.run(() => (t ? put(`trunks/${t.name}`, body) : send("POST", "trunks", body))).then((good) => {
      if (!good) return;
      if (!t) set({ name: "", peers: "", domains: "", prefixes: "", capacity: "", tenant: "" });
      p.done();
    });
  };
  const input = (k: keyof typeof f, more: object = {}) => <input value={f[k]} onInput={(e) => set({ ...f, [k]: e.currentTarget.value })} {...more} />;
  return (
    <Card title={t ? `Trunk ${t.name}` : "A new trunk"} class="below">
      <form class="fields" onSubmit={submit}>
        {t ? null : <Field name="Name" help="Letters, digits, - and _.">{input("name", { required: true, maxLength: 32, pattern: "[A-Za-z0-9_\\-]+" })}</Field>}
        <Field name="Peers" help="Addresses of its other end, with or without a port, or networks.">{input("peers", { placeholder: "192.0.2.1, 198.51.100.0/28" })}</Field>
        <Field name="Domains" help="SIP domains of its other end.">{input("domains", { placeholder: "*.example.com" })}</Field>
        <Field name="Called numbers begin with" help="Narrows it; alone it is what makes a call its.">{input("prefixes", { placeholder: "+43, 0043" })}</Field>
        <Field name="Carries calls at once">{input("capacity", { type: "number", min: 1, max: 1000000, placeholder: "not said" })}</Field>
        <Field name="Tenant" help="Only calls of this tenant.">{input("tenant")}</Field>
        <div class="wide buttons"><Wrong error={sender.error} /><button disabled={sender.busy}>{t ? "Save" : "Make the trunk"}</button>{p.cancel ? <button type="button" onClick={p.cancel}>Cancel</button> : null}</div>
        <p class="soft wide">Calls that begin from then on are placed by it; those that go on stay where they belong.</p>
      </form>
    </Card>
  );
}

export function Trunks(p: Part): JSX.Element {
  const list = useLoad<{ data: TrunkRow[] }>("trunks", (s) => get("trunks", s), 10000);
  const [asked, ask] = useState<Asked | null>(null);
  const chosen = list.data?.data.find((t) => t.name === p.chosen && t.source === "api") ?? null;
  const remove = (t: TrunkRow) => ask({ title: `Delete trunk ${t.name}?`, text: "Calls that begin from then on are not placed by it. Stored calls keep its name.", yes: "Delete the trunk", act: () => send("DELETE", `trunks/${t.name}`).then(list.reload) });
  return (
    <>
      <Card title="Trunks" extra={<span class="soft">ways out of our house</span>}>
        <Show of={list} what="trunks" lines={4}>
          {(l) => l.data.length === 0 ? <Empty title="There are no trunks."><p>With trunks calls have a direction, and figures of each carrier.</p></Empty> : (
            <Rows label="Trunks" head={<><th>Name</th><th>Known by</th><th>Calls now</th><th>State</th><th class="num">Load</th><th><span class="sr">Actions</span></th></>}>
              {l.data.map((t) => (
                <tr key={t.name}>
                  <th scope="row"><a href={link("calls", "", { q: `trunk:${t.name}` })}>{t.name}</a></th><td class="wrap mono">{knownBy(t) || DASH}</td>
                  <td>{t.calls}{t.capacity_calls ? <> of {t.capacity_calls} <span class="load"><Meter value={t.capacity_ratio ?? 0} tone={(t.capacity_ratio ?? 0) > 0.9 ? "bad" : (t.capacity_ratio ?? 0) > 0.75 ? "warn" : ""} label={`${t.calls} of ${t.capacity_calls}`} /></span></> : null}</td>
                  <td>{t.up === null ? <span class="soft">nobody asks</span> : <Tag kind={t.up ? "good" : "bad"}>{t.up ? "answers" : "does not answer"}</Tag>}</td><td class="num">{bitrate(t.bits_per_s)}</td>
                  <td class="end">{t.source === "configuration" ? <span class="soft" title="It stands in the configuration, and is changed there.">configured</span> : p.admin ? <><button type="button" onClick={() => p.choose(t.name)} aria-label={`Change ${t.name}`}>Change</button> <button type="button" onClick={() => remove(t)} aria-label={`Delete ${t.name}`}>Delete</button></> : null}</td>
                </tr>
              ))}
            </Rows>
          )}
        </Show>
      </Card>
      {!p.admin || (p.chosen && list.data === null) ? null : chosen ? <TrunkForm key={chosen.name} trunk={chosen} done={() => { p.choose(""); list.reload(); }} cancel={() => p.choose("")} /> : <TrunkForm key="new" trunk={null} done={list.reload} />}
      <Confirm asked={asked} close={() => ask(null)} />
    </>
  );
}

function AliasForm(p: { alias: AliasRow | null; done: () => void; cancel?: () => void }): JSX.Element {
  const [network, setNetwork] = useState("");
  const [name, setName] = useState(p.alias?.name ?? "");
  const sender = useSender();
  const submit = (e: Event) => {
    e.preventDefault();
    void sender.run(() => (p.alias ? put(`aliases/${encodeURIComponent(p.alias.id)}`, { name: name.trim() }) : send("POST", "aliases", { network: network.trim(), name: name.trim() }))).then((good) => {
      if (!good) return;
      setNetwork("");
      setName("");
      p.done();
    });
  };
  return (
    <Card title={p.alias ? `Alias of ${p.alias.network}` : "A new alias"} class="below">
      <form class="fields" onSubmit={submit}>
        {p.alias ? null : <Field name="Address or network"><input required value={network} placeholder="10.1.1.5 or 10.1.0.0/16" onInput={(e) => setNetwork(e.currentTarget.value)} /></Field>}
        <Field name="Name" help="Stands in ladders, in the graph and in lists of hosts."><input required maxLength={64} value={name} placeholder="SBC Vienna" onInput={(e) => setName(e.currentTarget.value)} /></Field>
        <div class="wide buttons"><Wrong error={sender.error} /><button disabled={sender.busy}>{p.alias ? "Save" : "Make the alias"}</button>{p.cancel ? <button type="button" onClick={p.cancel}>Cancel</button> : null}</div>
      </form>
    </Card>
  );
}

export function Aliases(p: Part): JSX.Element {
  const list = useLoad<{ data: AliasRow[] }>("aliases", (s) => get("aliases", s));
  const [asked, ask] = useState<Asked | null>(null);
  const chosen = list.data?.data.find((a) => a.id === p.chosen && a.source === "api") ?? null;
  const remove = (a: AliasRow) => ask({ title: `Delete the alias of ${a.network}?`, text: `It is shown by its address again, not as “${a.name}”.`, yes: "Delete the alias", act: () => send("DELETE", `aliases/${encodeURIComponent(a.id)}`).then(list.reload) });
  return (
    <>
      <Card title="Aliases" extra={<span class="soft">what people call hosts and networks</span>}>
        <Show of={list} what="aliases" lines={4}>
          {(l) => l.data.length === 0 ? <Empty title="There are no aliases."><p>A ladder reads better with “SBC Vienna” than with 10.1.1.5.</p></Empty> : (
            <Rows label="Aliases" head={<><th>Address or network</th><th>Name</th><th><span class="sr">Actions</span></th></>}>
              {l.data.map((a) => (
                <tr key={a.id}>
                  <th scope="row" class="mono">{a.network}</th><td class="wrap">{a.name}</td>
                  <td class="end">{a.source === "configuration" ? <span class="soft" title="It stands in the configuration, and is changed there.">configured</span> : p.admin ? <><button type="button" onClick={() => p.choose(a.id)} aria-label={`Change ${a.network}`}>Change</button> <button type="button" onClick={() => remove(a)} aria-label={`Delete ${a.network}`}>Delete</button></> : null}</td>
                </tr>
              ))}
            </Rows>
          )}
        </Show>
      </Card>
      {!p.admin || (p.chosen && list.data === null) ? null : chosen ? <AliasForm key={chosen.id} alias={chosen} done={() => { p.choose(""); list.reload(); }} cancel={() => p.choose("")} /> : <AliasForm key="new" alias={null} done={list.reload} />}
      <Confirm asked={asked} close={() => ask(null)} />
    </>
  );
}
