/**
 * Serves the production build, as `next build` leaves it with `output: "standalone"`: on PORT (3000) of HOSTNAME
 * (127.0.0.1). Where the market is, it reads from the environment: NEXT_PUBLIC_CONTRACT_ADDRESS,
 * NEXT_PUBLIC_NETWORK_ID, NEXT_PUBLIC_RPC_URL, SCHEDULER_URL.
 */
import { cpSync, existsSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const built = join(root, ".next", "standalone")
const server = join(built, "server.js")
if (!existsSync(server)) {
    process.stderr.write(
        "The front end is not built. Run: scripts/setup.sh frontend (or npm ci && npm run build here)\n",
    )
    process.exit(1)
}
// The build leaves what it serves as it is elsewhere.
for (const [from, to] of [
    [join(root, ".next", "static"), join(built, ".next", "static")],
    [join(root, "public"), join(built, "public")],
]) {
    if (existsSync(from)) cpSync(from, to, { recursive: true })
}
process.env["PORT"] ??= "3000"
process.env["HOSTNAME"] ||= "127.0.0.1"
process.env["NEXT_TELEMETRY_DISABLED"] ??= "1"
await import(server)
