import { decode, encode } from "@ipld/dag-pb"
import { CID } from "multiformats/cid"
import { sha256 } from "multiformats/hashes/sha2"
import { describe, expect, it } from "vitest"

import { nodeOf } from "@/lib/content/node"

const utf8 = (words: string) => new TextEncoder().encode(words)
const hash = await sha256.digest(utf8("one"))
const cid = CID.createV1(0x55, hash)
const LINK = encode({ Links: [{ Hash: cid, Name: "a", Tsize: 3 }] })
const DATA = [0x0a, 2, 8, 1]

describe("a node", () => {
  it.each([
    { Links: [] },
    { Links: [], Data: utf8("what is in it") },
    { Links: [{ Hash: CID.createV0(hash), Name: "", Tsize: 2 ** 40 }], Data: new Uint8Array(300) },
    {
      Links: [
        { Hash: cid, Name: "a name: ä, 名", Tsize: 0 },
        { Hash: cid, Name: "b", Tsize: 1 },
      ],
      Data: new Uint8Array(),
    },
    { Links: [{ Hash: cid }] },
  ])("is read as the library of IPFS reads it: %#", (written) => {
    const block = encode(written)
    const [found, expected] = [nodeOf(block), decode(block)]
    expect([...found.data]).toEqual([...(expected.Data ?? [])])
    expect(found.links.map((one) => ({ name: one.name, cid: CID.decode(one.cid).toString() }))).toEqual(
      expected.Links.map((one) => ({ name: one.Name ?? "", cid: one.Hash.toString() })),
    )
  })

  it("may have its data before its links", () => {
    expect(nodeOf(Uint8Array.from([...DATA, ...LINK])).links).toHaveLength(1)
  })

  it.each([
    ["data between its links", [...LINK, ...DATA, ...LINK]],
    ["data twice", [...DATA, ...DATA]],
    ["a field of its own", [0x1a, 0]],
    ["a number for its data", [0x08, 1]],
    ["a link to nothing", [0x12, 3, 0x12, 1, 0x61]],
    ["a link's name before what it names", [0x12, 6, 0x12, 1, 0x61, 0x0a, 1, 1]],
    ["a link that is cut off", [...LINK.slice(0, -1)]],
  ])("with %s is refused", (_, bytes) => {
    const block = Uint8Array.from(bytes)
    expect(() => nodeOf(block)).toThrow(RangeError)
    expect(() => decode(block)).toThrow()
  })
})
