import { NotABundle, type BundleFile } from "@/lib/bundle/file"
import { isIgnoreFile, keptPaths } from "@/lib/bundle/pack"

/** A folder in the browser, each of its files a plain one. */
export interface Folder {
  files: BundleFile[]
  /** How many files were left out: of `.git`, or by the ignore files. */
  leftOut: number
}

/** A file that could be read. */
export interface Candidate {
  path: string
  read: () => Promise<File>
}

export const MAX_FILES = 10_000
const MAX_SEEN = 200_000 // before the ignore files are asked

/** What was dropped: folders are walked, a single zip is unpacked. */
export async function filesOfDrop(items: DataTransferItemList, maxBytes: number): Promise<Folder> {
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null)
  const [only] = entries
  if (entries.length === 1 && only?.isFile && isZip(only.name)) {
    return filesOfZip(await fileOf(only as FileSystemFileEntry), maxBytes)
  }
  const found: Candidate[] = []
  for (const entry of entries) {
    // One folder is the bundle itself; several things are what is in it.
    const start = entries.length === 1 && entry.isDirectory ? "" : entry.name
    await walk(entry, start, found)
  }
  return folderOf(found, maxBytes)
}

/** What an `<input type=file>` gave: a folder (`webkitdirectory`), or a zip. */
export async function filesOfInput(list: FileList | File[], maxBytes: number): Promise<Folder> {
  const [only] = list
  if (list.length === 1 && only && !only.webkitRelativePath && isZip(only.name)) return filesOfZip(only, maxBytes)
  const found = [...list].map((file) => ({
    path: file.webkitRelativePath ? file.webkitRelativePath.split("/").slice(1).join("/") : file.name,
    read: () => Promise.resolve(file),
  }))
  return folderOf(found, maxBytes)
}

/** Of all files there are, those that belong to the bundle; the others are not even read. */
export async function folderOf(candidates: Candidate[], maxBytes: number): Promise<Folder> {
  const byPath = new Map<string, Candidate>()
  for (const one of candidates) {
    const path = checked(one.path)
    if (byPath.has(path)) throw new NotABundle(`Two files are called ${JSON.stringify(path.slice(0, 80))}.`)
    if (!isOfGit(path)) byPath.set(path, one)
  }
  const ignoreFiles: { path: string; text: string }[] = []
  for (const [path, one] of byPath) {
    if (isIgnoreFile(path)) ignoreFiles.push({ path, text: await (await one.read()).text() })
  }
  const kept = keptPaths([...byPath.keys()], ignoreFiles)
  if (kept.length === 0) throw new NotABundle("There are no files in it.")
  if (kept.length > MAX_FILES) throw new NotABundle(`More than ${MAX_FILES} files. Leave some out by a .gitignore.`)
  const files: BundleFile[] = []
  let left = maxBytes
  for (const path of kept) {
    const file = await byPath.get(path)?.read()
    if (!file) continue
    left -= file.size
    if (left < 0) throw new NotABundle("This is larger than the scheduler takes. Leave large files out.")
    files.push({ path, bytes: new Uint8Array(await file.arrayBuffer()), executable: false })
  }
  return { files, leftOut: candidates.length - kept.length }
}

async function walk(entry: FileSystemEntry, path: string, found: Candidate[]): Promise<void> {
  if (found.length > MAX_SEEN) throw new NotABundle(`More than ${MAX_SEEN} files. Drop a smaller folder.`)
  if (entry.isFile) {
    found.push({ path, read: () => fileOf(entry as FileSystemFileEntry) })
    return
  }
  if (entry.name === ".git") return
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return
    for (const inner of some) await walk(inner, path ? `${path}/${inner.name}` : inner.name, found)
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject))
}

/** A zip, a piece at a time: what it really unpacks to is counted, whatever it says of itself. */
export async function filesOfZip(file: File, maxBytes: number): Promise<Folder> {
  if (file.size > maxBytes) throw new NotABundle("This zip is larger than the scheduler takes.")
  const { unzipped } = await import("@/lib/bundle/zip")
  const entries = await unzipped(new Uint8Array(await file.arrayBuffer()), maxBytes, MAX_SEEN)
  const ours = entries.filter((one) => !one.path.startsWith("__MACOSX/"))
  const top = commonFolder(ours.map((one) => one.path))
  const found = ours.map(({ path, bytes }) => ({
    path: path.slice(top.length),
    read: () => Promise.resolve(new File([bytes], "file")),
  }))
  return folderOf(found, maxBytes)
}

function isZip(name: string): boolean {
  return name.toLowerCase().endsWith(".zip")
}

/** Of the repository's own, or the file by which a checkout elsewhere names it. */
function isOfGit(path: string): boolean {
  return path.split("/").includes(".git")
}

/** Most zips hold one folder, which is meant to be the bundle. */
function commonFolder(names: string[]): string {
  const first = names[0]?.split("/")[0]
  return first !== undefined && names.every((name) => name.startsWith(`${first}/`)) ? `${first}/` : ""
}

function checked(path: string): string {
  const parts = path.split("/")
  const bad = parts.some((part) => part === "" || part === "." || part === ".." || /[\0\\]/.test(part))
  if (bad) throw new NotABundle(`A file is called ${JSON.stringify(path.slice(0, 80))}, which no bundle can hold.`)
  return path
}
