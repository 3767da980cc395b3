import { describe, expect, it } from "vitest"

import { isCid, placeOf, shownOf } from "@/lib/evidence"
import { visible } from "@/lib/printable"

const bytes = (text: string) => new TextEncoder().encode(text)

describe("a stranger's document", () => {
  it("shows its title and description apart, and all of it below", () => {
    const shown = shownOf(bytes(JSON.stringify({ title: "Overbilled", description: "<img src=x>", draas: { a: 1 } })))
    expect(shown).toMatchObject({ title: "Overbilled", description: "<img src=x>", isCut: false })
    expect(shown?.text).toContain('"a": 1')
  })

  it.each(["not json", "[1, 2]", '{"title": 5}', '{"title": {"toString": "x"}}', ""])("may be %j", (text) => {
    expect(shownOf(bytes(text))).toMatchObject({ title: "", description: "" })
  })

  it("hides nothing and turns nothing around", () => {
    expect(visible("a\u202eb\u0000c\u200bd\u2066e\nf\tg")).toBe("a\ufffdb^@c\ufffdd\ufffde\nf\tg")
    expect(visible("\u001b]8;;x\u0007\u001b[8m\ufeff می\u200cخواهم")).toBe("^[]8;;x^G^[[8m\ufffd می\u200cخواهم")
  })

  it("that is very long is cut, and says so", () => {
    const shown = shownOf(bytes("x".repeat(300_000)))
    expect(shown?.isCut).toBe(true)
    expect(shown?.text).toHaveLength(200_000)
  })

  it("that is no text is not shown", () => {
    expect(shownOf(new Uint8Array([0xff, 0xfe, 0x00]))).toBeNull()
  })
})

describe("where a document is", () => {
  const cid = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"

  it("is a CID, with a path or without", () => {
    expect(placeOf(cid)).toEqual({ cid, inner: "" })
    expect(placeOf(`/ipfs/${cid}`)).toEqual({ cid, inner: "" })
    expect(placeOf(`/ipfs/${cid}/a/b.json`)).toEqual({ cid, inner: "a/b.json" })
  })

  it.each(["", "https://example.org/x", "/ipfs/../../v1/session", `/ipfs/${cid}?x`, "javascript:alert(1)"])(
    "is not %j",
    (path) => {
      expect(placeOf(path)).toBeNull()
    },
  )
})

describe("a CID", () => {
  it.each([
    ["QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG", true],
    ["bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi", true],
    ["QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbd0", false],
    ["bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzd1", false],
    ["averylongwordthatisnoneofthem", false],
    ["", false],
  ])("%j: %s", (text, is) => {
    expect(isCid(text)).toBe(is)
  })
})

describe("a document that is made to harm", () => {
  it("by depth is shown as it came", () => {
    const deep = `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`
    expect(shownOf(bytes(deep))?.text.startsWith('{"a":[[[')).toBe(true)
  })

  it("by size is cut", () => {
    const shown = shownOf(bytes("é".repeat(5_000_000)))
    expect(shown?.isCut).toBe(true)
    expect(shown?.text.length).toBe(200_000)
  })
})
