// Captures from elsewhere: brought, watched while the service reads them; their calls are a search away.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get, send, upload } from "../api.ts";
import { bytes, clock, number, percent } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { link } from "../router.ts";
import type { ImportRow } from "../types.ts";
import { Card, Empty, Meter, Show, Tag, When } from "../ui.tsx";
import { type Asked, Confirm, Rows, useSender, Wrong } from "./parts.tsx";

const TONE: Record<ImportRow["state"], string> = { queued: "", running: "", done: "good", failed: "bad" };
const goesOn = (i: ImportRow): boolean => i.state === "queued" || i.state === "running";

/** What is missing of it, in words. */
function missing(i: ImportRow): string {
  const d = i.dropped;
  const said: [number, string][] = [
    [d.capture_packets, "packets are missing in the capture"], [d.media_packets, "packets of media could not be kept"],
    [d.calls_over_limit, "calls at once were too many"], [d.calls_of_other_days, "calls of too many days were left out"],
  ];
  return said.filter(([n]) => n).map(([n, what]) => `${number(n)} ${what}`).join("; ");
}

function Bring(p: { most: number; done: () => void }): JSX.Element {
  const sender = useSender();
  const [share, set] = useState<number | null>(null);
  const [over, drag] = useState(false);
  const [said, say] = useState("");
  const bring = (file: File | null | undefined) => {
    if (!file || sender.busy) return;
    set(0);
    say("");
    void sender.run(() => upload(`imports/pcap?${new URLSearchParams({ name: file.name })}`, file, set)).then((good) => {
      set(null);
      if (good) say(`${file.name} waits to be read.`);
      p.done();
    });
  };
  return (
    <Card title="Bring a capture">
      <label
        class={`drop${over ? " over" : ""}`}
        onDragOver={(e) => { e.preventDefault(); drag(true); }}
        onDragLeave={() => drag(false)}
        onDrop={(e) => { e.preventDefault(); drag(false); bring(e.dataTransfer?.files[0]); }}
      >
        <span>A pcap or pcapng file, also packed with gzip or zstd, of at most {bytes(p.most)}: choose it or drop it here</span>
        <input type="file" disabled={sender.busy} onChange={(e) => { bring(e.currentTarget.files?.[0]); e.currentTarget.value = ""; }} />
      </label>
      {share === null ? null : <p><Meter value={share} label={`${percent(share, 0)} brought`} /> <span class="soft">{percent(share, 0)} brought</span></p>}
      <Wrong error={sender.error} />
      <p role="status">{said}</p>
      <p class="soft">Its calls stand beside those of here and can be searched, heard and exported like them; they are in no figure. What is kept of them ages since today.</p>
    </Card>
  );
}

function Line(p: { i: ImportRow; mayEnd: boolean; ask: () => void }): JSX.Element {
  const { i } = p;
  return (
    <tr>
      <th scope="row">{i.name}{i.error ? <><br /><small class="bad-text">{i.error}</small></> : null}{missing(i) ? <><br /><small class="soft">{missing(i)}</small></> : null}</th>
      <td><Tag kind={TONE[i.state]}>{i.partial ? "done in part" : i.state}</Tag>{i.state === "running" ? <> <Meter value={i.progress} label={`${percent(i.progress, 0)} read`} /></> : null}</td>
      <td>{i.calls || i.others ? <a href={link("calls", "", { q: `import:${i.id}` })}>{number(i.calls)} {i.calls === 1 ? "call" : "calls"}</a> : goesOn(i) ? "" : "none"}{i.others ? `, ${number(i.others)} others` : ""}</td>
      <td>{bytes(i.size_bytes)}</td>
      <td><When at={i.received_at}>{clock(i.received_at)}</When><br /><small class="soft">{i.actor}</small></td>
      <td>{p.mayEnd ? <button type="button" class="quiet" onClick={p.ask} aria-label={`${goesOn(i) ? "End" : "Forget"} ${i.name}`}>{goesOn(i) ? "End" : "Forget"}</button> : null}</td>
    </tr>
  );
}

export function Imports(p: { control: boolean }): JSX.Element {
  const list = useLoad<{ data: ImportRow[]; max_bytes: number }>("imports", (s) => get("imports", s), 2000);
  const [asked, ask] = useState<Asked | null>(null);
  const remove = (i: ImportRow) => ask({
    title: goesOn(i) ? `End the reading of ${i.name}?` : `Forget ${i.name}?`, text: "Calls that it made stay.", yes: goesOn(i) ? "End it" : "Forget it",
    act: () => send("DELETE", `imports/${i.id}`).then(list.reload),
  });
  return (
    <>
      {p.control && list.data?.max_bytes ? <Bring most={list.data.max_bytes} done={list.reload} /> : null}
      <Card title="Imports" class="below">
        <Show of={list} what="imports" lines={3}>
          {(l) => l.data.length === 0 ? <Empty title="Nobody has brought a capture."><p>{p.control ? "Calls of another place, or of last week, can be looked at here as well." : "To bring one takes the scope control."}</p></Empty> : (
            <Rows label="Imports" head={<><th>File</th><th>State</th><th>Calls</th><th>Size</th><th>Brought</th><th><span class="sr">Actions</span></th></>}>
              {l.data.map((i) => <Line key={i.id} i={i} mayEnd={p.control} ask={() => remove(i)} />)}
            </Rows>
          )}
        </Show>
      </Card>
      <Confirm asked={asked} close={() => ask(null)} />
    </>
  );
}
