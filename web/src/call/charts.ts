// MOS, loss and jitter of both directions as three charts below each other, with uPlot. Their plots begin GUTTER pixels from the left and end
// EDGE from the right, as everything on the time axis does.
import uPlot from "uplot";
import type { Grid, Span } from "./axis.ts";

export const GUTTER = 76;
export const EDGE = 12;

export interface Charts {
  resize: (width: number) => void;
  show: (view: Span) => void;
  destroy: () => void;
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

interface Kind {
  name: string;
  height: number;
  range: (max: number) => [number, number];
  splits: (max: number) => number[];
  text: (v: number) => string;
  bars: boolean;
  limit?: number;
}

const KINDS: Kind[] = [
  { name: "MOS", height: 88, range: () => [0.9, 4.8], splits: () => [1, 2, 3, 4], text: (v) => String(v), bars: false, limit: 3.6 },
  { name: "Loss", height: 77, range: (m) => [0, Math.max(5, m * 1.15)], splits: (m) => (m > 50 ? [0, 50, 100] : m > 20 ? [0, 20, 40] : m > 8 ? [0, 10, 20] : [0, 5]), text: (v) => `${v} %`, bars: true },
  { name: "Jitter", height: 70, range: (m) => [0, Math.max(20, m * 1.15)], splits: (m) => (m > 100 ? [0, 100, 200] : m > 45 ? [0, 50, 100] : [0, 20, 40]), text: (v) => `${v} ms`, bars: false },
];

export function makeCharts(box: HTMLElement, grid: Grid, view: Span, on: { select: (s: Span) => void; hover: (index: number | null) => void; click: (t: number) => void }): Charts {
  const data: (number | null)[][][] = [
    [grid.caller.mos, grid.callee.mos],
    [grid.caller.loss, grid.callee.loss].map((side) => side.map((v) => (v === null ? null : v * 100))),
    [grid.caller.jitter, grid.callee.jitter],
  ];
  let now = view;
  const plots = KINDS.map((kind, k) => {
    const max = Math.max(0, ...data[k]!.flat().filter((v): v is number => v !== null));
    const ink = colour("--soft");
    const line = colour("--line");
    const series = (name: string, token: string, align: 1 | -1): uPlot.Series => ({
      label: name, stroke: colour(token), width: kind.bars ? 0 : 1.6, points: { show: false },
      ...(kind.bars ? { fill: colour(token), paths: uPlot.paths.bars!({ size: [0.42, 14], align }) } : kind.name === "MOS" ? { paths: uPlot.paths.stepped!({ align: 1 }) } : {}),
    });
    const options: uPlot.Options = {
      width: box.clientWidth || 600, height: kind.height, padding: [9, EDGE, 5, 0], legend: { show: false },
      scales: { x: { time: false, range: () => [now.from, now.to] }, y: { range: () => kind.range(max) } },
      axes: [
        { show: false },
        { size: GUTTER, stroke: ink, font: "11px system-ui, sans-serif", gap: 6, splits: () => kind.splits(max), values: (_u, v) => v.map(kind.text), grid: { stroke: line, width: 1 }, ticks: { show: false } },
      ],
      series: [{}, series("caller", "--caller", -1), series("callee", "--callee", 1)],
      cursor: { y: false, x: false, points: { show: false }, drag: { x: true, y: false, setScale: false }, sync: { key: "call" } },
      hooks: {
        setSelect: [(u) => {
          if (u.select.width < 8) return;
          const from = u.posToVal(u.select.left, "x");
          const to = u.posToVal(u.select.left + u.select.width, "x");
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          on.select({ from, to });
        }],
        setCursor: [(u) => { if (u.cursor.event) on.hover(u.cursor.idx ?? null); }],
        drawClear: [(u) => {
          if (kind.limit === undefined) return;
          const y = u.valToPos(kind.limit, "y", true);
          u.ctx.fillStyle = colour("--bad-paper");
          u.ctx.globalAlpha = 0.55;
          u.ctx.fillRect(u.bbox.left, y, u.bbox.width, u.bbox.top + u.bbox.height - y);
          u.ctx.globalAlpha = 1;
        }],
      },
    };
    const frame = document.createElement("div");
    frame.className = "chart";
    const name = document.createElement("span");
    name.className = "chart-name";
    name.textContent = kind.name;
    frame.append(name);
    box.append(frame);
    const plot = new uPlot(options, [grid.x, ...data[k]!] as uPlot.AlignedData, frame);
    let down = 0;
    plot.over.addEventListener("mousedown", (e) => (down = e.clientX));
    plot.over.addEventListener("click", (e) => { if (Math.abs(e.clientX - down) < 5) on.click(plot.posToVal(e.offsetX, "x")); });
    plot.over.addEventListener("mouseleave", () => on.hover(null));
    return plot;
  });
  return {
    resize: (width) => plots.forEach((p, i) => p.setSize({ width, height: KINDS[i]!.height })),
    show: (v) => {
      now = v;
      plots.forEach((p) => p.setScale("x", { min: v.from, max: v.to }));
    },
    destroy: () => {
      plots.forEach((p) => p.destroy());
      box.replaceChildren();
    },
  };
}
