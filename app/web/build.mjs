// Builds src/widget.ts into built/widget.js, one classic script with its style sheet inside.
// --check fails when the committed file is not what the source builds to; --watch rebuilds on change.
import { build, context, transform } from "esbuild";
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const out = `${here}built/widget.js`;
const GZIP_LIMIT_BYTES = 15_000;

const minifiedCss = {
  name: "minified-css",
  setup(builder) {
    builder.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

const options = {
  absWorkingDir: here,
  entryPoints: ["src/widget.ts"],
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022", "safari16.4"],
  charset: "utf8",
  legalComments: "none",
  banner: { js: "/* Xiaoer chat widget. Built from app/web/src by `npm run build`; do not edit. */" },
  plugins: [minifiedCss],
  outfile: out,
  logLevel: "info",
};

if (process.argv.includes("--watch")) {
  await (await context(options)).watch();
} else {
  const result = await build({ ...options, write: false, logLevel: "warning" });
  const text = result.outputFiles[0].text;
  const gzipped = gzipSync(text, { level: 9 }).length;
  if (process.argv.includes("--check")) {
    if (text !== (await readFile(out, "utf8"))) {
      console.error("built/widget.js is not what src/ builds to: run `npm run build` in app/web and commit it.");
      process.exit(1);
    }
  } else {
    const { writeFile } = await import("node:fs/promises");
    await writeFile(out, text);
  }
  console.log(`widget.js: ${text.length} characters, ${gzipped} bytes gzipped (limit ${GZIP_LIMIT_BYTES})`);
  if (gzipped > GZIP_LIMIT_BYTES) {
    console.error("That is over the limit.");
    process.exit(1);
  }
}
