// What the API answers, as far as the page looks at it (api/openapi.yaml). null: not known.
export type Text = string | null;
export type Num = number | null;
export type Time = string | null;

export type Band = "excellent" | "good" | "fair" | "poor" | "bad" | "unknown";
export type Scale = "NB" | "WB" | "FB";
export type Side = "caller" | "callee" | "unknown";

export interface Page {
  next_cursor: Text;
  has_more: boolean;
  count?: { kind: "exact" | "estimate"; value: number };
}
export interface List<T> {
  data: T[];
  page: Page;
  query?: { from: string; to: string };
  total?: number;
}

export interface ImportRow {
  id: string;
  state: "queued" | "running" | "done" | "failed";
  name: string;
  actor: string;
  size_bytes: number;
  received_at: Time;
  progress: number;
  calls: number;
  others: number;
  dropped: { capture_packets: number; media_packets: number; calls_over_limit: number; calls_of_other_days: number };
  partial: boolean;
  error: Text;
}

export interface Party {
  user: Text;
  display: Text;
  host: Text;
  uri?: Text;
  tag?: Text;
}
export interface NumberedParty {
  number: Text;
  source: Text;
  raw: Text;
  privacy: boolean;
}

export interface CallQuality {
  mos_min: Num;
  mos_avg: Num;
  r_min: Num;
  r_fb_min: Num;
  band: Band;
  loss_ratio: Num;
  jitter_ms_max: Num;
  max_gap_ms: Num;
  one_way: boolean;
  no_rtp: boolean;
  rtt_ms: Num;
  scale: Scale | null;
  basis: Text;
  playout: Text;
}

export interface Stream {
  sid: number;
  party: Side;
  media_type: Text;
  ssrc: string;
  src: Text;
  dst: Text;
  codec: Text;
  negotiated: Text;
  payload_type: number;
  ptime_ms: Num;
  first_at: Time;
  last_at: Time;
  packets: number;
  expected: number;
  lost: number;
  loss_ratio: Num;
  discarded: number;
  reordered: number;
  duplicates: number;
  longest_loss_run: number;
  capture_refused: number;
  jitter_ms: { last: Num; avg: Num; max: Num; p95: Num };
  max_gap_ms: Num;
  mos: { lq: Num; cq: Num; scale: Scale | null; basis: Text; playout: Text; loss_basis: Text };
  r: Num;
  band: Band;
  burst_r: Num;
  max_outage_ms: Num;
  skew_ppm: Num;
  dscp: number;
  srtp: boolean;
  rtcp: { rtt_ms: Num; loss_ratio: Num; jitter_ms: Num } | null;
  loss_split: { before_tap: Num; after_tap: Num; capture: Num } | null;
  series_url: string;
}

export interface Diagnosis {
  label: string;
  direction: "caller_to_callee" | "callee_to_caller" | null;
  cause: Text;
  side: "before_tap" | "after_tap" | "at_tap" | "unknown";
  sid: Num;
  from_ms: number;
  to_ms: number;
  mos: { with: Num; without: Num };
  evidence: Record<string, number | string | null>;
}

export interface RecordingFile {
  id: Text;
  kind: string;
  number: Num;
  result: string;
  channels?: string[];
  started_at?: Time;
  duration_ms?: number;
  size_bytes?: number;
  url?: Text;
}
export interface ChannelSound {
  active_level_dbm0: Num;
  activity: Num;
  noise_dbov: Num;
  clipped_ratio: Num;
}
export interface Recording {
  id: Text;
  call_uid: string;
  result: Text;
  state: Text;
  rule: Text;
  action: Text;
  reason?: string;
  deleted_why?: string;
  format: Text;
  codec?: string;
  channels: string[];
  sample_rate_hz: Num;
  started_at: Time;
  duration_ms: Num;
  size_bytes: Num;
  sha256: Text;
  undecodable: Text;
  one_way: boolean;
  partial: boolean;
  truncated: boolean;
  recovered: boolean;
  damaged_pieces?: number;
  url?: Text;
  parts?: RecordingFile[];
  sound?: {
    caller?: ChannelSound;
    callee?: ChannelSound;
    dead_air?: { at_ms: number; length_ms: number }[];
    stretches?: { channel: Side; kind: string; at_ms: number; length_ms: number; ratio: number }[];
  } | null;
}

export interface CallEvent {
  at: Time;
  kind: Text;
  detail: Text;
}
export interface Digit {
  at: Time;
  digit: string;
  source: string;
  party: string;
  copy: boolean;
}
export interface Hop {
  hop: number;
  src: Text;
  dst: Text;
  transport: Text;
  request_uri: Text;
  response_ms: Num;
  final_ms: Num;
  code: Num;
}

