import { UnixFS } from "ipfs-unixfs"
import { describe, expect, it } from "vitest"

import { entryOf } from "@/lib/content/unixfs-entry"

const utf8 = (words: string) => new TextEncoder().encode(words)

describe("a node's data", () => {
  it.each([
    new UnixFS({ type: "file", data: utf8("what is in it") }),
    new UnixFS({ type: "file", data: new Uint8Array(), blockSizes: [1n, 262_144n, 2n ** 48n] }),
    new UnixFS({ type: "file", data: utf8("a"), mode: 0o755, mtime: { secs: 1_795_694_400n, nsecs: 5 } }),
    new UnixFS({ type: "raw", data: new Uint8Array(300) }),
    new UnixFS({ type: "directory" }),
    new UnixFS({ type: "symlink", data: utf8("elsewhere") }),
    new UnixFS({ type: "hamt-sharded-directory", fanout: 256n, hashType: 0x22n }),
  ])("is read as the library of IPFS reads it ($type)", (written) => {
    const found = entryOf(written.marshal())
    expect(found.type).toBe(written.type)
    expect([...found.data]).toEqual([...(written.data ?? [])])
    if (written.type === "file") expect(BigInt(found.size)).toBe(written.fileSize())
  })

  it("may have its sizes packed, and fields of a later day", () => {
    const packed = Uint8Array.from([0x08, 2, 0x22, 3, 1, 0x80, 2, 0x79, 0, 0, 0, 0, 0, 0, 0, 0, 0x7d, 0, 0, 0, 0])
    expect(entryOf(packed)).toEqual({ type: "file", data: new Uint8Array(), size: 257 })
  })

  it.each([
    ["of no type", []],
    ["of a type that there is not", [0x08, 9]],
    ["that ends within a field", [0x08, 2, 0x12, 5, 1]],
    ["that ends within a number", [0x08, 0x80]],
    ["with a number beyond all size", [0x08, 2, 0x20, ...Array<number>(9).fill(0xff), 1]],
    ["with a field of no type", [0x08, 2, 0x0b]],
  ])("%s is refused", (_, bytes) => {
    expect(() => entryOf(Uint8Array.from(bytes))).toThrow(RangeError)
  })
})
