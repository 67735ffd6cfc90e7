// The text of /metrics as numbers (Prometheus exposition format 0.0.4).
export interface Sample {
  labels: Record<string, string>;
  value: number;
}
export type Metrics = Map<string, Sample[]>;

export function parseMetrics(text: string): Metrics {
  const all: Metrics = new Map();
  for (const line of text.split("\n")) {
    const m = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!m) continue;
    const labels: Record<string, string> = {};
    for (const l of (m[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[l[1]!] = l[2]!.replace(/\\(["\\])/g, "$1").replaceAll("\\n", "\n");
    const list = all.get(m[1]!) ?? [];
    list.push({ labels, value: Number(m[3]) });
    all.set(m[1]!, list);
  }
  return all;
}

export function sum(m: Metrics, name: string, where: Record<string, string> = {}): number {
  return (m.get(name) ?? []).filter((s) => Object.entries(where).every(([k, v]) => s.labels[k] === v)).reduce((n, s) => n + s.value, 0);
}
export function byLabel(m: Metrics, name: string, label: string): [string, number][] {
  const sums = new Map<string, number>();
  for (const s of m.get(name) ?? []) sums.set(s.labels[label] ?? "", (sums.get(s.labels[label] ?? "") ?? 0) + s.value);
  return [...sums];
}

/** Days until the disk is as full as it may be, at the pace since the start; null: too early to tell, or nothing is written. */
export function daysLeft(free: number, keep: number, written: number, uptimeS: number): number | null {
  if (uptimeS < 600 || written <= 0) return null;
  return Math.max(0, free - keep) / (written / uptimeS) / 86400;
}
