// A long list of rows of one height, of which only those in sight exist. Rows are told to screen readers by their numbers.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

export interface VirtualProps {
  count: number;
  height: number;
  least: string | undefined; // width; below it the list scrolls sideways
  head: ComponentChildren;
  label: string;
  total: number | null;
  selected: number;
  row: (index: number) => JSX.Element; // its key is the index modulo 64: rows are used again, not made anew
  near: (last: number) => void; // the last row in sight, so that more can be brought
  top: number; // where it was scrolled to, when it comes back
  scrolled: (top: number) => void;
}

const BEYOND = 8;

export function Virtual(p: VirtualProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  // Ahead of the first paint no row is made that is not in sight; the others come behind it.
  const [view, set] = useState({ first: 0, last: Math.ceil(innerHeight / p.height) });
  const frame = useRef(0);

  const look = () => {
    frame.current = 0;
    const b = box.current;
    if (!b) return;
    const first = Math.max(0, Math.floor(b.scrollTop / p.height) - BEYOND);
    const last = Math.ceil((b.scrollTop + b.clientHeight) / p.height) + BEYOND;
    set((v) => (v.first === first && v.last === last ? v : { first, last }));
    p.scrolled(b.scrollTop);
    p.near(last);
  };
  const soon = () => {
    frame.current ||= requestAnimationFrame(look);
  };

  useLayoutEffect(() => {
    if (box.current && p.top) {
      box.current.scrollTop = p.top;
      look();
    }
    const watch = new ResizeObserver(soon);
    watch.observe(box.current!);
    return () => {
      watch.disconnect();
      cancelAnimationFrame(frame.current);
    };
  }, [p.height]);
  useEffect(look, [p.count]);
  useEffect(() => {
    const b = box.current;
    if (!b || p.selected < 0) return;
    const head = (b.firstElementChild as HTMLElement | null)?.offsetHeight ?? 0;
    const at = p.selected * p.height;
    if (at < b.scrollTop) b.scrollTop = at;
    else if (at + p.height > b.scrollTop + b.clientHeight - head) b.scrollTop = at + p.height - b.clientHeight + head;
  }, [p.selected, p.height]);

  const first = Math.min(view.first, Math.max(0, p.count - 1));
  const rows: JSX.Element[] = [];
  for (let i = first; i < Math.min(p.count, view.last); i++) rows.push(p.row(i));
  return (
    <div class="virtual" ref={box} onScroll={soon} role="table" aria-label={p.label} aria-rowcount={(p.total ?? p.count) + 1} tabIndex={0}>
      <div class="virtual-head" role="rowgroup" style={{ minWidth: p.least }}>{p.head}</div>
      <div class="virtual-body" role="rowgroup" style={{ height: `${p.count * p.height}px`, minWidth: p.least }}>
        <div class="virtual-rows" role="presentation" style={{ transform: `translateY(${first * p.height}px)` }}>{rows}</div>
      </div>
    </div>
  );
}
