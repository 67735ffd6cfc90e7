// The list of calls: one search box, presets, columns to choose, up to 20,000 rows.
import { Component, type JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ApiError } from "../api.ts";
import { PAGE, ROWS_MAX, Rows, type Order, type Row } from "../callrows.ts";
import { Exporter } from "../exporter.tsx";
import { clock, delay, duration, number, percent, words } from "../format.ts";
import { remember, remembered, useKeys, useTitle } from "../hooks.ts";
import { parseQuery } from "../query.ts";
import { amend, go, link, type Route } from "../router.ts";
import { fromOf, SpanPicker, spanOf, spanWords } from "../spans.tsx";
import { Empty, Loading, Mos, Outcome, Tag, Trouble, When } from "../ui.tsx";
import { Virtual } from "../virtual.tsx";

interface Column {
  id: string;
  name: string;
  width: string;
  num?: boolean;
  order?: Order;
  phone?: boolean;
  cell: (r: Row) => JSX.Element | string;
}

const RECORDING: Record<string, [string, string]> = {
  ready: ["good", "recorded"], spooling: ["", "being recorded"], rendering: ["", "being rendered"], damaged: ["warn", "damaged"], deleted: ["", "deleted"],
  rule: ["", "not wanted"], on_demand_dropped: ["", "not asked for"], no_rtp: ["", "no media"],
};

const COLUMNS: Column[] = [
  { id: "time", name: "Time", width: "8.7rem", order: "-started_at", phone: true, cell: (r) => <When at={r.at}>{clock(r.at)}</When> },
  { id: "from", name: "From", width: "minmax(8.9rem, 1.1fr)", phone: true, cell: (r) => r.from },
  { id: "to", name: "To", width: "minmax(8.9rem, 1.1fr)", phone: true, cell: (r) => r.to },
  { id: "outcome", name: "Outcome", width: "7.2rem", phone: true, cell: (r) => <Outcome outcome={r.outcome} code={r.code} kind={r.kind} /> },
  { id: "duration", name: "Length", width: "4rem", num: true, order: "-duration_ms", phone: true, cell: (r) => duration(r.duration) },
  { id: "mos", name: "MOS", width: "4.4rem", num: true, order: "mos_min", phone: true, cell: (r) => <Mos value={r.mos} band={r.band} scale={r.scale} /> },
  { id: "loss", name: "Loss", width: "4.2rem", num: true, cell: (r) => percent(r.loss) },
  { id: "jitter", name: "Jitter", width: "4.4rem", num: true, cell: (r) => number(r.jitter, 1, "ms") },
  { id: "pdd", name: "PDD", width: "4.8rem", num: true, cell: (r) => delay(r.pdd) },
  { id: "setup", name: "Setup", width: "4.8rem", num: true, cell: (r) => delay(r.setup) },
  { id: "codec", name: "Codec", width: "4.2rem", cell: (r) => r.codec ?? "–" },
  {
    id: "summary", name: "What was wrong", width: "minmax(14rem, 3fr)",
    // When it was is told by the call; what it was has to be seen in a column.
    cell: (r) => <span class="sentence" title={r.summary ?? ""}>{r.oneWay ? <Tag kind="bad">one-way</Tag> : null}{r.noMedia ? <Tag kind="bad">no media</Tag> : null} {r.summary?.replace(/^from [\d:]+ to [\d:]+ /, "") ?? ""}</span>,
  },
  { id: "trunk", name: "Trunk", width: "7rem", cell: (r) => r.trunk ?? "–" },
  { id: "site", name: "Site", width: "6rem", cell: (r) => r.site ?? "–" },
  { id: "released", name: "Hung up", width: "5.4rem", cell: (r) => r.released ?? "–" },
  { id: "agent", name: "User agent", width: "10rem", cell: (r) => r.agent ?? "–" },
  { id: "addr", name: "Addresses", width: "16rem", cell: (r) => `${r.src ?? "–"} → ${r.dst ?? "–"}` },
  { id: "callid", name: "Call-ID", width: "14rem", cell: (r) => <span class="mono">{r.callId ?? "–"}</span> },
  {
    id: "rec", name: "Audio", width: "5.2rem",
    cell: (r) => {
      const [kind, text] = RECORDING[r.recording ?? ""] ?? ["", r.recording ? words(r.recording) : ""];
      return text ? <Tag kind={kind}>{text}</Tag> : "";
    },
  },
];
const DEFAULT_COLUMNS = "time,from,to,outcome,duration,mos,loss,jitter,codec,summary,rec";

