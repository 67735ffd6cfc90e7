// The period that lists and figures are about: one choice for all views, kept in the link where it matters.
import type { JSX } from "preact";
import { remember, remembered } from "./hooks.ts";
import { amend } from "./router.ts";

export const SPANS: [string, string, number][] = [
  ["15m", "15 min", 15], ["1h", "1 hour", 60], ["6h", "6 hours", 360], ["24h", "24 hours", 1440], ["7d", "7 days", 10080],
  ["30d", "30 days", 43200], ["400d", "400 days", 575999],
];

export function spanOf(params: URLSearchParams): string {
  const asked = params.get("span") ?? remembered("span", "24h");
  return SPANS.some(([id]) => id === asked) ? asked : "24h";
}
export function minutesOf(span: string): number {
  return SPANS.find(([id]) => id === span)?.[2] ?? 1440;
}
export function fromOf(span: string, now = Date.now()): string {
  return new Date(now - minutesOf(span) * 60000).toISOString();
}
export function spanWords(span: string): string {
  return SPANS.find(([id]) => id === span)?.[1] ?? span;
}

export function SpanPicker(p: { span: string; most?: number }): JSX.Element {
  const pick = (id: string) => {
    remember("span", id);
    amend({ span: id });
  };
  return (
    <label class="span-picker">
      <span class="sr">Period</span>
      <select value={p.span} onChange={(e) => pick(e.currentTarget.value)}>
        {SPANS.filter(([, , min]) => !p.most || min <= p.most).map(([id, name]) => <option key={id} value={id}>last {name}</option>)}
      </select>
    </label>
  );
}
