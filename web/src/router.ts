// Where the page is stands behind the #: every view and what is chosen in it is a link that can be sent to somebody. What stands there
// is not sent to servers or into their logs.
import { useEffect, useState } from "preact/hooks";

export interface Route {
  view: string;
  id: string;
  params: URLSearchParams;
}

export function parseRoute(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [view = "", id = ""] = path.split("/");
  return { view: view || "overview", id: safeDecode(id), params: new URLSearchParams(search) };
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function link(view: string, id = "", params: Record<string, string | number | null | undefined> = {}): string {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(params)) if (v !== null && v !== undefined && v !== "") q.set(k, String(v));
  const search = q.toString();
  return `#/${view === "overview" && !id ? "" : view}${id ? `/${encodeURIComponent(id)}` : ""}${search ? `?${search}` : ""}`;
}

export function go(to: string): void {
  location.hash = to;
}

/** Changes what is chosen without a step in the history. */
export function amend(params: Record<string, string | number | null>): void {
  const r = parseRoute(location.hash);
  const all: Record<string, string> = Object.fromEntries(r.params);
  for (const [k, v] of Object.entries(params)) {
    if (v === null || v === "") delete all[k];
    else all[k] = String(v);
  }
  history.replaceState(null, "", link(r.view, r.id, all));
  window.dispatchEvent(new Event("amended"));
}

export function useRoute(): Route {
  const [route, set] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const on = () => set(parseRoute(location.hash));
    window.addEventListener("hashchange", on);
    window.addEventListener("amended", on);
    return () => {
      window.removeEventListener("hashchange", on);
      window.removeEventListener("amended", on);
    };
  }, []);
  return route;
}
