// The plain page: recent and live calls, one call in detail. Everything that came from the network reaches the document through
// textContent or an attribute of our own choosing, never as markup.
"use strict";

const API = "/api/v1";
const SVG = "http://www.w3.org/2000/svg";
const $ = (id) => document.getElementById(id);

function node(name, text, className) {
  const n = document.createElement(name);
  if (text !== undefined && text !== null) n.textContent = String(text);
  if (className) n.className = className;
  return n;
}

function shape(name, attributes, text) {
  const n = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) n.setAttribute(key, String(value));
  if (text !== undefined) n.textContent = text;
  return n;
}

async function fetchJson(url) {
  const response = await fetch(url, { headers: { Accept: "application/json" } });
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail || response.statusText);
  return body;
}

// ---- how values look ----
const number = (v, digits, unit) => (v === null || v === undefined ? "–" : v.toFixed(digits) + (unit || ""));
const percent = (v) => (v === null || v === undefined ? "–" : (v * 100).toFixed(2) + " %");
const when = (t) => (t ? new Date(t).toLocaleString() : "–");

function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  const s = Math.round(ms / 1000);
  const two = (n) => String(n).padStart(2, "0");
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

function who(party) {
  const address = party.user && party.host ? `${party.user}@${party.host}` : party.user || party.host || "–";
  return party.display ? `${party.display} (${address})` : address;
}

function bandClass(band) {
  return { excellent: "good", good: "good", fair: "fair", poor: "bad", bad: "bad" }[band] || "soft";
}

function row(cells) {
  const tr = node("tr");
  for (const cell of cells) {
    const td = node("td", cell.node ? undefined : cell.text, cell.className);
    if (cell.node) td.append(cell.node);
    tr.append(td);
  }
  return tr;
}

const num = (text, more) => ({ text, className: "num" + (more ? " " + more : "") });

// ---- lists ----
function worst(streams, key, pick) {
  const values = streams.map((s) => s[key]).filter((v) => v !== null && v !== undefined);
  return values.length ? pick(...values) : null;
}

function liveRow(c) {
  return row([
    { text: when(c.started_at) }, { text: c.state }, { text: who(c.from) }, { text: who(c.to) },
    { text: c.streams.length ? c.streams[0].codec || "–" : "–" },
    num(percent(worst(c.streams, "loss_ratio", Math.max))), num(number(worst(c.streams, "jitter_ms", Math.max), 1, " ms")),
    num(number(worst(c.streams, "mos", Math.min), 2)),
  ]);
}

function callRow(c) {
  const open = node("button", when(c.started_at));
  open.type = "button";
  open.addEventListener("click", () => showCall(c.uid));
  const q = c.quality;
  const audio = c.recording ? c.recording.state || c.recording.result || "–" : "–";
  return row([
    { node: open }, { text: who(c.from) }, { text: who(c.to) },
    { text: c.outcome === null ? c.kind : c.sip_code ? `${c.outcome} (${c.sip_code})` : c.outcome }, num(duration(c.duration_ms)),
    { text: (c.codec || "–") + (q.one_way ? " one-way" : q.no_rtp ? " no media" : "") }, num(percent(q.loss_ratio)),
    num(number(q.jitter_ms_max, 1, " ms")), num(number(q.mos_min, 2), bandClass(q.band)), { text: audio },
  ]);
}

let nextCursor = null;
let pageQuery = null;

function searchQuery() {
  const form = new FormData($("search"));
  const query = new URLSearchParams({ limit: "50", order: form.get("order") });
  query.set("from", new Date(Date.now() - Number(form.get("span")) * 60000).toISOString());
  for (const name of ["q", "outcome", "has_recording"]) if (form.get(name)) query.set(name, form.get(name));
  return query;
}

async function loadCalls(append) {
  if (!append) pageQuery = searchQuery();
  const query = new URLSearchParams(pageQuery);
  if (append) query.set("cursor", nextCursor);
  const page = await fetchJson(`${API}/calls?${query}`);
  const body = $("calls").tBodies[0];
  const rows = page.data.map(callRow);
  if (append) body.append(...rows);
  else body.replaceChildren(...rows);
  nextCursor = page.page.next_cursor;
  $("more").hidden = !page.page.has_more;
  $("calls-count").textContent = body.rows.length + (page.page.has_more ? "+" : "");
  $("empty").hidden = body.rows.length > 0;
}

