import assert from "node:assert/strict";
import { test } from "node:test";
import { caveats, filterOf } from "../src/exporter.tsx";
import { parseQuery } from "../src/query.ts";

const filter = (text: string) => filterOf(parseQuery(text), "2026-01-01T00:00:00Z", "-started_at");

test("the words of the search box are the filter of an export", () => {
  assert.deepEqual(filter("failed code:486"), {
    from: "2026-01-01T00:00:00Z", order: "-started_at", outcome: ["busy", "no_answer", "rejected", "failed", "lost"], sip_code: "486",
  });
});
test("a MOS is compared on one scale, and that is said", () => {
  assert.deepEqual([filter("mos<3.5").mos_min__lte, filter("mos<3.5").scale, filter("mos<3.5 scale:WB").scale], ["3.5", "NB", "WB"]);
  assert.equal(caveats(parseQuery("mos<3.5")).length, 1);
  assert.equal(caveats(parseQuery("mos<3.5 scale:WB")).length, 0);
});
test("what the page alone looks at is said, too", () => {
  assert.match(caveats(parseQuery("pdd>5s"))[0] ?? "", /pdd/);
  assert.deepEqual(caveats(parseQuery("failed")), []);
});
