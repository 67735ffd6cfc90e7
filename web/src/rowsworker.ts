// Reads pages of calls beside the page: what is a megabyte of JSON here is a few kilobytes of rows there.
import { ApiError, getAt } from "./api.ts";
import { pageOf, type WorkerAnswer } from "./callrows.ts";
import type { CallBrief, List } from "./types.ts";

self.onmessage = async (e: MessageEvent<{ id: number; url: string }>) => {
  const { id, url } = e.data;
  let answer: WorkerAnswer;
  try {
    answer = { id, page: pageOf(await getAt<List<CallBrief>>(url)) };
  } catch (x) {
    answer = { id, problem: x instanceof ApiError ? { status: x.status, code: x.code, detail: x.message, field: x.field } : { status: 0, code: "page", detail: String(x), field: null } };
  }
  self.postMessage(answer);
};
