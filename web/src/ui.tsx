// Small parts that every view uses.
import type { ComponentChildren, JSX } from "preact";
import type { ApiError } from "./api.ts";
import { DASH, fullTime, mos, outcome } from "./format.ts";
import type { Loaded } from "./hooks.ts";
import type { Band, Num, Time } from "./types.ts";

export function Mos(p: { value: Num | undefined; band: Band; scale?: string | null | undefined }): JSX.Element {
  if (p.value === null || p.value === undefined) return <span class="soft">{DASH}</span>;
  return (
    <span class={`band ${p.band}`} title={`MOS ${mos(p.value)}${p.scale ? ` on the ${p.scale} scale` : ""}: ${p.band}`}>
      {mos(p.value)}
      {p.scale && p.scale !== "NB" ? <small>{p.scale}</small> : null}
    </span>
  );
}

export function Outcome(p: { outcome: string | null; code: Num; kind?: string }): JSX.Element {
  const good = p.outcome === "answered";
  const neutral = p.outcome === "cancelled" || p.outcome === "redirected" || p.outcome === null;
  return (
    <span class={`outcome ${good ? "ok" : neutral ? "meh" : "no"}`}>
      {outcome(p.outcome, p.kind)}
      {p.code && !good ? <small> {p.code}</small> : null}
    </span>
  );
}

export function When(p: { at: Time | undefined; children: ComponentChildren }): JSX.Element {
  // The long form is made when somebody points at it: lists have many of these.
  return p.at ? <time dateTime={p.at} onPointerEnter={(e) => (e.currentTarget.title = fullTime(p.at))}>{p.children}</time> : <span class="soft">{DASH}</span>;
}

export function Tag(p: { kind?: string; title?: string; children: ComponentChildren }): JSX.Element {
  return <span class={`tag ${p.kind ?? ""}`} title={p.title}>{p.children}</span>;
}

export function Empty(p: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <p class="empty-title">{p.title}</p>
      {p.children}
    </div>
  );
}

export function Trouble(p: { error: ApiError; retry?: () => void }): JSX.Element {
  const missing = p.error.status === 404;
  const forbidden = p.error.status === 403;
  return (
    <div class="trouble" role="alert">
      <p>
        <strong>{forbidden ? "Not for you." : missing ? "Not here." : p.error.status === 0 ? "No answer." : "That did not work."}</strong> {p.error.message}
      </p>
      {p.retry && !forbidden ? <button type="button" onClick={p.retry}>Try again</button> : null}
    </div>
  );
}

export function Loading(p: { what?: string; lines?: number }): JSX.Element {
  return (
    <div class="loading" role="status" aria-label={`Loading ${p.what ?? ""}`}>
      {Array.from({ length: p.lines ?? 3 }, (_, i) => <span key={i} class={`bone b${i % 4}`} />)}
    </div>
  );
}

/** What there is of a load: trouble, bones, or the children with the data. Trouble beside older data does not hide it. */
export function Show<T>(p: { of: Loaded<T>; what: string; lines?: number; children: (data: T) => ComponentChildren }): JSX.Element {
  const { data, error, reload } = p.of;
  return (
    <>
      {error ? <Trouble error={error} retry={reload} /> : null}
      {data !== null ? p.children(data) : error ? null : <Loading what={p.what} lines={p.lines ?? 3} />}
    </>
  );
}

export function Card(p: { title: string; extra?: ComponentChildren; class?: string; children: ComponentChildren; id?: string }): JSX.Element {
  return (
    <section class={`card ${p.class ?? ""}`} id={p.id} aria-label={p.title}>
      <header>
        <h2>{p.title}</h2>
        {p.extra ? <div class="extra">{p.extra}</div> : null}
      </header>
      {p.children}
    </section>
  );
}

export function Figure(p: { label: string; value: ComponentChildren; note?: ComponentChildren; tone?: string; href?: string }): JSX.Element {
  const body = (
    <>
      <dt>{p.label}</dt>
      <dd class={`value ${p.tone ?? ""}`}>{p.value}</dd>
      {p.note ? <dd class="note">{p.note}</dd> : null}
    </>
  );
  return <div class="figure">{body}</div>;
}

/** A ratio as a bar with its number beside it. */
export function Meter(p: { value: number; tone?: string; label: string }): JSX.Element {
  const w = Math.max(0, Math.min(1, p.value)) * 100;
  return (
    <svg class={`meter ${p.tone ?? ""}`} viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={p.label}>
      <rect class="rest" width="100" height="6" rx="3" />
      <rect class="part" width={w} height="6" rx="3" />
    </svg>
  );
}

/** A line without axes. */
export function Spark(p: { values: Num[]; label: string; min?: number; max?: number; tone?: string }): JSX.Element {
  const known = p.values.filter((v): v is number => v !== null && Number.isFinite(v));
  const low = p.min ?? Math.min(...known, 0);
  const high = Math.max(p.max ?? Math.max(...known, 1), low + 1e-9);
  const n = Math.max(p.values.length - 1, 1);
  let d = "";
  let pen = "M";
  p.values.forEach((v, i) => {
    if (v === null || !Number.isFinite(v)) {
      pen = "M";
      return;
    }
    d += `${pen}${((i / n) * 120).toFixed(1)},${(30 - ((v - low) / (high - low)) * 28).toFixed(1)}`;
    pen = "L";
  });
  return (
    <svg class={`spark ${p.tone ?? ""}`} viewBox="0 0 120 32" preserveAspectRatio="none" role="img" aria-label={p.label}>
      {known.length > 1 ? <path d={d} /> : null}
    </svg>
  );
}
