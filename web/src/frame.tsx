// What surrounds every view: where one can go, whether the service is well, keys, day and night.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { get, logOut } from "./api.ts";
import { ago } from "./format.ts";
import { remember, remembered, useKeys, useLoad, useNow } from "./hooks.ts";
import { useLive } from "./live.ts";
import { go, link } from "./router.ts";
import type { Me, Readiness } from "./types.ts";

export const VIEWS: { id: string; name: string; key: string }[] = [
  { id: "overview", name: "Overview", key: "o" },
  { id: "calls", name: "Calls", key: "c" },
  { id: "live", name: "Live", key: "l" },
  { id: "registrations", name: "Registrations", key: "r" },
  { id: "findings", name: "Findings", key: "f" },
  { id: "coverage", name: "Coverage", key: "v" },
  { id: "health", name: "Health", key: "h" },
  { id: "settings", name: "Settings", key: "s" },
];

const HELP: [string, [string, string][]][] = [
  ["Everywhere", [["/", "search for a call"], ["g then o c l r f v h s", "go to a view by its underlined letter"], ["t", "light, dark, as the system"], ["?", "this help"], ["Esc", "close"]]],
  ["Lists", [["j k or ↓ ↑", "next, previous"], ["Enter", "open"]]],
  ["A call", [["Space", "play, pause"], ["← →", "5 seconds back, on (with Shift: 1)"], ["w", "to the worst second"], ["1 2", "mute the caller, the callee"], ["+ −", "faster, slower"], ["0", "the whole call on the time axis"], ["m", "next message"], ["u", "back to the list"]]],
];

const THEMES = ["system", "light", "dark"] as const;
function applyTheme(theme: string): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  window.dispatchEvent(new Event("theme"));
}
applyTheme(remembered("theme", "system"));

function Status(): JSX.Element {
  const live = useLive();
  const ready = useLoad<Readiness>("readyz", (s) => get("/readyz", s), 15000);
  const now = useNow(5000);
  const r = ready.data;
  const down = live.error?.message ?? (ready.error && ready.error.status !== 503 ? ready.error.message : null);
  const bad = down ?? (r && !r.ready ? r.detail || "Something is not in order." : null);
  const text = down ? "No answer" : bad ? "Trouble" : r === null ? "…" : r.source_finished ? "File read" : r.capture_up ? "Capturing" : "Not capturing";
  const title = bad ?? (r?.last_packet_at ? `Last packet ${ago(r.last_packet_at, now)}` : "No packet yet");
  return (
    <a class={`status ${bad ? "bad" : r?.capture_up || r?.source_finished ? "good" : ""}`} href={link("health")} title={title}>
      <i aria-hidden="true" />
      {text}
      {live.snapshot ? <b>{live.snapshot.data.length}{live.snapshot.has_more ? "+" : ""} live</b> : null}
    </a>
  );
}

function Help(p: { open: boolean; close: () => void }): JSX.Element {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (p.open && !box.current?.open) box.current?.showModal();
    if (!p.open && box.current?.open) box.current.close();
  }, [p.open]);
  return (
    <dialog ref={box} class="help" aria-label="Keys" onClose={p.close} onClick={(e) => e.target === box.current && p.close()}>
      <h2>Keys</h2>
      <div class="help-columns">
        {HELP.map(([title, keys]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map(([k, what]) => (
                <div key={k}>
                  <dt>{k.split(" ").map((word, i) => (/^(then|or)$/.test(word) ? ` ${word} ` : <kbd key={i}>{word}</kbd>))}</dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <h3>The search box</h3>
      <p>A number, an address, a Call-ID or any text, and conditions: <code>mos&lt;3.5</code> <code>loss&gt;2%</code> <code>jitter&gt;30ms</code> <code>duration&gt;1m</code> <code>pdd&gt;5s</code> <code>code:486</code> <code>codec:opus</code> <code>trunk:carrier-1</code> <code>label:echo</code> <code>one-way</code> <code>failed</code> <code>recorded</code> <code>tag:case:4711</code>, words of transcripts and annotations: <code>text:&quot;refund policy&quot;</code> <code>said:cancel*</code> <code>note:angry</code>. All have to hold.</p>
      <form method="dialog"><a href="api/v1/docs">All routes of the API</a> <a href="assets/licences.txt">Licences of what this page is built with</a> <button>Close</button></form>
    </dialog>
  );
}

export function Frame(p: { view: string; me: Me | null; children: ComponentChildren }): JSX.Element {
  const [help, setHelp] = useState(false);
  const [theme, setTheme] = useState(remembered("theme", "system"));
  const went = useRef(0);
  const nextTheme = () => {
    const next = THEMES[(THEMES.indexOf(theme as (typeof THEMES)[number]) + 1) % THEMES.length]!;
    remember("theme", next);
    applyTheme(next);
    setTheme(next);
  };
  const keys: Record<string, (e: KeyboardEvent) => void> = {
    "?": () => setHelp(true),
    t: nextTheme,
    g: () => {
      went.current = Date.now();
    },
    "/": () => {
      const box = document.querySelector<HTMLInputElement>("input[type=search]");
      if (box) box.focus();
      else go(link("calls", "", { focus: 1 }));
    },
  };
  useKeys(keys);
  useEffect(() => {
    // After "g" the letter of a view; ahead of the keys of the view itself.
    const on = (e: KeyboardEvent) => {
      const view = VIEWS.find((v) => v.key === e.key);
      if (!view || Date.now() - went.current > 1200 || e.ctrlKey || e.metaKey || e.altKey) return;
      went.current = 0;
      e.preventDefault();
      e.stopImmediatePropagation();
      go(link(view.id));
    };
    window.addEventListener("keydown", on, true);
    return () => window.removeEventListener("keydown", on, true);
  }, []);
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone the names of the views scroll sideways: the chosen one is brought into sight.
    const here = nav.current?.querySelector<HTMLElement>("[aria-current]");
    if (here && nav.current) nav.current.scrollLeft = here.offsetLeft - nav.current.offsetLeft - (nav.current.clientWidth - here.offsetWidth) / 2;
  }, [p.view]);
  const current = p.view === "call" ? "calls" : p.view;
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById("main")?.focus(); }}>To the content</a>
      <header class="top">
        <a class="brand" href="#/" aria-label="Earshot, overview">
          <svg viewBox="0 0 32 32" aria-hidden="true"><g><path d="M5 13v6M10.5 8v16M16 11.500v9M21.500 5v22M27 13v6" /></g></svg>
          <span>Earshot</span>
        </a>
        <nav aria-label="Views" ref={nav}>
          {VIEWS.map((v) => (
            <a key={v.id} href={link(v.id)} aria-current={v.id === current ? "page" : undefined}>{v.name}</a>
          ))}
        </nav>
        <div class="top-end">
          <Status />
          {p.me?.session ? <button type="button" class="quiet me" title={`Logged in as ${p.me.name}${p.me.role ? `, ${p.me.role}` : ""}`} onClick={() => void logOut().finally(() => location.reload())}>{p.me.name} · log out</button> : null}
          <button type="button" class="quiet" onClick={nextTheme} title={`Colours: ${theme}`} aria-label={`Colours: ${theme}. Change`}>
            {theme === "dark" ? "☾" : theme === "light" ? "☀" : "◐"}
          </button>
          <button type="button" class="quiet" onClick={() => setHelp(true)} aria-label="Keys and search" title="Keys and search (?)">?</button>
        </div>
      </header>
      <main id="main" tabIndex={-1}>{p.children}</main>
      <Help open={help} close={() => setHelp(false)} />
    </>
  );
}