const PRESETS: [string, string, Order, string][] = [
  ["Bad MOS", "mos<3.6", "mos_min", "MOS below fair, worst first"],
  ["One-way", "one-way", "-started_at", "one side did not hear the other"],
  ["No media", "no-media", "-started_at", "nobody heard anybody"],
  ["Failed", "failed", "-started_at", "busy, no answer, rejected, failed, lost"],
  ["Long setup", "pdd>5s", "-started_at", "more than 5 s until it rang"],
  ["Lossy", "loss>2%", "-started_at", "2 % lost and more"],
  ["Recorded", "recorded", "-started_at", ""],
];

// The list that was looked at last: who comes back from a call finds it as it was.
let kept: { key: string; rows: Rows; top: number; selected: number; from: string } | null = null;
const tell: { call: () => void } = { call: () => undefined };

function useRows(text: string, span: string, order: Order): { rows: Rows | null; errors: string[]; key: string; refresh: () => void } {
  const [, again] = useState(0);
  const [turn, refresh] = useState(0);
  const parsed = useMemo(() => parseQuery(text), [text]);
  const key = `${text}|${span}|${order}|${turn}`;
  tell.call = () => again((n) => n + 1);
  if (parsed.errors.length === 0 && kept?.key !== key && !(kept && turn === 0 && kept.key.startsWith(`${text}|${span}|${order}|`))) {
    kept?.rows.stop();
    const from = fromOf(span);
    kept = { key, from, rows: new Rows(parsed, from, order, () => tell.call()), top: 0, selected: -1 };
    void kept.rows.more(1);
  }
  return { rows: parsed.errors.length ? null : (kept?.rows ?? null), errors: parsed.errors, key: kept?.key ?? key, refresh: () => refresh((n) => n + 1) };
}

function ColumnPicker(p: { chosen: string[]; set: (c: string[]) => void }): JSX.Element {
  return (
    <details class="columns-picker">
      <summary>Columns</summary>
      <fieldset>
        <legend class="sr">Columns</legend>
        {COLUMNS.map((c) => (
          <label key={c.id}>
            <input
              type="checkbox"
              checked={p.chosen.includes(c.id)}
              onChange={(e) => p.set(e.currentTarget.checked ? COLUMNS.map((x) => x.id).filter((id) => id === c.id || p.chosen.includes(id)) : p.chosen.filter((id) => id !== c.id))}
            />
            {c.name}
          </label>
        ))}
        <button type="button" onClick={() => p.set(DEFAULT_COLUMNS.split(","))}>As it was</button>
      </fieldset>
    </details>
  );
}

interface CallRowProps { r: Row; i: number; selected: boolean; columns: Column[]; template: { gridTemplateColumns: string } | undefined; open: (i: number) => void }

/** Made again only for another call: pages that arrive meanwhile cost the rows in sight nothing. */
class CallRow extends Component<CallRowProps> {
  override shouldComponentUpdate(n: CallRowProps): boolean {
    const p = this.props;
    return n.r !== p.r || n.i !== p.i || n.selected !== p.selected || n.columns !== p.columns;
  }
  override render(): JSX.Element {
    const { r, i, selected, columns, template } = this.props;
    return (
      <div role="row" aria-rowindex={i + 2} class={`row ${selected ? "selected" : ""} ${r.band === "bad" || r.band === "poor" || r.oneWay || r.noMedia ? "suspect" : ""}`} style={template} onClick={(e) => { if (!(e.target as HTMLElement).closest("a")) this.props.open(i); }}>
        {columns.map((c) => (
          <div key={c.id} role="cell" class={`c-${c.id} ${c.num ? "num" : ""}`}>
            {c.id === "time" ? <a href={link("call", r.uid)} onClick={() => { if (kept) kept.selected = i; }}>{c.cell(r)}</a> : c.cell(r)}
          </div>
        ))}
      </div>
    );
  }
}

