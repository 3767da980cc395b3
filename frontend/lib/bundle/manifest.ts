import { Document, parseDocument, type Pair } from "yaml"

import type { BundleFile } from "@/lib/bundle/file"

export const MANIFEST = "draas.yaml"

/** `draas.yaml` of a bundle as a document that keeps its comments; a new one when there is none. */
export function manifestOf(files: BundleFile[]): Document {
  const file = files.find((one) => one.path === MANIFEST)
  return file ? parseDocument(new TextDecoder().decode(file.bytes)) : new Document({})
}

export function parse(text: string): Document {
  return parseDocument(text)
}

/** The bundle with this manifest in the place of its own; without one that says nothing. */
export function withManifest(files: BundleFile[], text: string): BundleFile[] {
  const others = files.filter((one) => one.path !== MANIFEST)
  if (text.trim() === "" || text.trim() === "{}") return others
  return [...others, { path: MANIFEST, bytes: new TextEncoder().encode(text), executable: false }]
}

/** Set a key, or take it out when there is nothing to say. */
export function setKey(text: string, path: string[], value: string | number | null): string {
  const document = parseDocument(text)
  if (document.errors.length > 0) return text
  if (value === null || value === "") document.deleteIn(path)
  else document.setIn(path, value)
  for (let depth = path.length - 1; depth > 0; depth--) {
    const above = document.getIn(path.slice(0, depth)) as { items?: Pair[] } | undefined
    if (above?.items?.length === 0) document.deleteIn(path.slice(0, depth))
  }
  return document.toString()
}

/** What a refusal of a manifest says of a key: `draas.yaml line 3, resources.memory: …; line 5, …`; "" for nothing. */
export function faultOf(refusal: string, path: string[]): string {
  const about = ` ${path.join(".")}: `
  return (
    refusal
      .split(/; (?=line )/)
      .find((one) => one.includes(about))
      ?.split(about)[1] ?? ""
  )
}

/** A key's value as a form shows it; "" when it is not there, or no plain value. */
export function keyOf(text: string, path: string[]): string {
  const value: unknown = parseDocument(text).getIn(path)
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : ""
}