export interface Call {
  uid: string;
  kind: string;
  started_at: string;
  progress_at: Time;
  ringing_at: Time;
  early_media_at: Time;
  answered_at: Time;
  bye_at: Time;
  ended_at: Time;
  state: string;
  outcome: Text;
  end_reason: Text;
  released_by: Text;
  partial: boolean;
  capture_suspect: boolean;
  call_id: Text;
  from: Party;
  to: Party;
  caller: NumberedParty;
  callee: NumberedParty;
  request_uri: Text;
  user_agent: Text;
  server: Text;
  src: Text;
  dst: Text;
  transport: Text;
  direction: Text;
  trunk: Text;
  site: Text;
  from_site: Text;
  to_site: Text;
  tenant: Text;
  probe: Text;
  sip_code: Num;
  reason_phrase: Text;
  q850_cause: Num;
  q850_text: Text;
  duration_ms: Num;
  ring_ms: Num;
  post_dial_delay_ms: Num;
  setup_ms: Num;
  disconnect_delay_ms: Num;
  auth_attempts: Num;
  holds: Num;
  held_ms: Num;
  messages: number;
  retransmissions: number;
  quality: CallQuality;
  summary: Text;
  diagnosis: Diagnosis[];
  codec: Text;
  streams: Stream[];
  recording: Recording | null;
  annotation_count?: number;
  has_transcript?: boolean;
  tags?: Record<string, string>;
  hops?: Hop[];
  events?: CallEvent[];
  dtmf?: Digit[];
  digits?: { caller: Text; callee: Text };
  reason_headers?: { at: Time; party: Text; message: string; protocol: string; cause: Num; text: Text }[];
  unreachable?: { what: string; reason: string; src: string; dst: string; by: string; count: number }[];
  ack_missing?: boolean;
  related?: { kind: string; uid: string; at: Time }[];
  nat?: string[];
}

/** A call as a row of a table (view=brief): of each object in it only these members. */
export type CallBrief = Pick<Call, "uid" | "kind" | "started_at" | "outcome" | "released_by" | "sip_code" | "duration_ms" | "ring_ms" | "post_dial_delay_ms" | "setup_ms" | "call_id"
  | "user_agent" | "src" | "dst" | "direction" | "trunk" | "site" | "summary" | "codec"> & {
  from: Pick<Party, "user" | "display" | "host">;
  to: Pick<Party, "user" | "display" | "host">;
  caller: Pick<NumberedParty, "number" | "privacy">;
  callee: Pick<NumberedParty, "number" | "privacy">;
  quality: Omit<CallQuality, "mos_avg" | "r_min" | "basis" | "playout">;
  recording: Pick<Recording, "id" | "result" | "state"> | null;
};

export interface Message {
  n: number;
  at: string;
  src: Text;
  dst: Text;
  direction: Side;
  transport: Text;
  method: Text;
  status: Num;
  reason_phrase: Text;
  cseq: number;
  retransmission: boolean;
  has_sdp: boolean;
  size_bytes: number;
  raw?: string;
}
export interface LadderEvent {
  t_us: number;
  src: number;
  dst: number;
  kind: "sip" | "rtcp" | "rtp_start" | "rtp_stop" | "rtp_gap" | "dtmf" | "recording";
  label: string;
  code: Num;
  method: Text;
  retransmit: boolean;
  sdp: boolean;
  ref: number;
  leg: number;
}
export interface Ladder {
  call_uid: string;
  t0: string;
  legs: { leg: number; uid: string; call_id: Text }[];
  hosts: { id: number; addr: string; alias: Text }[];
  events: LadderEvent[];
  truncated: boolean;
}
export interface Series {
  t0: string;
  step_ms: number;
  packets: number[];
  lost: number[];
  discarded: number[];
  jitter_ms: Num[];
  max_gap_ms: Num[];
  window_ms: number;
  mos: Num[];
  r: Num[];
  scale: Text;
}
export interface Peaks {
  points?: number;
  duration_ms?: number;
  channels: string[];
  min: number[][];
  max: number[][];
}

export interface LiveStream {
  party: string;
  codec: Text;
  packets: number;
  lost: number;
  loss_ratio: Num;
  jitter_ms: Num;
  mos: Num;
  rtt_ms: Num;
  last_at: Time;
}
export interface LiveCall {
  uid: string;
  kind: string;
  state: string;
  direction: Text;
  trunk: Text;
  site: Text;
  started_at: string;
  ringing_at: Time;
  answered_at: Time;
  call_id: Text;
  from: Party;
  to: Party;
  user_agent: Text;
  src: Text;
  dst: Text;
  sip_code: Num;
  recording: boolean;
  paused: Text;
  streams: LiveStream[];
}
export interface LiveSnapshot {
  data: LiveCall[];
  has_more: boolean;
  at: string;
}

