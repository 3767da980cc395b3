import ignore from "ignore"

import type { BundleFile } from "@/lib/bundle/file"
import { tarBytes } from "@/lib/bundle/tar"

const GIT = ".gitignore"
const DOCKER = ".dockerignore"
/** What no pattern leaves out: without it another thing would be built. As `chain/ignore.py`. */
const NEEDED = new Set([
  "draas.yaml", "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml", "deploy.yaml",
  "deploy.yml", "Procfile", "Dockerfile", DOCKER,
]) // prettier-ignore

/** An ignore file, as it stands in the folder. */
export interface IgnoreFile {
  path: string
  text: string
}

export function isIgnoreFile(path: string): boolean {
  return path === DOCKER || path === GIT || path.endsWith(`/${GIT}`)
}

/** Which paths belong to a bundle: as `.gitignore` says wherever it stands, and `.dockerignore` at the top after it. */
export function keptPaths(paths: string[], ignoreFiles: IgnoreFile[]): string[] {
  const rules = rulesOf(ignoreFiles)
  return paths.filter((path) => NEEDED.has(path) || !isIgnored(path, rules)).sort((a, b) => (a < b ? -1 : 1))
}

interface Rules {
  folder: string
  matcher: ReturnType<typeof ignore>
}

function rulesOf(files: IgnoreFile[]): Rules[] {
  const found: Rules[] = []
  const ofGit = files.filter((file) => file.path !== DOCKER)
  for (const file of ofGit.sort((a, b) => a.path.length - b.path.length)) {
    found.push({ folder: file.path.slice(0, -GIT.length), matcher: ignore().add(file.text) })
  }
  const docker = files.find((file) => file.path === DOCKER)
  if (docker) found.push({ folder: "", matcher: ignore().add(anchored(docker.text)) })
  return found
}

/** Docker tells patterns from the top. */
function anchored(text: string): string[] {
  return text.split("\n").map((line) => {
    const plain = line.trim()
    if (!plain || plain.startsWith("#") || plain.startsWith("**") || plain.startsWith("!**")) return plain
    return plain.startsWith("!") ? `!/${plain.slice(1).replace(/^\/+/, "")}` : `/${plain.replace(/^\/+/, "")}`
  })
}

function isIgnored(path: string, rules: Rules[]): boolean {
  let verdict = false
  for (const { folder, matcher } of rules) {
    if (!path.startsWith(folder) || path.length === folder.length) continue
    const found = matcher.test(path.slice(folder.length))
    if (found.ignored) verdict = true
    if (found.unignored) verdict = false
  }
  return verdict
}

/** A plain tar, as the scheduler takes it. */
export function tarOf(files: BundleFile[]): Blob {
  return new Blob([tarBytes(files)])
}
