// The status page, the live page and the digest in a real Chromium: both widths, light and dark, from a file and under a strict policy.
// Usage: node check.mjs PATCHWARDEN_BINARY OUT_DIR ROOT. Screenshots go to OUT_DIR; any broken promise ends it with 1.
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const [binary, outDir] = process.argv.slice(2, 4).map((path) => resolve(path));
const root = resolve(process.argv[4] ?? ".");
mkdirSync(outDir, { recursive: true });
const problems = [];
const promise = (holds, words) => {
  if (!holds) problems.push(words);
};

function ledger(gaps) {
  const severities = ["critical", "high", "medium", "low"];
  let text = "version = 1\n";
  for (let n = 1; n <= gaps; n += 1) {
    text += `\n[[gap]]\nid = "PW-G${String(n).padStart(3, "0")}"
title = "a gap with a rather long title that wraps: <img src=x onerror=alert(${n})> https://forge.example/${"x".repeat(90)}"
area = "${["gates", "evidence", "observability"][n % 3]}"\nstatus = "${["open", "next", "in_progress", "blocked"][n % 4]}"
severity = "${severities[n % 4]}"\nsource = "audit"\nevidence = ["https://forge.example/a/b/issues/${n}"]
owner = "operator"\nnext_action = "read the log of run ${n} and decide"\nopened = 2026-11-01\nupdated = 2026-11-02\n`;
  }
  return text;
}

function events() {
  let text = "";
  for (let n = 0; n < 260; n += 1) {
    const at = new Date(Date.UTC(2026, 10, 1, 0, n)).toISOString();
    const attempts = (n > 60 && n < 85) || n % 17 === 0 ? 2 : 1;
    const verdict = n > 120 && n < 200 && n % 6 === 0 ? "rebase_conflict" : "clean";
    const payload = { attempts, final_verdict: verdict };
    text += `${JSON.stringify({ kind: "merged", work_item_id: `w${n}`, project: "p", payload, created_at: at })}\n`;
  }
  return text;
}

function make(name, args, ledgerText) {
  const ledgerFile = join(outDir, `${name}.toml`);
  writeFileSync(ledgerFile, ledgerText);
  const file = join(outDir, `${name}.html`);
  execFileSync(binary, ["status", "--ledger", ledgerFile, "--format", "html", "--out", file, ...args]);
  return file;
}

const log = join(outDir, "events.ndjson");
writeFileSync(log, events());
const pages = {
  few: make("few", ["--log", log, "--audit", join(root, "examples/contracts/patchwarden.audit.v1.json")], ledger(6)),
  many: make("many", ["--log", log], ledger(500)),
  empty: make("empty", [], "version = 1\n"),
};
// As much of a forge as the live page asks for: two open pull requests, one of them red, and a list that fails.
const sha = (digit) => digit.repeat(40);
const pull = (number, digit) => ({
  number, state: "open", merged: false, title: "a change", body: "", user: { id: 2, login: "alice" }, labels: [],
  head: { ref: "feat", sha: sha(digit), repo_id: 1 }, base: { ref: "main", sha: sha("a"), repo_id: 1 },
});
const answers = {
  "/pulls": [pull(1, "1"), pull(2, "2")],
  [`/commits/${sha("1")}/statuses`]: [{ id: 1, status: "failure", context: "ci / unit (pull_request)", description: "3 of 412 failed" }],
  [`/commits/${sha("2")}/statuses`]: [{ id: 2, status: "success", context: "ci / unit (pull_request)" }],
  "": { full_name: "example/shop", default_branch: "main", private: false },
  "/branches/main": { name: "main", commit: { id: sha("a") } },
};
const forge = createServer((request, response) => {
  const url = new URL(request.url, "http://forge");
  const path = url.pathname.replace("/api/v1/repos/example/shop", "");
  const later = Number(url.searchParams.get("page") ?? 1) > 1;
  const found = path === "/actions/runs" && url.searchParams.get("head_sha") !== sha("2")
    ? { total_count: 0, workflow_runs: [] } : answers[path];
  const answer = Array.isArray(found) && later ? [] : found;
  response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" }).end(JSON.stringify(answer ?? {}));
});
await new Promise((done) => forge.listen(0, "127.0.0.1", done));
pages.live = join(outDir, "live.html");
await promisify(execFile)(binary, ["status", "--live", "--format", "html", "--out", pages.live, "--ledger", join(outDir, "few.toml"),
  "--log", log, "--server", `http://127.0.0.1:${forge.address().port}`, "--repo", "example/shop"]);
