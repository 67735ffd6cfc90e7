// Rules, retention, trunks and aliases, tokens and users, audit. What somebody may not change is shown as it is. What is edited stands in
// the link.
import type { ComponentChildren, JSX } from "preact";
import { get } from "../api.ts";
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

const TABS: [string, string, string][] = [
  ["rules", "Recording rules", "meta"], ["retention", "Retention", "meta"], ["trunks", "Trunks", "meta"], ["aliases", "Aliases", "meta"],
  ["imports", "Imports", "meta"], ["tokens", "Tokens", "admin"], ["users", "Users", "admin"], ["audit", "Audit", "audit"],
];

/** The tab, once it is known that it may be seen. */
function Allowed(p: { name: string; scope: string; me: Me | null; known: boolean; children: () => ComponentChildren }): JSX.Element {
  if (!p.known) return <Loading lines={4} />;
  if (p.me && !may(p.me, p.scope)) return <Empty title={`${p.name} are not yours to see.`}><p>It takes the scope <code>{p.scope}</code>; {p.me.name} has {p.me.scopes.join(", ") || "none"}.</p></Empty>;
  return <>{p.children()}</>;
}

export function Settings(p: { route: Route }): JSX.Element {
  const [tab, name, scope] = TABS.find(([id]) => id === p.route.id) ?? TABS[0]!;
  const me = useLoad<Me>("me", (s) => get("me", s));
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
      <Allowed key={tab} name={name} scope={scope} me={me.data} known={me.data !== null || me.error !== null || !me.loading}>{views[tab]!}</Allowed>
    </div>
  );
}
