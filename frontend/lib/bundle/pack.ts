import ignore from "ignore"

import type { BundleFile, Folder } from "@/lib/bundle/files"
import { tarBytes } from "@/lib/bundle/tar"

const GIT = ".gitignore"
const DOCKER = ".dockerignore"
/** What no pattern leaves out: without it another thing would be built. As `chain/ignore.py`. */
const NEEDED = new Set([
  "draas.yaml", "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml", "deploy.yaml",
  "deploy.yml", "Procfile", "Dockerfile", DOCKER,
]) // prettier-ignore

/** The files that belong to a bundle: as `.gitignore` says wherever it stands, and `.dockerignore` at the top after it. */
export function withoutIgnored(files: BundleFile[]): Folder {
  const rules = rulesOf(files)
  const kept = files.filter((file) => NEEDED.has(file.path) || !isIgnored(file.path, rules))
  return { files: kept.sort((a, b) => (a.path < b.path ? -1 : 1)), leftOut: files.length - kept.length }
}

interface Rules {
  folder: string
  matcher: ReturnType<typeof ignore>
}

function rulesOf(files: BundleFile[]): Rules[] {
  const text = (file: BundleFile) => new TextDecoder().decode(file.bytes)
  const found: Rules[] = []
  const ofGit = files.filter((file) => file.path === GIT || file.path.endsWith(`/${GIT}`))
  for (const file of ofGit.sort((a, b) => a.path.length - b.path.length)) {
    found.push({ folder: file.path.slice(0, -GIT.length), matcher: ignore().add(text(file)) })
  }
  const docker = files.find((file) => file.path === DOCKER)
  if (docker) found.push({ folder: "", matcher: ignore().add(anchored(text(docker))) })
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
