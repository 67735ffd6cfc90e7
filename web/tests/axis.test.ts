import assert from "node:assert/strict";
import { test } from "node:test";
import { axisOf, clamp, gridOf, ticks, worstSecond } from "../src/call/axis.ts";
import { evidence, story, where } from "../src/call/words.ts";
import { holds, rowOf } from "../src/callrows.ts";
import type { Call, Series, Stream } from "../src/types.ts";

const quality = { mos_min: 2.1, mos_avg: 3, r_min: 40, r_fb_min: 40, band: "bad", loss_ratio: 0.1, jitter_ms_max: 8, max_gap_ms: 60, one_way: false, no_rtp: false, rtt_ms: 1, scale: "NB", basis: "standard", playout: "AD" };
const stream = (party: string): Stream => ({ party, media_type: "audio", mos: { lq: 3 }, first_at: "2026-01-01T00:00:03Z", last_at: "2026-01-01T00:00:13Z" }) as unknown as Stream;
const call = (more: object = {}): Call => ({
  uid: "u", kind: "call", started_at: "2026-01-01T00:00:00Z", answered_at: "2026-01-01T00:00:03Z", ringing_at: "2026-01-01T00:00:01Z", ended_at: "2026-01-01T00:00:13Z", bye_at: null,
  outcome: "answered", end_reason: "bye", released_by: "callee", post_dial_delay_ms: 1000, setup_ms: 3000, ring_ms: 2000, duration_ms: 10000, direction: "out", trunk: "carrier-1",
  from: { user: "100", display: null, host: "a" }, to: { user: "200", display: null, host: "b" }, caller: { number: null, privacy: false }, callee: { number: null, privacy: false },
  quality, codec: "PCMA", streams: [stream("caller"), stream("callee")], diagnosis: [], recording: null, sip_code: 200, reason_phrase: "OK", q850_text: null, holds: 0, retransmissions: 0, messages: 7, ...more,
}) as unknown as Call;
const series = (t0: string, more: object = {}): Series => ({ t0, step_ms: 1000, packets: [50, 40, 50], lost: [0, 10, 0], discarded: [0, 0, 0], jitter_ms: [1, 2, 30], window_ms: 10000, mos: [3.2], r: [60], scale: "NB", ...more }) as unknown as Series;

test("the axis counts from the answer and holds all of the call", () => {
  const a = axisOf(call());
  assert.ok(a.from <= -3 && a.to >= 10 && a.from > -3.2);
  const never = axisOf(call({ answered_at: null, streams: [] }));
  assert.ok(never.from <= 0 && never.from > -0.2);
});
test("seconds of both sides stand on one grid, the worst of a second counts", () => {
  const a = axisOf(call());
  const g = gridOf(a, [{ stream: stream("caller"), series: series("2026-01-01T00:00:03Z") }, { stream: stream("callee"), series: series("2026-01-01T00:00:04Z", { lost: [0, 0, 0] }) }]);
  const at = (s: number) => g.x.indexOf(s + 0.5);
  assert.equal(g.caller.loss[at(1)], 0.2);
  assert.equal(g.callee.loss[at(1)], 0);
  assert.equal(g.caller.loss[at(9)], null);
  assert.equal(worstSecond(g, null), 1);
  assert.equal(worstSecond(g, { from: 2, to: 3 }), 2); // jitter of 30 ms there
  const clean = gridOf(a, [{ stream: stream("caller"), series: series("2026-01-01T00:00:03Z", { lost: [0, 0, 0], jitter_ms: [1, 1, 1] }) }]);
  assert.equal(worstSecond(clean, null), null);
});
test("a view stays within the call and is never less than a second", () => {
  assert.deepEqual(clamp({ from: -50, to: -49.9 }, { from: 0, to: 10 }), { from: 0, to: 1 });
  assert.deepEqual(clamp({ from: 9, to: 40 }, { from: 0, to: 10 }), { from: 0, to: 10 });
});
test("marks are round and few", () => {
  assert.deepEqual(ticks({ from: -0.3, to: 21 }, 6), [0, 5, 10, 15, 20]);
  assert.ok(ticks({ from: 0, to: 86400 }, 8).length <= 8);
});
test("a call in words: what the record says, no more", () => {
  assert.equal(story(call()).join(" "), "100 called 200 over carrier-1; the call went out. It rang after 1.0 s and was answered 3.0 s after the INVITE. They were connected for 10 seconds; the callee hung up. The worse direction was bad: MOS 2.10 (PCMA, 10.0 % lost, jitter up to 8.0 ms).");
  assert.match(story(call({ released_by: "unknown" })).join(" "), /who hung up is not known/);
  assert.match(story(call({ end_reason: "media_timeout" })).join(" "), /no BYE was seen/);
  const busy = story(call({ answered_at: null, outcome: "busy", sip_code: 486, reason_phrase: "Busy Here", streams: [], quality: { ...quality, mos_min: null } })).join(" ");
  assert.match(busy, /The callee was busy \(486 Busy Here\)\./);
  assert.doesNotMatch(busy, /MOS|hung up/);
  assert.match(story(call({ quality: { ...quality, no_rtp: true } })).join(" "), /No sound passed/);
});
test("where and why come from the diagnosis", () => {
  const d = { label: "loss", direction: null, cause: null, side: "before_tap", sid: 1, from_ms: 0, to_ms: 1, mos: { with: 1, without: 4 }, evidence: { loss_percent: 22.2222, lost: 11, gap_ms: 1234, run: 2.345, by: null } } as const;
  assert.equal(where({ ...d }), "between the speaker and the tap");
  assert.deepEqual(evidence({ ...d }), [["loss", "22.2 %"], ["lost", "11"], ["gap", "1.2 s"], ["lost in a row, mean", "2.3"]]);
});
test("conditions of the page leave out what is not known", () => {
  const r = rowOf(call());
  assert.equal(holds(r, [{ field: "pdd", op: ">", value: 500 }]), true);
  assert.equal(holds(r, [{ field: "pdd", op: ">", value: 5000 }]), false);
  assert.equal(holds(rowOf(call({ post_dial_delay_ms: null })), [{ field: "pdd", op: "<", value: 5000 }]), false);
});
