import { CarBufferWriter } from "@ipld/car"
import { encode, prepare } from "@ipld/dag-pb"
import { UnixFS } from "ipfs-unixfs"
import { CID } from "multiformats/cid"
import { sha256 } from "multiformats/hashes/sha2"
import { describe, expect, it } from "vitest"

import { Api } from "@/lib/api"
import { BadContent, fetchContent, readCar } from "@/lib/content/car"
import { LIMITS } from "@/lib/content/unixfs"

import { vectors } from "../vectors"

interface Block {
  cid: CID
  bytes: Uint8Array
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const utf8 = (words: string) => new TextEncoder().encode(words)

async function block(bytes: Uint8Array, codec: number): Promise<Block> {
  return { cid: CID.createV1(codec, await sha256.digest(bytes)), bytes }
}

const raw = (words: string) => block(utf8(words), 0x55)

async function node(entry: UnixFS, links: { name: string; to: Block }[]): Promise<Block> {
  const Links = links.map(({ name, to }) => ({ Name: name, Hash: to.cid, Tsize: to.bytes.byteLength }))
  return block(encode({ Data: entry.marshal(), Links }), 0x70)
}

const folder = (links: { name: string; to: Block }[]) => node(new UnixFS({ type: "directory" }), links)

function carOf(root: Block, blocks: Block[]): Uint8Array {
  const writer = CarBufferWriter.createWriter(new ArrayBuffer(1_000_000), { roots: [root.cid] })
  for (const one of blocks) writer.write(one)
  return writer.close({ resize: true })
}

describe("a CAR", () => {
  it("of the Python side is unpacked to the files that went into it, those of many blocks too", async () => {
    const { cid, files, car } = vectors.content
    const found = await readCar(Buffer.from(car, "base64"), cid)
    expect(Object.fromEntries(found.map((one) => [one.path, text(one.bytes)]))).toEqual(files)
  })

  it("with one flipped bit is refused, wherever the bit is", async () => {
    const car = Buffer.from(vectors.content.car, "base64")
    for (let at = 0; at < car.length; at += Math.ceil(car.length / 97)) {
      const flipped = Uint8Array.from(car)
      flipped[at] = (flipped[at] ?? 0) ^ 1
      await expect(readCar(flipped, vectors.content.cid), `bit at ${at}`).rejects.toThrow(BadContent)
    }
  })

  it("that lacks a block, or was cut off, is refused", async () => {
    const leaf = await raw("one")
    const root = await folder([{ name: "a", to: leaf }])
    await expect(readCar(carOf(root, [root]), root.cid.toString())).rejects.toThrow("did not come")
    const cut = carOf(root, [root, leaf]).slice(0, -1)
    await expect(readCar(cut, root.cid.toString())).rejects.toThrow("cut off")
  })

  it("may name its root by a CID of either version", async () => {
    const leaf = await raw("one")
    const root = await folder([{ name: "a", to: leaf }])
    const old = { ...root, cid: root.cid.toV0() }
    for (const [asked, came] of [
      [root, old],
      [old, root],
    ] as const) {
      expect(await readCar(carOf(came, [came, leaf]), asked.cid.toString())).toHaveLength(1)
    }
  })

  it("of two roots, or of none, is refused", async () => {
    const leaf = await raw("one")
    for (const roots of [[leaf.cid, leaf.cid], []]) {
      const writer = CarBufferWriter.createWriter(new ArrayBuffer(10_000), { roots })
      writer.write(leaf)
      await expect(readCar(writer.close({ resize: true }), leaf.cid.toString())).rejects.toThrow("another CID")
    }
  })

  it("of something else than was asked for is refused", async () => {
    const [asked, other] = [await raw("asked"), await raw("other")]
    await expect(readCar(carOf(other, [other]), asked.cid.toString())).rejects.toThrow("another CID")
  })

  it.each(["..", ".", "", "a/b", "a\\b", "a\u0000b"])("with a file called %j is refused", async (name) => {
    const leaf = await raw("one")
    const root = await folder([{ name, to: leaf }])
    await expect(readCar(carOf(root, [root, leaf]), root.cid.toString())).rejects.toThrow("A file in it is called")
  })

  it("with the same name twice is refused", async () => {
    const leaf = await raw("one")
    const Links = [leaf, leaf].map((one) => ({ Name: "a", Hash: one.cid, Tsize: 3 }))
    const entry = new UnixFS({ type: "directory" }).marshal()
    const root = await block(encode(prepare({ Data: entry, Links })), 0x70)
    await expect(readCar(carOf(root, [root, leaf]), root.cid.toString())).rejects.toThrow("Two files")
  })

  it("of a sharded folder is refused in words", async () => {
    const root = await node(new UnixFS({ type: "hamt-sharded-directory", fanout: 256n, hashType: 0x22n }), [])
    await expect(readCar(carOf(root, [root]), root.cid.toString())).rejects.toThrow("sharded")
  })

  it("that unfolds without end from few blocks is stopped by the limits", async () => {
    let inner = await folder([{ name: "end", to: await raw("x") }])
    const blocks = [await raw("x"), inner]
    for (let depth = 0; depth < 20; depth++) {
      inner = await folder(["a", "b", "c"].map((name) => ({ name, to: inner })))
      blocks.push(inner)
    }
    const limits = { ...LIMITS, files: 1000 }
    await expect(readCar(carOf(inner, blocks), inner.cid.toString(), limits)).rejects.toThrow("larger than")
  })

  it("whose file is not as long as it says is refused", async () => {
    const leaf = await raw("one")
    const entry = new UnixFS({ type: "file", blockSizes: [7n] })
    const root = await node(entry, [{ name: "", to: leaf }])
    await expect(readCar(carOf(root, [root, leaf]), root.cid.toString())).rejects.toThrow("as long as")
  })
})

describe("content that is fetched", () => {
  it("is asked of the scheduler by its CID", async () => {
    const document = await raw("what happened")
    const root = await folder([{ name: "evidence.json", to: document }])
    const asked: string[] = []
    const api = new Api("http://scheduler")
    api.bytes = (path) => {
      asked.push(path)
      return Promise.resolve(carOf(root, [root, document]))
    }
    expect((await fetchContent(api, root.cid.toString())).map((one) => one.path)).toEqual(["evidence.json"])
    expect(asked).toEqual([`/v1/content/${root.cid}`])
  })
})