forge.close();
// The weekly digest of three repositories over two weeks, made from the reports of an example and a hostile rule.
const downloads = join(outDir, "downloads");
const sarif = (file) => join(root, "examples/red-tests-and-lint/evidence/lint", file);
for (const [n, repo] of ["acme/shop", "acme/pay", "acme/a-repository-with-a-rather-long-name-that-wraps"].entries()) {
  for (const week of ["2026-W46", "2026-W47"].slice(n === 1 ? 1 : 0)) {
    const run = join(downloads, week, repo, String(10 + n));
    mkdirSync(join(run, "lint"), { recursive: true });
    copyFileSync(sarif("ruff.sarif"), join(run, "lint", "ruff.sarif"));
    mkdirSync(join(run, "hostile"), { recursive: true });
    writeFileSync(join(run, "hostile", "h.sarif"), JSON.stringify({ version: "2.1.0", runs: [{
      tool: { driver: { name: "<script>alert(1)</script>", rules: [] } },
      results: Array.from({ length: 5 + n }, (_, i) => ({ ruleId: `r${i}-<img src=x>-${"long-".repeat(20)}`, level: "error",
        message: { text: "https://forge.example/x" } })) }] }));
  }
}
execFileSync(binary, ["digest", "--artifacts-dir", downloads, "--week", "2026-W47", "--weeks", "2", "--out", join(outDir, "digest")]);
pages.digest = join(outDir, "digest", readdirSync(join(outDir, "digest")).find((name) => name.endsWith(".html")));
const liveText = readFileSync(pages.live, "utf8");
promise(liveText.includes("/example&#47;shop") || liveText.includes("example&#47;shop&#47;pulls&#47;1"), "the live page does not link");

promise(statSync(pages.many).size < 1_000_000, `500 gaps make ${statSync(pages.many).size} bytes`);

// The same pages under a policy header stricter than any we know, which allows the page's own style by its hash.
const server = createServer((request, response) => {
  const file = pages[request.url.slice(1)];
  if (!file) {
    problems.push(`the server was asked for ${request.url}`);
    response.writeHead(404).end();
    return;
  }
  const html = readFileSync(file, "utf8");
  const style = html.match(/<style>([\s\S]*?)<\/style>/)[1];
  const hash = createHash("sha256").update(style).digest("base64");
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; frame-ancestors 'none'; require-trusted-types-for 'script'`;
  response.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": policy }).end(html);
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const origin = `http://127.0.0.1:${server.address().port}`;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

async function look(name, address, width, colorScheme) {
  const words = `${name} at ${width} px, ${colorScheme}, ${address.split(":")[0]}`;
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const requests = [];
  page.on("console", (message) => problems.push(`${words}: console: ${message.text()}`));
  page.on("pageerror", (error) => problems.push(`${words}: error: ${error.message}`));
  page.on("dialog", () => problems.push(`${words}: a dialog opened`));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(address);
  await page.waitForLoadState("networkidle");
  promise(requests.length === 1, `${words}: requests ${requests.join(" ")}`);
  const seen = await page.evaluate(() => new Promise((done) => {
    let shift = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => { shift += entry.value; }))
      .observe({ type: "layout-shift", buffered: true });
    requestAnimationFrame(() => requestAnimationFrame(() => {
      const root = document.documentElement;
      const small = [...document.querySelectorAll("p,li,td,dd,dt,th,a")]
        .filter((one) => one.textContent.trim() && parseFloat(getComputedStyle(one).fontSize) < 13).length;
      done({ shift, wide: root.scrollWidth - root.clientWidth, small, scripts: document.scripts.length,
        margin: getComputedStyle(document.body).maxWidth, background: getComputedStyle(document.body).backgroundColor });
    }));
  }));
  promise(seen.shift === 0, `${words}: layout shift ${seen.shift}`);
  promise(seen.wide <= 0, `${words}: ${seen.wide} px wider than the window`);
  promise(seen.small === 0, `${words}: ${seen.small} texts under 13 px`);
  promise(seen.scripts === 0, `${words}: ${seen.scripts} scripts`);
  promise(seen.margin !== "none", `${words}: the style did not apply`);
  promise((seen.background === "rgb(255, 255, 255)") === (colorScheme === "light"), `${words}: ${seen.background}`);
  if (address.startsWith("file:")) {
    await page.screenshot({ path: join(outDir, `${name}-${width}-${colorScheme}.png`), fullPage: name !== "many" });
  }
  // By keyboard alone: the skip link, then every part of the page, each with a visible mark.
  const links = await page.locator("nav a").count();
  for (let step = 0; step <= links; step += 1) {
    await page.keyboard.press("Tab");
    const focus = await page.evaluate(() => ({
      href: document.activeElement.getAttribute("href"),
      there: document.querySelector(document.activeElement.getAttribute("href") ?? "none") !== null,
      mark: getComputedStyle(document.activeElement).outlineStyle,
    }));
    promise(focus.there && focus.mark !== "none", `${words}: Tab ${step + 1} is at ${JSON.stringify(focus)}`);
  }
  await context.close();
}

for (const [name, file] of Object.entries(pages)) {
  for (const width of [360, 1600]) {
    for (const colorScheme of ["light", "dark"]) {
      await look(name, pathToFileURL(file).href, width, colorScheme);
    }
    await look(name, `${origin}/${name}`, width, "light");
  }
}

const printed = await browser.newPage();
await printed.goto(pathToFileURL(pages.few).href);
await printed.emulateMedia({ media: "print" });
promise(!(await printed.locator("nav").isVisible()), "the navigation is printed");
promise(await printed.getByText("What is still missing").isVisible(), "the gaps are not printed");
const pdf = await printed.pdf({ path: join(outDir, "few.pdf"), format: "A4" });
promise(pdf.length > 5_000, `printing gave ${pdf.length} bytes`);

await browser.close();
server.close();
if (problems.length > 0) {
  console.error(`error: the pages broke ${problems.length} promises`);
  problems.forEach((one) => console.error(`  ${one}`));
  process.exit(1);
}
console.log("the pages kept their promises in Chromium");
