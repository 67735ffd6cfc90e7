// Opens the telephone's page in Chromium and prints what the page says.
//   node browser.mjs CHROMIUM SERVER USER HOST CALLEE MILLISECONDS
// CALLEE may be empty: then it only answers.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [executablePath, server, user, host, callee, milliseconds] = process.argv.slice(2);
const ORIGIN = "http://localhost/"; // where pages may use the microphone
const options = [
  "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
  "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--ignore-certificate-errors",
  "--disable-features=LocalNetworkAccessChecks,WebRtcHideLocalIpsWithMdns",
];
const script = readFileSync(new URL("./phone.bundle.js", import.meta.url), "utf8");

const browser = await chromium.launch({ executablePath, args: options, headless: true, timeout: 30000 });
const page = await browser.newPage({ ignoreHTTPSErrors: true });
page.on("console", (message) => console.log(message.text()));
page.on("pageerror", (error) => console.log(String(error)));
const html = "<!doctype html><title>phone</title>";
await page.route("**/*", (route) => route.fulfill({ contentType: "text/html", body: html }));
await page.goto(ORIGIN);
await page.addScriptTag({ content: script });
await page.evaluate((words) => window.phone(...words), [server, user, host, callee, Number(milliseconds)]);
