// The pictures of the README, from calls made for them: tests/browser/run.sh EARSHOT TRAFFIC --pictures docs/pictures
// They are smaller with a palette: ffmpeg -i IN -vf "split[a][b];[a]palettegen=max_colors=128[p];[b][p]paletteuse=dither=none" OUT
import path from "node:path";

const WIDTH = 1280;

/** name, link, height, what has to be there, look */
const PICTURES = [
  ["overview", () => "#/?span=24h", 860, ".worst li", "light"],
  ["calls", () => "#/calls?span=24h&order=mos_min", 720, ".row:not(.head)", "dark"],
  ["call", (uid) => `#/call/${uid}?m=0.1&t=9`, 1330, ".message", "light"],
];

export const CALLS = [
  ["--calls", "6", "--concurrent", "3", "--duration", "34", "--codec", "PCMU", "--rtcp", "--dtmf", "--jitter", "12", "--loss", "7", "--burst", "9", "--outcomes", "answered", "--seed", "9"],
  ["--calls", "14", "--concurrent", "5", "--duration", "34", "--codec", "PCMA", "--rtcp", "--jitter", "4", "--loss", "0.6", "--burst", "2", "--outcomes", "mix", "--seed", "12"],
  ["--calls", "48", "--concurrent", "8", "--duration", "12", "--codec", "G722", "--rtcp", "--jitter", "3", "--outcomes", "mix", "--seed", "11"],
];

export async function pictures(browser, service, folder) {
  const worst = await service.worst();
  for (const [name, link, height, selector, colorScheme] of PICTURES) {
    const context = await browser.newContext({ viewport: { width: WIDTH, height }, colorScheme, timezoneId: "Europe/Vienna" });
    const page = await context.newPage();
    await page.goto(`${service.base}/${link(worst)}`);
    await page.waitForSelector(selector, { state: "visible" });
    await page.waitForFunction(() => !document.querySelector(".loading"));
    if (name === "call") await page.waitForFunction(() => document.querySelector(".wave > div")?.shadowRoot?.querySelector("canvas") && document.querySelectorAll(".uplot canvas").length === 3);
    await page.waitForTimeout(500); // the last frame
    await page.screenshot({ path: path.join(folder, `${name}.png`) });
    await context.close();
  }
}
