// Rules, retention, trunks and aliases, tokens and users, audit. What somebody may not change is shown as it is; what this service has no
// path for is said so. What is edited stands in the link.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get, offers } from "../api.ts";
import { useLoad, useTitle } from "../hooks.ts";
import { amend, link, type Route } from "../router.ts";
import { Tokens, Users } from "../settings/access.tsx";
import { Audit } from "../settings/audit.tsx";
import { Imports } from "../settings/imports.tsx";
import { Aliases, Trunks } from "../settings/named.tsx";
import { may } from "../settings/parts.tsx";
import { RetentionTab } from "../settings/retention.tsx";
import { Rules } from "../settings/rules.tsx";
import type { Me } from "../types.ts";
import { Empty, Loading } from "../ui.tsx";

const TABS: [string, string, string, string][] = [
  ["rules", "Recording rules", "/policies/recording", "meta"], ["retention", "Retention", "/policies/retention", "meta"], ["trunks", "Trunks", "/trunks", "meta"], ["aliases", "Aliases", "/aliases", "meta"],
  ["imports", "Imports", "/imports", "meta"], ["tokens", "Tokens", "/tokens", "admin"], ["users", "Users", "/users", "admin"], ["audit", "Audit", "/audit", "audit"],
];

/** The tab, once it is known that it is there and may be seen. */
function Offered(p: { path: string; name: string; scope: string; me: Me | null; known: boolean; children: () => ComponentChildren }): JSX.Element {
  const [there, set] = useState<boolean | null>(null);
  useEffect(() => void offers(p.path).then(set), [p.path]);
  if (there === null || !p.known) return <Loading lines={4} />;
  if (!there) return <Empty title={`This service does not show ${p.name} here.`}><p>They are managed on the machine itself: <code>earshot --help</code>.</p></Empty>;
  if (p.me && !may(p.me, p.scope)) return <Empty title={`${p.name} are not yours to see.`}><p>It takes the scope <code>{p.scope}</code>; {p.me.name} has {p.me.scopes.join(", ") || "none"}.</p></Empty>;
  return <>{p.children()}</>;
}

export function Settings(p: { route: Route }): JSX.Element {
  const [tab, name, path, scope] = TABS.find(([id]) => id === p.route.id) ?? TABS[0]!;
  const me = useLoad<Me | null>("me", (s) => offers("/me").then((there) => (there ? get<Me>("me", s) : null)));
  const admin = may(me.data, "admin");
  const chosen = p.route.params.get("edit") ?? "";
  const choose = (id: string) => amend({ edit: id || null });
  useTitle(`${name} · Settings`);
  const views: Record<string, () => JSX.Element> = {
    rules: () => <Rules admin={admin} chosen={chosen} choose={choose} />,
    retention: () => <RetentionTab />,
    trunks: () => <Trunks admin={admin} chosen={chosen} choose={choose} />,
    aliases: () => <Aliases admin={admin} chosen={chosen} choose={choose} />,
    imports: () => <Imports control={may(me.data, "control")} />,
    tokens: () => <Tokens />,
    users: () => <Users me={me.data} chosen={chosen} choose={choose} />,
    audit: () => <Audit params={p.route.params} />,
  };
  return (
    <div class="settings">
      <div class="view-head"><h1>Settings</h1></div>
      <nav class="presets" aria-label="Settings">
        {TABS.map(([id, title]) => <a key={id} class="pill" href={link("settings", id)} aria-current={id === tab ? "page" : undefined}>{title}</a>)}
      </nav>
      <Offered key={tab} path={path} name={name} scope={scope} me={me.data} known={me.data !== null || me.error !== null || !me.loading}>{views[tab]!}</Offered>
    </div>
  );
}
