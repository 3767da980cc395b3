/** A folder in the browser: paths with `/`, none of them climbing, each a plain file. */

export interface BundleFile {
  path: string
  bytes: Uint8Array<ArrayBuffer>
  executable: boolean
}

export interface Folder {
  files: BundleFile[]
  /** How many files were left out: of `.git`, or by the ignore files. */
  leftOut: number
}

export const MAX_FILES = 10_000

export class NotABundle extends Error {
  override name = "NotABundle"
}

/** What was dropped: folders are walked, a single zip is unpacked. */
export async function filesOfDrop(items: DataTransferItemList, maxBytes: number): Promise<BundleFile[]> {
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null)
  const [only] = entries
  if (entries.length === 1 && only?.isFile && only.name.toLowerCase().endsWith(".zip")) {
    return filesOfZip(await fileOf(only as FileSystemFileEntry), maxBytes)
  }
  const budget = { bytes: maxBytes, files: MAX_FILES }
  const found: BundleFile[] = []
  for (const entry of entries) {
    // One folder is the bundle itself; several things are what is in it.
    const start = entries.length === 1 && entry.isDirectory ? "" : entry.name
    await walk(entry, start, found, budget)
  }
  return found
}

/** What an `<input type=file>` gave: a folder (`webkitdirectory`), or a zip. */
export async function filesOfInput(list: FileList, maxBytes: number): Promise<BundleFile[]> {
  const [only] = list
  if (list.length === 1 && only && !only.webkitRelativePath && only.name.toLowerCase().endsWith(".zip")) {
    return filesOfZip(only, maxBytes)
  }
  const budget = { bytes: maxBytes, files: MAX_FILES }
  const found: BundleFile[] = []
  for (const file of list) {
    const path = file.webkitRelativePath ? file.webkitRelativePath.split("/").slice(1).join("/") : file.name
    if (!path.startsWith(".git/")) found.push(await read(file, path, budget))
  }
  return found
}

interface Budget {
  bytes: number
  files: number
}

async function walk(entry: FileSystemEntry, path: string, found: BundleFile[], budget: Budget): Promise<void> {
  if (entry.isFile) {
    found.push(await read(await fileOf(entry as FileSystemFileEntry), path, budget))
    return
  }
  if (entry.name === ".git") return
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return
    for (const inner of some) await walk(inner, path ? `${path}/${inner.name}` : inner.name, found, budget)
  }
}

async function read(file: File, path: string, budget: Budget): Promise<BundleFile> {
  budget.bytes -= file.size
  budget.files -= 1
  if (budget.bytes < 0) throw new NotABundle("This is larger than the scheduler takes. Leave large files out.")
  if (budget.files < 0) throw new NotABundle(`More than ${MAX_FILES} files. Leave some out.`)
  return { path: checked(path), bytes: new Uint8Array(await file.arrayBuffer()), executable: false }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject))
}

async function filesOfZip(file: File, maxBytes: number): Promise<BundleFile[]> {
  if (file.size > maxBytes) throw new NotABundle("This zip is larger than the scheduler takes.")
  const { unzip } = await import("fflate")
  let left = maxBytes
  const data = new Uint8Array(await file.arrayBuffer())
  const unpacked = await new Promise<Record<string, Uint8Array>>((resolve, reject) => {
    unzip(
      data,
      {
        filter: (one) => {
          left -= one.originalSize
          return left >= 0 && !one.name.endsWith("/")
        },
      },
      (error, found) => (error ? reject(new NotABundle(`This zip cannot be read: ${error.message}.`)) : resolve(found)),
    )
  })
  if (left < 0) throw new NotABundle("What is in this zip is larger than the scheduler takes.")
  const names = Object.keys(unpacked)
  if (names.length > MAX_FILES) throw new NotABundle(`More than ${MAX_FILES} files. Leave some out.`)
  const top = commonFolder(names)
  return names.map((name) => ({
    path: checked(name.slice(top.length)),
    bytes: new Uint8Array(unpacked[name] ?? []),
    executable: false,
  }))
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