async function loadLive() {
  const live = await fetchJson(`${API}/live/calls?limit=200`);
  $("live").tBodies[0].replaceChildren(...live.data.map(liveRow));
  $("live-count").textContent = live.data.length + (live.has_more ? "+" : "");
}

// ---- one call ----
function facts(c) {
  const q = c.quality;
  const pairs = [
    ["Started", when(c.started_at)], ["Answered", when(c.answered_at)], ["Ended", when(c.ended_at)],
    ["From", who(c.from)], ["To", who(c.to)], ["Call-ID", c.call_id],
    ["Outcome", `${c.outcome || c.state} ${c.sip_code || ""} ${c.reason_phrase || ""}`], ["End", c.end_reason], ["Released by", c.released_by],
    ["Ringing after", number(c.post_dial_delay_ms, 0, " ms")], ["Set up in", number(c.setup_ms, 0, " ms")], ["Duration", duration(c.duration_ms)],
    ["User agent", c.user_agent], ["MOS (worse direction)", `${number(q.mos_min, 2)} ${q.scale || ""} ${q.basis || ""}`],
    ["Round trip", number(q.rtt_ms, 1, " ms")],
  ];
  return pairs.map(([name, value]) => {
    const div = node("div");
    div.append(node("dt", name), node("dd", value || "–"));
    return div;
  });
}

function sound(c) {
  const box = node("div");
  const g = c.recording;
  if (g && g.url) {
    const audio = node("audio");
    audio.controls = true;
    audio.preload = "none";
    audio.src = g.url;
    box.append(audio, node("p", `${g.channels.join(" left, ")} right · ${g.sample_rate_hz} Hz · ${duration(g.duration_ms)}`, "soft"));
  } else {
    box.append(node("p", g ? `No audio: ${g.state || g.result}` : "No recording", "soft"));
  }
  const pcap = node("a", "Packets (pcap)");
  pcap.href = c.links.pcap;
  box.append(pcap);
  return box;
}

