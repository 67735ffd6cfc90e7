// The waveform, one lane a channel, with wavesurfer.js, drawn from the peaks that the service keeps: the sound itself is not fetched for it.
import WaveSurfer from "wavesurfer.js";
import type { Peaks } from "../types.ts";

export interface Wave {
  place: (left: number, width: number, pxPerSecond: number, scrollSeconds: number) => void;
  destroy: () => void;
}

/** The louder half of each point, so that both channels share one scale. */
export function loudness(peaks: Peaks): { lanes: number[][]; most: number } {
  const lanes = peaks.max.map((max, c) => max.map((v, i) => Math.max(v, -(peaks.min[c]?.[i] ?? 0)) / 128));
  let most = 0.05;
  for (const lane of lanes) for (const v of lane) if (v > most) most = v;
  return { lanes, most };
}

export const LANE = 46;

export function makeWave(box: HTMLElement, peaks: Peaks, durationS: number): Wave {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const { lanes, most } = loudness(peaks);
  const nonce = document.querySelector<HTMLMetaElement>("meta[name=style-nonce]")?.content ?? "";
  const tone = (name: string | undefined, i: number) => colour(name === "callee" || (name !== "caller" && i === 1) ? "--callee-wave" : "--caller-wave");
  const wave = WaveSurfer.create({
    container: box, height: LANE, peaks: lanes, duration: durationS, interact: false, cursorWidth: 0, hideScrollbar: true, autoScroll: false,
    autoCenter: false, maxPeak: most, normalize: true, cspNonce: nonce, barWidth: 2, barGap: 1, barRadius: 1, fillParent: true, minPxPerSec: 1,
    splitChannels: lanes.map((_, i) => ({ waveColor: tone(peaks.channels[i], i), progressColor: tone(peaks.channels[i], i), height: LANE })),
  });
  let ready = false;
  let wanted: Parameters<Wave["place"]> | null = null;
  const place = (...p: Parameters<Wave["place"]>): void => {
    wanted = p;
    if (!ready) return;
    const [left, width, pps, scroll] = p;
    box.style.left = `${left}px`;
    box.style.width = `${Math.max(1, width)}px`;
    wave.zoom(pps);
    wave.setScrollTime(scroll);
  };
  wave.on("ready", () => {
    ready = true;
    if (wanted) place(...wanted);
  });
  return { place, destroy: () => wave.destroy() };
}
