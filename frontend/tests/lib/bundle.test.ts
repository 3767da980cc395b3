import { zipSync } from "fflate"
import { describe, expect, it } from "vitest"

import { NotABundle } from "@/lib/bundle/file"
import { filesOfZip, folderOf, MAX_FILES, type Folder } from "@/lib/bundle/files"
import { faultOf, keyOf, manifestOf, parse, setKey, withManifest } from "@/lib/bundle/manifest"
import { tarOf } from "@/lib/bundle/pack"
import { tarBytes } from "@/lib/bundle/tar"

import { vectors } from "../vectors"

const MIB = 2 ** 20
const utf8 = (text: string) => new TextEncoder().encode(text)
const namesOf = (folder: Folder) => folder.files.map((one) => one.path)

function folder(files: Record<string, string>, maxBytes = MIB): Promise<Folder> {
  const found = Object.entries(files).map(([path, text]) => ({
    path,
    read: () => Promise.resolve(new File([text], "file")),
  }))
  return folderOf(found, maxBytes)
}

function zip(files: Record<string, string | Uint8Array>): File {
  const entries = Object.entries(files).map(([name, data]) => [name, typeof data === "string" ? utf8(data) : data])
  return new File([zipSync(Object.fromEntries(entries) as Record<string, Uint8Array>) as BlobPart], "a.zip")
}

describe("an archive", () => {
  it("is the one that the Python side reads, long names, other scripts and all", () => {
    const files = Object.entries(vectors.packed.files).map(([path, text]) => {
      return { path, bytes: utf8(text), executable: path === "bin/run" }
    })
    expect(Buffer.from(tarBytes(files)).toString("base64")).toBe(vectors.packed.tar)
  })

  it("ends with two empty blocks, whatever its size", async () => {
    const packed = tarOf([{ path: "a", bytes: new Uint8Array(10240 - 512), executable: false }])
    const bytes = new Uint8Array(await packed.arrayBuffer())
    expect(bytes.length % 512).toBe(0)
    expect(bytes.slice(-1024).every((byte) => byte === 0)).toBe(true)
    expect(bytes.length).toBe(10240 + 1024)
  })
})

describe("a folder", () => {
  it("leaves out what git and Docker ignore, and never the manifest", async () => {
    const found = await folder({
      ".gitignore": "*.log\n/build\nnode_modules/\n",
      ".dockerignore": "secret.txt\ndraas.yaml\n",
      "sub/.gitignore": "!keep.log\n*.tmp\n",
      ".git/config": "[core]",
      "vendor/.git": "gitdir: ../.git/modules/vendor",
      "draas.yaml": "name: x",
      "a.log": "",
      "build/out": "",
      "sub/build/out": "",
      "sub/keep.log": "",
      "sub/x.tmp": "",
      "sub/secret.txt": "",
      "secret.txt": "",
      "node_modules/a/b.js": "",
      "main.py": "",
    })
    expect(namesOf(found)).toEqual([
      ".dockerignore", ".gitignore", "draas.yaml", "main.py", "sub/.gitignore", "sub/build/out", "sub/keep.log", "sub/secret.txt",
    ]) // prettier-ignore
    expect(found.leftOut).toBe(7)
  })

  it("does not read what is left out", async () => {
    const ignored = { path: "huge/file", read: () => Promise.reject(new Error("was read")) }
    const rule = { path: ".gitignore", read: () => Promise.resolve(new File(["huge/"], "f")) }
    expect(namesOf(await folderOf([ignored, rule], 100))).toEqual([".gitignore"])
  })

  it.each(["../up", "a//b", "/etc/passwd", "a/../b", "./a", "a\\b", "a\u0000b", ""])(
    "with %j is refused",
    async (path) => {
      await expect(folder({ [path]: "x", ok: "x" })).rejects.toThrow("which no bundle can hold")
    },
  )

  it("that is empty, too large or of too many files is refused", async () => {
    await expect(folder({})).rejects.toThrow("no files")
    await expect(folder({ a: "12345", b: "67890" }, 9)).rejects.toThrow("larger than")
    const many = Object.fromEntries(Array.from({ length: MAX_FILES + 1 }, (_, n) => [`f${n}`, ""]))
    await expect(folder(many)).rejects.toThrow("More than")
  })
})

describe("a zip", () => {
  it("of one folder is that folder, and what a Mac adds is left out", async () => {
    const found = await filesOfZip(zip({ "job/main.py": "1", "job/sub/x": "2", "__MACOSX/job/._main.py": "3" }), MIB)
    expect(namesOf(found)).toEqual(["main.py", "sub/x"])
    expect(new TextDecoder().decode(found.files[1]?.bytes)).toBe("2")
  })

  it("with large files is unpacked to the last byte", async () => {
    const large = new Uint8Array(900_000).map((_, at) => (at * 31) % 251)
    const found = await filesOfZip(zip({ "large.bin": large, b: "x" }), MIB)
    expect(Buffer.compare(found.files.find((one) => one.path === "large.bin")?.bytes ?? new Uint8Array(), large)).toBe(
      0,
    )
  })

  it("that grows beyond the limit is stopped, whatever it says of its size", async () => {
    const bomb = zip({ zeros: new Uint8Array(20 * MIB) })
    expect(bomb.size).toBeLessThan(MIB)
    await expect(filesOfZip(bomb, MIB)).rejects.toThrow("larger than")
  })

  it("that climbs, is cut off or is none is refused", async () => {
    await expect(filesOfZip(zip({ "a/../../x": "1" }), MIB)).rejects.toThrow(NotABundle)
    const whole = new Uint8Array(await zip({ a: "x".repeat(1000), b: "y".repeat(1000) }).arrayBuffer())
    await expect(filesOfZip(new File([whole.slice(0, 45)], "cut.zip"), MIB)).rejects.toThrow("cannot be read")
    await expect(filesOfZip(new File(["no zip at all"], "no.zip"), MIB)).rejects.toThrow("cannot be read")
  })
})

describe("a manifest", () => {
  it("that is refused says of each key what is wrong with it", () => {
    const refusal =
      "draas.yaml line 2, name: too long; line 5, resources.memory: 'a lot' is no amount; say 64M. Correct what is named."
    expect(faultOf(refusal, ["name"])).toBe("too long")
    expect(faultOf(refusal, ["resources", "memory"])).toContain("'a lot' is no amount; say 64M")
    expect(faultOf(refusal, ["memory"])).toBe("")
    expect(faultOf("", ["name"])).toBe("")
  })

  it("keeps its comments and its order when a key is set, and loses an empty section", () => {
    const text = "# mine\nname: a # the name\nresources:\n  cpus: 1\n"
    const set = setKey(text, ["resources", "memory"], "256M")
    expect(set).toContain("# mine\nname: a # the name")
    expect(keyOf(set, ["resources", "memory"])).toBe("256M")
    expect(setKey("resources:\n  cpus: 1\nname: a\n", ["resources", "cpus"], "")).toBe("name: a\n")
  })

  it("that is no YAML is left as it is typed", () => {
    expect(setKey("name: [", ["name"], "x")).toBe("name: [")
    expect(parse("name: [").errors).not.toEqual([])
  })

  it("takes the place of the bundle's own, and is left out when it says nothing", () => {
    const own = { path: "draas.yaml", bytes: utf8("name: old"), executable: false }
    expect(manifestOf([own]).toString()).toBe("name: old\n")
    expect(withManifest([own], "name: new").map((one) => new TextDecoder().decode(one.bytes))).toEqual(["name: new"])
    expect(withManifest([own], "{}\n")).toEqual([])
  })
})