// Loss as bars, jitter and MOS as lines over the same seconds.
function chart(series) {
  const width = 900, height = 110, left = 4, steps = series.packets.length;
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height + 16}`, width, height: height + 16, role: "img" });
  const x = (i, n) => left + (i / Math.max(n, 1)) * (width - 2 * left);
  const y = (v, top) => height - (Math.min(v, top) / top) * (height - 6);
  const jitterTop = Math.max(10, ...series.jitter_ms.filter((v) => v !== null));
  const line = (values, top) => {
    let path = "", pen = "M";
    values.forEach((v, i) => {
      if (v === null) { pen = "M"; return; }
      path += `${pen}${x(i + 0.5, values.length).toFixed(1)},${y(v, top).toFixed(1)}`;
      pen = "L";
    });
    return path;
  };
  svg.append(shape("line", { class: "axis", x1: left, x2: width - left, y1: height, y2: height }));
  series.lost.forEach((lost, i) => {
    if (!lost) return;
    const ratio = lost / (lost + series.packets[i]);
    svg.append(shape("rect", { class: "loss", x: x(i, steps).toFixed(1), width: Math.max(1, width / steps - 1).toFixed(1),
      y: y(Math.max(ratio, 0.02), 1).toFixed(1), height: (height - y(Math.max(ratio, 0.02), 1)).toFixed(1) }));
  });
  svg.append(shape("path", { class: "jitter", d: line(series.jitter_ms, jitterTop) }), shape("path", { class: "mos", d: line(series.mos, 5) }));
  svg.append(shape("text", { x: left, y: height + 13 }, `0 s … ${Math.round((steps * series.step_ms) / 1000)} s · loss 0–100 % (bars) · jitter 0–${jitterTop.toFixed(0)} ms (blue) · MOS 0–5 (green)`));
  return svg;
}

function streamBox(c, s) {
  const box = node("div", undefined, "stream");
  const text = `${s.party}: ${s.src || "–"} → ${s.dst || "–"} · ${s.codec || "unknown codec"} · ${s.packets} packets, ${s.lost} lost (${percent(s.loss_ratio)}), ` +
    `${s.duplicates} twice, ${s.reordered} reordered · jitter ${number(s.jitter_ms.avg, 1)} / ${number(s.jitter_ms.max, 1)} ms · MOS ${number(s.mos.lq, 2)} ${s.mos.basis || ""}`;
  box.append(node("p", text, bandClass(s.band)));
  fetchJson(s.series_url).then((series) => { if (series.packets.length) box.append(chart(series)); }, report);
  return box;
}

function ladder(l) {
  const lane = 210, step = 26, top = 34;
  const width = Math.max(l.hosts.length, 2) * lane, height = top + (l.events.length + 1) * step;
  const svg = shape("svg", { viewBox: `0 0 ${width + 90} ${height}`, width: width + 90, height, role: "img" });
  const x = (id) => 90 + lane / 2 + id * lane;
  for (const h of l.hosts) {
    svg.append(shape("line", { class: "lane", x1: x(h.id), x2: x(h.id), y1: top - 8, y2: height }));
    svg.append(shape("text", { class: "name", x: x(h.id), y: 16, "text-anchor": "middle" }, h.addr));
  }
  l.events.forEach((e, i) => {
    const y = top + (i + 1) * step, kind = e.kind === "sip" ? "sip" : "media";
    const from = x(e.src), to = x(e.dst), back = from < to ? -7 : 7;
    const label = e.kind === "sip" ? e.label + (e.retransmit ? " (again)" : "") : `${e.label} ${e.kind === "rtp_start" ? "starts" : "ends"}`;
    svg.append(shape("text", { x: 0, y: y + 4 }, `${(e.t_us / 1e6).toFixed(3)} s`));
    svg.append(shape("line", { class: kind, x1: from, x2: to, y1: y, y2: y }));
    svg.append(shape("path", { class: kind, d: `M${to},${y}l${back},-4l0,8z` }));
    svg.append(shape("text", { x: (from + to) / 2, y: y - 4, "text-anchor": "middle" }, label));
  });
  return svg;
}

function messageBox(m) {
  const box = node("details");
  const title = m.status ? `${m.status} ${m.reason_phrase || ""}` : m.method;
  box.append(node("summary", `${m.n}. ${title}   ${m.src} → ${m.dst}   ${m.at}${m.retransmission ? "   (again)" : ""}`), node("pre", m.raw));
  return box;
}

async function showCall(uid) {
  try {
    const c = await fetchJson(`${API}/calls/${encodeURIComponent(uid)}`);
    $("facts").replaceChildren(...facts(c));
    $("sound").replaceChildren(sound(c));
    $("streams").replaceChildren(...c.streams.map((s) => streamBox(c, s)));
    $("detail").hidden = false;
    $("detail").scrollIntoView({ behavior: "smooth" });
    const [steps, messages] = await Promise.all([fetchJson(c.links.ladder), fetchJson(c.links.messages)]);
    $("ladder").replaceChildren(ladder(steps));
    $("messages").replaceChildren(...messages.data.map(messageBox));
  } catch (e) {
    report(e);
  }
}

// ---- running ----
function report(e) {
  $("status").textContent = e.message;
  $("status").className = "bad";
}

let paged = false;

async function refresh() {
  try {
    await loadLive();
    if (!paged) await loadCalls(false);
    $("status").textContent = `as of ${new Date().toLocaleTimeString()}`;
    $("status").className = "";
  } catch (e) {
    report(e);
  }
}

async function poll() {
  if (!document.hidden) await refresh();
  setTimeout(poll, 3000);
}

$("search").addEventListener("input", () => { paged = false; refresh(); });
$("search").addEventListener("submit", (e) => { e.preventDefault(); paged = false; refresh(); });
$("more").addEventListener("click", () => { paged = true; loadCalls(true).catch(report); });
$("close").addEventListener("click", () => { $("detail").hidden = true; $("sound").replaceChildren(); });
poll();