export interface Registration {
  aor: Text;
  user: Text;
  state: string;
  aggregate: boolean;
  count: number;
  ip: Text;
  port: Num;
  registrar: Text;
  transport: Text;
  user_agent: Text;
  updated_at: Time;
  registered_at: Time;
  expires_at: Time;
  sip_code: Num;
  attempts: number;
  successes: number;
  failures: number;
  source_changes: number;
  rrd_ms: Num;
  contacts: { uri: string }[] | null;
}
export interface Finding {
  uid: string;
  detector: string;
  detector_id: string;
  rule: string;
  severity: "info" | "warning" | "critical";
  state: "open" | "cleared";
  detail: string;
  subject: Text;
  src_ip: Text;
  src_port: Num;
  dst_ip: Text;
  dst_port: Num;
  first_at: Time;
  opened_at: Time;
  updated_at: Time;
  cleared_at: Time;
  count: number;
  episodes: number;
  threshold: number;
  window_ms: Num;
  calls: string[];
  sources: string[];
  destinations: string[];
  samples: string[];
}
export interface Trunk {
  name: string;
  calls: number;
  calls_peak: number;
  capacity_calls: Num;
  capacity_ratio: Num;
  up: boolean | null;
  peers_up: number;
  peers_down: number;
  bits_per_s: number;
}
export interface PlaceQuality {
  site?: string;
  trunk?: string;
  at: string;
  calls: number;
  answered: number;
  one_way: number;
  no_rtp: number;
  scored: number;
  mos: Record<string, { avg: number; min: number; calls: number }> | null;
  loss_ratio_avg: Num;
  jitter_ms_avg: Num;
}
export type StatsRow = { trunk?: string; at?: string } & Record<string, number | string | null | undefined>;
export interface StatsSummary {
  from: string;
  to: string;
  step_ms: number;
  data: StatsRow[];
}
export interface StatsCodes {
  data: { attempts: number; codes: { code: Num; count: number }[]; released_by: Record<string, number> }[];
}
export interface Coverage {
  from: string;
  to: string;
  answered: number;
  recorded_ratio: Num;
  results: Record<string, number>;
}
export interface Retention {
  source: string;
  classes: Record<string, { max_age_s: Num; max_bytes: Num; bytes: number; protected_bytes: number }>;
  min_free_bytes: Num;
  free_bytes: number;
  low: boolean;
}
export interface Readiness {
  ready: boolean;
  capture_up: boolean;
  source_finished: boolean;
  database_ok: boolean;
  disk_ok: boolean;
  last_packet_at: Time;
  detail?: string;
}
export type Rule = { name: string; action: string } & Record<string, string | string[]>;
export interface RecordingRules {
  source?: string;
  default?: string;
  rules: Rule[];
}
export interface RulesCompared {
  change: string;
  calls: number;
  different: number;
  by_another_rule: number;
  moves: { now: string; then: string; calls: number }[];
  examples: { uid: string; started_at: string; caller: string; callee: string; now: { rule: Text; action: string }; then: { rule: Text; action: string } }[];
}
export interface Limit {
  tenants: string[];
  sites: string[];
  trunks: string[];
  number_prefixes: string[];
  max_age_s: number;
}
export interface TokenRow {
  id: string;
  name: string;
  role: string;
  scopes: string[];
  limit: Limit | null;
  source_networks: string[];
  created_at: Time;
  expires_at: Time;
  last_used_at: Time;
  revoked: boolean;
  token?: string;
}
export interface UserRow {
  name: string;
  role: string;
  scopes: string[];
  limit: Limit | null;
  disabled: boolean;
  created_at: Time;
  changed_at: Time;
  last_login_at: Time;
}
export interface TrunkRow {
  name: string;
  source: "configuration" | "api";
  peers: string[];
  domains: string[];
  prefixes: string[];
  tenant: Text;
  calls: number;
  calls_peak: number;
  capacity_calls: Num;
  capacity_ratio: Num;
  up: boolean | null;
  bits_per_s: number;
}
export interface AliasRow {
  id: string;
  network: string;
  source: "configuration" | "api";
  name: string;
}
export interface AuditRow {
  id: number;
  at: string;
  actor: string;
  address: string;
  action: string;
  object: string;
  result: string;
  detail: string;
  hash: string;
}
export interface Annotation {
  n: number;
  at_ms: Num;
  length_ms: Num;
  text: string;
  author: string;
  edited_by: Text;
  created_at: string;
  updated_at: string;
}
export interface Segment {
  start_ms: Num;
  end_ms: Num;
  party: "caller" | "callee" | "unknown";
  text: string;
}
export interface Transcript {
  call_uid: string;
  language: Text;
  engine: Text;
  author: string;
  created_at: string;
  updated_at: string;
  segments: Segment[];
}

export interface Export {
  id: string;
  state: "queued" | "running" | "ready" | "failed" | "expired";
  error: { code: string; detail: string } | null;
  kind: string;
  progress: { calls_done: number; calls_total: Num };
  calls: number;
  truncated: boolean;
  missing: number;
  size_bytes: number;
  url: Text;
}
export interface Limitation {
  name: string;
  unit: string;
  limit: number;
  used: Num;
  highest: Num;
  met: Num;
  setting: Text;
  policy: string;
}
export interface Me {
  kind: "local" | "token" | "user";
  name: string;
  role: Text;
  scopes: string[];
  session: boolean;
  expires_at: Time;
  csrf_token: Text;
}
