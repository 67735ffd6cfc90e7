import assert from "node:assert/strict";
import { test } from "node:test";
import * as f from "../src/format.ts";
import { daysLeft, parseMetrics, sum } from "../src/metrics.ts";
import { link, parseRoute } from "../src/router.ts";

test("what is not known is a dash, never 0", () => {
  for (const text of [f.number(null), f.percent(undefined), f.mos(null), f.delay(null), f.duration(undefined), f.bytes(null), f.clock(null), f.ago(null)])
    assert.equal(text, "–");
  assert.equal(f.number(0), "0");
});
test("ratios keep what matters", () => {
  assert.equal(f.percent(0), "0 %");
  assert.equal(f.percent(0.00001), "< 0.01 %");
  assert.equal(f.percent(0.0004), "0.04 %");
  assert.equal(f.percent(0.0231), "2.3 %");
  assert.equal(f.percent(1), "100.0 %");
});
test("times are short and exact", () => {
  assert.equal(f.duration(7400), "0:07");
  assert.equal(f.duration(3723000), "1:02:03");
  assert.equal(f.position(12.34), "0:12.3");
  assert.equal(f.position(59.96), "1:00.0");
  assert.equal(f.position(-2), "−0:02.0");
  assert.equal(f.delay(740), "740 ms");
  assert.equal(f.delay(3200), "3.2 s");
  assert.equal(f.howLong(200000), "3 min 20 s");
  assert.equal(f.howLong(1000), "1 second");
  assert.equal(f.ago("2026-01-01T00:00:00Z", Date.parse("2026-01-01T00:00:50Z")), "50 seconds ago");
});
test("bytes count by thousands", () => {
  assert.equal(f.bytes(999), "999 B");
  assert.equal(f.bytes(68913954816), "68.9 GB");
});
test("bands are those of R 90, 80, 70, 60", () => {
  assert.deepEqual([4.4, 4.2, 3.7, 3.2, 2, null].map((v) => f.bandOfMos(v)), ["excellent", "good", "fair", "poor", "bad", "unknown"]);
});
test("who somebody is", () => {
  const party = { user: "1000", display: "Alice", host: "a.example" };
  assert.equal(f.who(party), "1000");
  assert.equal(f.whoLong(party), "Alice <1000@a.example>");
  assert.equal(f.who(null), "–");
  assert.equal(f.whoLong({ ...party, display: "مرحبا" }), "\u2068مرحبا\u2069 <1000@a.example>");
  assert.equal(f.whoLong({ ...party, display: "A\u202eecilA\u2069" }), "AecilA <1000@a.example>");
  assert.equal(f.who({ user: null, display: null, host: "h" }, { number: null, source: null, raw: null, privacy: true }), "anonymous");
});
test("metrics are read with their labels", () => {
  const m = parseMetrics('# HELP x y\nearshot_a{b="c\\"d",e="f"} 3\nearshot_a{b="g"} 4\nearshot_n 1e3\n');
  assert.equal(sum(m, "earshot_a"), 7);
  assert.equal(sum(m, "earshot_a", { b: 'c"d' }), 3);
  assert.equal(sum(m, "earshot_n"), 1000);
  assert.equal(sum(m, "none"), 0);
});
test("how long the disk lasts is told when it can be", () => {
  assert.equal(daysLeft(100e9, 10e9, 0, 86400), null);
  assert.equal(daysLeft(100e9, 10e9, 9e9, 100), null);
  assert.equal(daysLeft(100e9, 10e9, 9e9, 86400), 10);
});
test("a link leads back to where it came from", () => {
  const r = parseRoute(link("call", "a b/c", { t: 12.5, m: null }));
  assert.deepEqual([r.view, r.id, r.params.get("t"), r.params.get("m")], ["call", "a b/c", "12.5", null]);
  assert.equal(parseRoute("#/").view, "overview");
  assert.equal(parseRoute("#/call/%E0%A4%A").id, "%E0%A4%A");
});