function useNarrow(): boolean {
  const media = useMemo(() => matchMedia("(max-width: 640px)"), []);
  const [narrow, set] = useState(media.matches);
  useEffect(() => {
    const on = () => set(media.matches);
    media.addEventListener("change", on);
    return () => media.removeEventListener("change", on);
  }, [media]);
  return narrow;
}

export function Calls(p: { route: Route }): JSX.Element {
  const { params } = p.route;
  const span = spanOf(params);
  const text = params.get("q") ?? "";
  const order = (params.get("order") ?? "-started_at") as Order;
  const [typed, type] = useState(text);
  const [chosen, choose] = useState((params.get("cols") ?? remembered("columns", DEFAULT_COLUMNS)).split(","));
  const box = useRef<HTMLInputElement>(null);
  const narrow = useNarrow();
  const { rows, errors, key, refresh } = useRows(text, span, order);
  useTitle(text ? `Calls: ${text}` : "Calls");
  useEffect(() => type(text), [text]);
  useEffect(() => {
    if (params.get("focus")) {
      box.current?.focus();
      amend({ focus: null });
    }
  }, []);
  useEffect(() => {
    const timer = setTimeout(() => typed !== text && amend({ q: typed }), 350);
    return () => clearTimeout(timer);
  }, [typed, text]);

  const list = rows?.rows ?? [];
  const selected = kept?.selected ?? -1;
  const select = (i: number) => {
    if (kept) kept.selected = Math.max(0, Math.min(list.length - 1, i));
    tell.call();
  };
  const open = (i: number) => {
    const r = list[i];
    if (r) {
      if (kept) kept.selected = i;
      go(link("call", r.uid));
    }
  };
  useKeys({
    j: () => select(selected + 1), ArrowDown: () => select(selected + 1), k: () => select(selected - 1), ArrowUp: () => select(selected - 1),
    PageDown: () => select(selected + 15), PageUp: () => select(selected - 15), Home: () => select(0), End: () => select(list.length - 1),
    Enter: () => open(selected), R: refresh,
  });

  const { columns, template } = useMemo(() => {
    const some = COLUMNS.filter((c) => (narrow ? c.phone : chosen.includes(c.id)));
    return { columns: some, template: narrow ? undefined : { gridTemplateColumns: some.map((c) => c.width).join(" ") } };
  }, [narrow, chosen]);
  const least = narrow ? undefined : `${columns.reduce((sum, c) => sum + Number(/[\d.]+/.exec(c.width)?.[0] ?? 0) + 0.8, 0.8)}rem`;
  const setColumns = (c: string[]) => {
    choose(c);
    remember("columns", c.join(","));
  };
  // The same column once more: the other way round, but for the worst, whose other end nobody looks for.
  const sort = (o: Order) => amend({ order: o === order && o.startsWith("-") ? o.slice(1) : o });
  const ascending = !order.startsWith("-");
  const head = (
    <div class="row head" role="row" aria-rowindex={1} style={template}>
      {columns.map((c) => {
        const active = c.order !== undefined && (c.order === order || c.order === `-${order}`);
        return (
          <div key={c.id} role="columnheader" class={`c-${c.id} ${c.num ? "num" : ""}`} aria-sort={active ? (ascending ? "ascending" : "descending") : undefined}>
            {c.order ? <button type="button" class="sort" onClick={() => sort(c.order!)}>{c.name}{active ? <span aria-hidden="true">{ascending ? " ↑" : " ↓"}</span> : null}</button> : c.name}
          </div>
        );
      })}
    </div>
  );
  const row = (i: number) => <CallRow key={i % 64} r={list[i]!} i={i} selected={i === selected} columns={columns} template={template} open={open} />;

  const all = rows?.total ?? null;
  const total = all === null ? "" : rows?.about ? `about ${number(Number(all.toPrecision(2)))}` : number(all); // of several scales, of which one may be exact
  const conditions = parseQuery(text).conditions.length > 0;
  const counted = rows === null ? "" : conditions
    ? `${number(list.length)} of ${number(rows.looked)} looked at${total ? `, ${total} in all` : ""}`
    : all !== null && all > list.length ? `${number(list.length)} of ${total} calls` : list.length || rows.done ? `${number(list.length)} ${list.length === 1 ? "call" : "calls"}` : "";
  return (
    <div class="calls">
      <div class="view-head">
        <h1>Calls</h1>
        <form role="search" onSubmit={(e) => { e.preventDefault(); amend({ q: typed }); box.current?.blur(); }}>
          <input
            ref={box} type="search" value={typed} maxLength={200} spellcheck={false} autocomplete="off" autocapitalize="off"
            aria-label="Search calls" aria-describedby="search-errors" aria-invalid={errors.length > 0}
            placeholder="number, address, Call-ID, mos<3.5 loss>2% code:486 …"
            onInput={(e) => type(e.currentTarget.value)}
            onKeyDown={(e) => { if (e.key === "Escape" || e.key === "ArrowDown") { e.preventDefault(); box.current?.blur(); if (e.key === "ArrowDown") select(0); } }}
          />
        </form>
        <SpanPicker span={span} />
        {narrow ? null : <Exporter parsed={parseQuery(text)} from={kept?.from ?? fromOf(span)} order={order} />}
        {narrow ? null : <ColumnPicker chosen={chosen} set={setColumns} />}
      </div>
      <div class="presets" role="group" aria-label="Presets">
        {PRESETS.map(([name, q, o, title]) => (
          <button key={q} type="button" title={title} aria-pressed={text === q} onClick={() => (text === q ? amend({ q: null, order: null }) : amend({ q, order: o === "-started_at" ? null : o }))}>{name}</button>
        ))}
        <span class="counted" role="status">{counted}{rows?.busy ? " …" : ""}</span>
        {rows?.about ? <button type="button" class="quiet" title="So many are found in a sample; looking at all of them may take some seconds" onClick={() => void rows.countAll()}>Count them</button> : null}
        <button type="button" class="quiet" onClick={refresh} title="Ask again (R)">Refresh</button>
      </div>
      <div id="search-errors" class="search-errors" aria-live="polite">{errors.map((e) => <p key={e}>{e}</p>)}</div>
      {rows?.error ? <Trouble error={rows.error instanceof ApiError ? rows.error : new ApiError(0, "page", String(rows.error))} retry={() => void rows.more(rows.rows.length + 1)} /> : null}
      {list.length > 0 ? (
        <Virtual
          key={`${key}${narrow}`} count={list.length} total={rows?.total ?? null} height={narrow ? 62 : 32} least={least} head={head} label="Calls" row={row} selected={selected}
          top={kept?.top ?? 0}
          scrolled={(t) => { if (kept) kept.top = t; }}
          near={(last) => { if (rows && !rows.busy && !rows.done && !rows.error && last > list.length - PAGE) void rows.more(list.length + 1); }}
        />
      ) : rows?.busy ? (
        <Loading what="calls" lines={12} />
      ) : rows && !rows.error ? (
        <Empty title={text ? "No call fits." : `No call in the last ${spanWords(span)}.`}>
          <p>{text ? <>Searched the last {spanWords(span)} for <code>{text}</code>. Choose a longer period, or leave a condition out.</> : <>Choose a longer period, or look at <a href={link("health")}>Health</a> whether packets arrive.</>}</p>
        </Empty>
      ) : null}
      {list.length >= ROWS_MAX ? <p class="soft">{number(ROWS_MAX)} rows are shown; narrow the search for the others.</p> : null}
    </div>
  );
}
