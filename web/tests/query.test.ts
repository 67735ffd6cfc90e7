import assert from "node:assert/strict";
import { test } from "node:test";
import { asNumber, isAddress, parseQuery, parseValue, split } from "../src/query.ts";

const params = (text: string) => parseQuery(text).params;

test("a number is searched on both sides, a short one as it stands", () => {
  assert.deepEqual(params("+4930110000012"), [["number__prefix", "+4930110000012"]]);
  assert.deepEqual(params("+49 30 1100-00012"), [["number__prefix", "+49301100" + "00012"]]);
  assert.deepEqual(params("(030) 1234567"), [["number__prefix", "0301234567"]]);
  assert.deepEqual(params("1000"), [["number", "1000"]]);
});
test("two numbers are an error, not a search for one of them", () => {
  assert.equal(parseQuery("+4930110000012 +4989220000012").errors.length, 1);
});
test("addresses, Call-IDs and other text are told apart", () => {
  assert.deepEqual(params("10.32.0.12"), [["ip", "10.32.0.12"]]);
  assert.deepEqual(params("2001:db8::1"), [["ip", "2001:db8::1"]]);
  assert.deepEqual(params("300.1.1.1"), [["number", "300111"]]);
  assert.deepEqual(params("cb8859ae-12@earshot.example"), [["call_id", "cb8859ae-12@earshot.example"]]);
  assert.deepEqual(params("alice"), [["q", "alice"]]);
  assert.deepEqual(params('"Cisco phone"'), [["q", "Cisco phone"]]);
  assert.deepEqual(params("Cisco phone"), [["q", "Cisco phone"]]);
});
test("conditions go to the service where it knows them", () => {
  const p = parseQuery("mos<3.5 loss>2%");
  assert.equal(p.mosBelow, 3.5);
  assert.deepEqual(p.params, [["loss_ratio__gte", "0.02"]]);
  assert.deepEqual(params("loss > 2 %".replace(" %", "%")), [["loss_ratio__gte", "0.02"]]);
  assert.deepEqual(params("jitter>30ms"), [["jitter_ms__gte", "30"]]);
  assert.deepEqual(params("duration>1m30s duration<2h"), [["duration_ms__gte", "90000"], ["duration_ms__lte", "7200000"]]);
});
test("conditions that it does not know are kept for the page", () => {
  const p = parseQuery("pdd>5s loss<1% mos>4");
  assert.deepEqual(p.params, []);
  assert.deepEqual(p.conditions, [{ field: "pdd", op: ">", value: 5000 }, { field: "loss", op: "<", value: 0.01 }, { field: "mos", op: ">", value: 4 }]);
});
test("words with a key, flags, several codes", () => {
  assert.deepEqual(params("code:486,487 codec:opus"), [["sip_code", "486"], ["sip_code", "487"], ["codec", "opus"]]);
  assert.deepEqual(params("one-way recorded"), [["one_way", "true"], ["has_recording", "true"]]);
  assert.deepEqual(params("outcome:no-answer"), [["outcome", "no_answer"]]);
  assert.equal(params("failed").length, 5);
  assert.deepEqual(params("tag:customer:4711"), [["tag", "customer:4711"]]);
  assert.deepEqual(params("header:X-Account value:7"), [["header", "X-Account"], ["header_value__contains", "7"]]);
});
test("what cannot be understood is told", () => {
  for (const text of ["mos<9", "mos<bad", "speed>3", "code:abc", "code:999", "q850:200", "loss>x%", "value:7"]) assert.equal(parseQuery(text).errors.length, 1, text);
});
test("values with units", () => {
  assert.equal(parseValue("duration", "1h2m3s"), 3723000);
  assert.equal(parseValue("duration", "90"), 90000);
  assert.equal(parseValue("jitter", "30"), 30);
  assert.equal(parseValue("loss", "0.02"), 0.02);
  assert.equal(parseValue("loss", "2"), 0.02);
  assert.equal(parseValue("pdd", "5 apples"), null);
});
test("small parts", () => {
  assert.deepEqual(split('a "b c" d"e f"'), ["a", "b c", "de f"]);
  assert.equal(asNumber("12"), null);
  assert.equal(asNumber("12a"), null);
  assert.equal(isAddress("1.2.3"), false);
  assert.equal(isAddress("256.1.1.1"), false);
});
test("words of transcripts and annotations keep their quotes", () => {
  assert.deepEqual(params('text:refund'), [["text", "refund"]]);
  assert.deepEqual(params('text:"refund policy" one-way'), [["text", '"refund policy"'], ["one_way", "true"]]);
  assert.deepEqual(params('text:refund text:"4711 222 333" text:cancel*'), [["text", 'refund "4711 222 333" cancel*']]);
  assert.deepEqual(params('note:"was angry"'), [["text", '"was angry"'], ["text_in", "annotations"]]);
  assert.deepEqual(params("said:a said:b"), [["text", "a b"], ["text_in", "transcripts"]]);
  assert.deepEqual(params('text:"loss > 2%"'), [["text", '"loss > 2%"']]);
  for (const text of ['text:"" x', "text:*", "said:a note:b", "text:a note:b"]) assert.equal(parseQuery(text).errors.length, 1, text);
});

test("hostile text is only ever a value", () => {
  const p = parseQuery("<script>alert(1)</script> \u0000 ' OR 1=1 --");
  assert.ok(p.errors.length + p.params.length > 0);
  for (const [k] of p.params) assert.match(k, /^[a-z0-9_]+$/);
});
