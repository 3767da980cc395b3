// Bundles the extension into the folder named on the command line.
import { build } from "esbuild"
import { copyFile, mkdir } from "node:fs/promises"
import { join } from "node:path"

const here = import.meta.dirname
const out = process.argv[2] ?? join(here, "../../build/wallet")

await mkdir(out, { recursive: true })
await build({
  entryPoints: ["worker", "content", "inpage", "approval"].map((name) => join(here, "src", `${name}.js`)),
  outdir: out,
  bundle: true,
  format: "iife",
  target: "chrome120",
  inject: [join(here, "src/node-globals.js")], // MetaMask's packages are written for Node's names of these
  alias: { "micro-ftch": join(here, "src/absent.js") }, // a way to ask nodes that nothing here takes
  define: { global: "globalThis" },
  logLevel: "warning",
})
await copyFile(join(here, "manifest.json"), join(out, "manifest.json"))
await copyFile(join(here, "src/approval.html"), join(out, "approval.html"))
