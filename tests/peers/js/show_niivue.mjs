// A picture of what NiiVue shows, the axial slice at 0, 0, 0 mm: node show_niivue.mjs CHROMIUM SCAN.nii.gz MASK.nii.gz OUT.png
// Prints the complaints of the page and the version of the browser as JSON.
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";

const [chromium, scan, mask, out] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const types = { ".html": "text/html", ".js": "text/javascript" };
const complaints = [];

const server = createServer(answer);
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const browser = await puppeteer.launch({
  executablePath: chromium,
  // WebGL 2 without a graphics card; a sandbox cannot be had as root, and the page is ours.
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
});
try {
  const page = await browser.newPage();
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.setViewport({ width: 640, height: 600 });
  await page.goto(`http://127.0.0.1:${server.address().port}/niivue.html`);
  await page.waitForFunction("document.title === 'shown'", { timeout: 60000 });
  await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))");
  await page.screenshot({ path: out });
  console.log(JSON.stringify({ browser: await browser.version(), complaints }));
} finally {
  await browser.close();
  server.close();
}

function answer(request, response) {
  const path = new URL(request.url, "http://localhost").pathname;
  if (path === "/favicon.ico") return response.writeHead(204).end();
  const file = { "/scan.nii.gz": scan, "/mask.nii.gz": mask }[path] ?? join(here, path);
  if (!existsSync(file)) return response.writeHead(404).end();
  response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" });
  createReadStream(file).pipe(response);
}
