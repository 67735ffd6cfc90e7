// The one way to the API: JSON in, JSON out, errors as they are told (RFC 9457). Paths are relative, so that a proxy may put the page
// below a prefix. The page comes out of the program that answers, so it asks for what that has.
import type { Me } from "./types.ts";

export const BASE = "api/v1";

export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, detail: string, readonly field: string | null = null) {
    super(detail);
  }
}

let csrf: string | null = null;
const CSRF_HEADER = "X-CSRF-Token";

/** Of the service, "/api/v1/...", as links in its answers are written, or of ours, "calls?..."; always below where the page is. */
export function url(path: string): string {
  return path.startsWith("/") ? path.slice(1) : `${BASE}/${path}`;
}

async function problemOf(response: Response): Promise<ApiError> {
  try {
    const p = (await response.json()) as { code?: string; detail?: string; field?: string | null };
    return new ApiError(response.status, p.code ?? "error", p.detail ?? response.statusText, p.field ?? null);
  } catch {
    return new ApiError(response.status, "error", `The service answered ${response.status} ${response.statusText}.`);
  }
}

/** Somebody must say who they are: the page shows the way in. */
export const onUnauthorised: { call: (() => void) | null } = { call: null };

async function request(method: string, at: string, body?: unknown, signal?: AbortSignal, accept = "application/json", more: Record<string, string> = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: accept, ...more };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (csrf && method !== "GET") headers[CSRF_HEADER] = csrf;
  const init: RequestInit = { method, headers, credentials: "same-origin" };
  if (body !== undefined) init.body = JSON.stringify(body);
  if (signal) init.signal = signal;
  let response: Response;
  try {
    response = await fetch(at, init);
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new ApiError(0, "unreachable", "The service cannot be reached. It may be restarting; this page tries again.");
  }
  if (response.ok) return response;
  if (response.status === 401) onUnauthorised.call?.();
  throw await problemOf(response);
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await request("GET", url(path), undefined, signal)).json() as Promise<T>;
}
/** With the tag by which it is put again only while it is still this. */
export async function getTagged<T>(path: string, signal?: AbortSignal): Promise<{ data: T; etag: string | null }> {
  const response = await request("GET", url(path), undefined, signal);
  return { data: (await response.json()) as T, etag: response.headers.get("ETag") };
}
export async function getText(path: string, signal?: AbortSignal): Promise<string> {
  return (await request("GET", url(path), undefined, signal, "text/plain, */*")).text();
}
export async function send<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown, headers?: Record<string, string>): Promise<T | null> {
  const response = await request(method, url(path), body, undefined, undefined, headers);
  return response.status === 204 ? null : ((await response.json()) as T);
}

/** A file as it is, with how much of it has gone; only an older way to ask tells that. */
export function upload(path: string, file: Blob, tell: (share: number) => void): Promise<unknown> {
  return new Promise((done, fail) => {
    const x = new XMLHttpRequest();
    x.open("POST", url(path));
    x.setRequestHeader("Content-Type", "application/octet-stream");
    if (csrf) x.setRequestHeader(CSRF_HEADER, csrf);
    x.upload.onprogress = (e) => { if (e.lengthComputable) tell(e.loaded / e.total); };
    x.onerror = () => fail(new ApiError(0, "unreachable", "The file did not arrive: the service cannot be reached, or took no more of it."));
    x.onload = () => {
      if (x.status === 401) onUnauthorised.call?.();
      if (x.status < 300) done(null);
      else void problemOf(new Response(x.responseText, { status: x.status, statusText: x.statusText })).then(fail);
    };
    x.send(file);
  });
}

export function query(params: [string, string][] | Record<string, string>): string {
  const q = new URLSearchParams(params).toString();
  return q ? `?${q}` : "";
}

export async function whoAmI(): Promise<Me> {
  const me = await get<Me>("me");
  csrf = me.csrf_token;
  return me;
}
export async function logIn(who: { name: string; password: string } | { token: string }): Promise<void> {
  const answer = await send<Me>("POST", "sessions", who);
  csrf = answer?.csrf_token ?? null;
}

export async function logOut(): Promise<void> {
  await send("DELETE", "sessions");
  csrf = null;
}
