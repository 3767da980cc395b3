import { describe, expect, it, vi } from "vitest"

import { Api, type BundleReceipt } from "@/lib/api"
import { uploadFolder } from "@/lib/bundle/upload"
import { folderCid } from "@/lib/content/folder-cid"
import { documentOf, publish } from "@/lib/dispute"

import { vectors } from "../vectors"

/** As `pattern` of the Python side. */
function pattern(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at++) bytes[at] = at % 251
  return bytes
}

const filesOf = (shape: Record<string, number>) =>
  Object.entries(shape).map(([path, size]) => ({ path, bytes: pattern(size), executable: false }))

const ONE = filesOf({ "a.py": 3 })

/** A scheduler that says it has stored this. */
function storing(cid: string, ofTerms = cid): Api {
  const api = new Api("http://scheduler")
  api.upload = () => Promise.resolve({ cid, terms: { cid: ofTerms } } as BundleReceipt)
  return api
}

describe("the CID of a folder", () => {
  it.each(Object.entries(vectors.shapes))("with %s is the one that the Python side gives it", async (_, shape) => {
    expect(await folderCid(filesOf(shape.files))).toBe(shape.cid)
  })

  it("is the same in whichever order its files come", async () => {
    const files = filesOf(vectors.shapes["folders in folders"].files)
    expect(await folderCid([...files].reverse())).toBe(vectors.shapes["folders in folders"].cid)
  })

  it("is the same where the page has no Web Crypto", async () => {
    vi.stubGlobal("crypto", {})
    expect(await folderCid(filesOf(vectors.shapes["a chunk and a byte"].files))).toBe(
      vectors.shapes["a chunk and a byte"].cid,
    )
    vi.unstubAllGlobals()
  })
})

describe("a folder that is uploaded", () => {
  it("has a receipt when the scheduler stored these bytes", async () => {
    const cid = await folderCid(ONE)
    expect((await uploadFolder(storing(cid), ONE, "0x", "0x", false)).cid).toBe(cid)
  })

  it("is refused when the scheduler stored others, or wrote others into the terms", async () => {
    const [cid, other] = [await folderCid(ONE), await folderCid(filesOf({ "a.py": 4 }))]
    await expect(uploadFolder(storing(other), ONE, "0x", "0x", false)).rejects.toThrow("The scheduler stored")
    await expect(uploadFolder(storing(cid, other), ONE, "0x", "0x", false)).rejects.toThrow("The scheduler stored")
  })

  it("is evidence only as it was written", async () => {
    const document = documentOf({ chainId: 1, escrow: "0x", jobId: "0x", attempt: 1, provider: "0x", title: "", description: "" }) // prettier-ignore
    await expect(publish(storing(await folderCid(ONE)), "0x", document)).rejects.toThrow("The scheduler stored")
  })
})
