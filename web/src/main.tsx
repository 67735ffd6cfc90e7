// The page: frame, keys, and the view that the link names. Views are loaded when they are first looked at.
import { render } from "preact";
import type { FunctionComponent, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import "./style/main.css";
import { onUnauthorised, whoAmI } from "./api.ts";
import { Frame, VIEWS } from "./frame.tsx";
import { useRoute, type Route } from "./router.ts";
import { Empty, Loading, Trouble } from "./ui.tsx";
import { ApiError } from "./api.ts";
import type { Me } from "./types.ts";
import { Calls } from "./views/calls.tsx";
import { Overview } from "./views/overview.tsx";

export type View = FunctionComponent<{ route: Route }>;

const LAZY: Record<string, () => Promise<View>> = {
  call: () => import("./views/call.tsx").then((m) => m.CallView),
  live: () => import("./views/live.tsx").then((m) => m.Live),
  registrations: () => import("./views/registrations.tsx").then((m) => m.Registrations),
  findings: () => import("./views/findings.tsx").then((m) => m.Findings),
  coverage: () => import("./views/coverage.tsx").then((m) => m.CoverageView),
  health: () => import("./views/health.tsx").then((m) => m.Health),
  settings: () => import("./views/settings.tsx").then((m) => m.Settings),
  login: () => import("./views/login.tsx").then((m) => m.Login),
};
// With the page come the two that are looked at first: the list asks for its rows while it is drawn for the first time, ahead of all else.
const loaded: Record<string, View> = { overview: Overview, calls: Calls };

function Body(p: { route: Route }): JSX.Element {
  const { view } = p.route;
  const [, again] = useState(0);
  const [failed, fail] = useState<string | null>(null);
  useEffect(() => {
    const load = LAZY[view];
    if (loaded[view] || !load) return;
    load().then(
      (v) => {
        loaded[view] = v;
        again((n) => n + 1);
      },
      () => fail(view),
    );
  }, [view]);
  const Chosen = loaded[view];
  if (Chosen) return <Chosen key={view} route={p.route} />;
  if (failed === view)
    return <Trouble error={new ApiError(0, "page", "This part of the page could not be loaded; the service may have been updated.")} retry={() => location.reload()} />;
  if (!LAZY[view])
    return (
      <Empty title="There is no such view.">
        <h1 class="sr">Nothing here</h1>
        <p>The link names “{view}”. <a href="#/">Overview</a></p>
      </Empty>
    );
  return <Loading what={view} lines={6} />;
}

function App(): JSX.Element {
  const route = useRoute();
  const [me, setMe] = useState<Me | null>(null);
  const [locked, lock] = useState(false);
  useEffect(() => {
    onUnauthorised.call = () => lock(true);
    whoAmI().then(setMe, () => undefined);
  }, []);
  useEffect(() => {
    document.getElementById("main")?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [route.view, route.id]);
  const shown: Route = locked ? { view: "login", id: "", params: new URLSearchParams() } : route;
  return (
    <Frame view={shown.view} me={me}>
      <Body route={shown} />
    </Frame>
  );
}

// A view that names itself in the title of the window takes the name from here.
document.title = `${VIEWS[0]!.name} · Earshot`;
const root = document.getElementById("page")!;
root.replaceChildren();
render(<App />, root);
