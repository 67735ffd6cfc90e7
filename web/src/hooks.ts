// State that comes from the service.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "./api.ts";

export interface Loaded<T> {
  data: T | null;
  error: ApiError | null;
  loading: boolean;
  reload: () => void;
}

/** Loads when `key` changes, again every `everyMs` while somebody looks; what was there stays until the new is. */
export function useLoad<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>, everyMs = 0): Loaded<T> {
  const [state, set] = useState<{ data: T | null; error: ApiError | null; loading: boolean }>({ data: null, error: null, loading: key !== null });
  const [turn, again] = useState(0);
  const shown = useRef<string | null>(null);
  const reload = useCallback(() => again((n) => n + 1), []);

  useEffect(() => {
    if (key === null) return undefined;
    const abort = new AbortController();
    set((s) => ({ data: shown.current === key ? s.data : null, error: null, loading: true }));
    load(abort.signal).then(
      (data) => {
        shown.current = key;
        if (!abort.signal.aborted) set({ data, error: null, loading: false });
      },
      (e: unknown) => {
        if (abort.signal.aborted) return;
        const error = e instanceof ApiError ? e : new ApiError(0, "page", e instanceof Error ? e.message : String(e));
        set((s) => ({ data: s.data, error, loading: false }));
      },
    );
    return () => abort.abort();
  }, [key, turn]);

  useEffect(() => {
    if (!everyMs) return undefined;
    const timer = setInterval(() => {
      if (!document.hidden) reload();
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs, reload]);

  return { ...state, reload };
}

/** Renders again every `ms`, for "ago" and running durations. */
export function useNow(ms = 1000): number {
  const [now, set] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) set(Date.now());
    }, ms);
    return () => clearInterval(timer);
  }, [ms]);
  return now;
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Earshot`;
  }, [title]);
}

/** Keys of a view; not while somebody types. Listens as long as the view is there. */
export function useKeys(map: Record<string, (e: KeyboardEvent) => void>): void {
  const latest = useRef(map);
  latest.current = map;
  useEffect(() => {
    const on = (e: KeyboardEvent) => {
      if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
      const target = e.target as HTMLElement;
      if (target.matches("input, textarea, select") || document.querySelector("dialog[open]")) return;
      if ((e.key === " " || e.key === "Enter") && target.matches("button, a, summary")) return;
      const act = latest.current[e.key];
      if (act) {
        e.preventDefault();
        act(e);
      }
    };
    window.addEventListener("keydown", on);
    return () => window.removeEventListener("keydown", on);
  }, []);
}

export function remembered(name: string, fallback: string): string {
  try {
    return localStorage.getItem(`earshot.${name}`) ?? fallback;
  } catch {
    return fallback;
  }
}
export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`earshot.${name}`, value);
  } catch {
    // A browser that keeps nothing: it is forgotten with the tab.
  }
}
