import assert from "node:assert/strict";
import { test } from "node:test";
import { advance } from "../src/livestate.ts";
import type { LiveCall, LiveSnapshot } from "../src/types.ts";

const call = (uid: string, state: string, more: object = {}): LiveCall => ({ uid, state, started_at: `2026-11-21T10:00:0${uid}Z`, ...more }) as LiveCall;
const known = (has_more: boolean, ...data: LiveCall[]): LiveSnapshot => ({ data, has_more, at: "2026-11-21T10:00:00Z" });
const seen = (s: LiveSnapshot) => s.data.map((c) => `${c.uid} ${c.state}`);
const news = (...calls: LiveCall[]) => calls.map((c) => ({ at: "", call: c }));

test("calls come, change and go, the oldest first", () => {
  const before = known(false, call("2", "trying", { tags: {} }), call("1", "answered"));
  const after = advance(before, news(call("3", "trying"), call("2", "ringing"), call("1", "ended"), call("2", "answered")));
  assert.deepEqual(seen(after), ["2 answered", "3 trying"]);
  assert.deepEqual((after.data[0] as unknown as { tags: object }).tags, {});
  assert.deepEqual(seen(before), ["2 trying", "1 answered"]);
});

test("what was over already stays away, and nothing changes without news", () => {
  assert.deepEqual(seen(advance(known(false), news(call("1", "ended")))), []);
  const same = advance(known(false, call("1", "answered")), []);
  assert.deepEqual([seen(same), same.at], [["1 answered"], "2026-11-21T10:00:00Z"]);
});

test("of more than are shown only those that are shown are followed", () => {
  assert.deepEqual(seen(advance(known(true, call("1", "trying")), news(call("1", "answered"), call("2", "trying")))), ["1 answered"]);
});
