// Builds each entry of src/ into built/, one file with everything inside.
// --check fails when a committed file is not what the source builds to; --watch rebuilds on change.
import { build, context, transform } from "esbuild";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const ENTRIES = [
  { name: "widget", what: "chat widget", gzipLimitBytes: 15_000, format: "iife" },
  { name: "desk", what: "desk", gzipLimitBytes: 25_000, format: "esm" },
  { name: "console", what: "knowledge console", gzipLimitBytes: 45_000, format: "esm" },
];

const minifiedCss = {
  name: "minified-css",
  setup(builder) {
    builder.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

/** Further such names, of one word. None is a key of what the server says. */
const SHORT =
  "shell words memory lines own replies received waiting starting following composer away stars unread newer extras thumbs rated numbers actions opening launcher panel inner typing session client behind sheet scroll".split(" ");

/** Names of members that are the widget's own (twoWords, so no JSON key; not one of the browser's): written short. */
async function ownNames() {
  const libraries = `${here}node_modules/@typescript/`;
  const [platform] = (await readdir(libraries)).filter((name) => name.startsWith("typescript-"));
  const folder = `${libraries}${platform}/lib/`;
  const known = new Set(["observedAttributes", "connectedCallback", "disconnectedCallback", "attributeChangedCallback"]);
  for (const file of (await readdir(folder)).filter((name) => /^lib\.(dom|es).*\.d\.ts$/.test(name)))
    for (const name of (await readFile(folder + file, "utf8")).match(/\b[a-z]+[A-Z]\w*/g) ?? []) known.add(name);
  const names = new Set(SHORT);
  for (const file of (await readdir(`${here}src`)).filter((name) => name.endsWith(".ts")).sort()) {
    const text = await readFile(`${here}src/${file}`, "utf8");
    for (const [, name] of text.matchAll(/^ +(?:(?:private|readonly|static|async|get) |\*)*([a-z]+[A-Z]\w*)[?!]?[(:=; ]/gm)) if (!known.has(name)) names.add(name);
  }
  return new RegExp(`^(?:${[...names].join("|")})$`);
}

const outOf = ({ name }) => `${here}built/${name}.js`;
const widgetsOwn = await ownNames();
const optionsOf = (entry) => ({
  ...(entry.name === "widget" ? { mangleProps: widgetsOwn } : {}),
  absWorkingDir: here,
  entryPoints: [`src/${entry.name}.ts`],
  bundle: true,
  minify: true,
  format: entry.format,
  target: ["es2022", "safari16.4"],
  charset: "utf8",
  legalComments: "none",
  banner: { js: `/* Xiaoer ${entry.what}. Built from app/web/src by \`npm run build\`; do not edit. */` },
  plugins: [minifiedCss],
  outfile: outOf(entry),
  logLevel: "info",
});

async function make(entry, check) {
  const result = await build({ ...optionsOf(entry), write: false, logLevel: "warning" });
  const text = result.outputFiles[0].text;
  const gzipped = gzipSync(text, { level: 9 }).length;
  if (!check) {
    await writeFile(outOf(entry), text);
  } else if (text !== (await readFile(outOf(entry), "utf8").catch(() => ""))) {
    console.error(`built/${entry.name}.js is not what src/ builds to: run \`npm run build\` in app/web and commit it.`);
    return false;
  }
  console.log(`${entry.name}.js: ${text.length} characters, ${gzipped} bytes gzipped (limit ${entry.gzipLimitBytes})`);
  if (gzipped > entry.gzipLimitBytes) console.error("That is over the limit.");
  return gzipped <= entry.gzipLimitBytes;
}

if (process.argv.includes("--watch")) {
  for (const entry of ENTRIES) await (await context(optionsOf(entry))).watch();
} else {
  let fine = true;
  for (const entry of ENTRIES) fine = (await make(entry, process.argv.includes("--check"))) && fine;
  if (!fine) process.exit(1);
}
