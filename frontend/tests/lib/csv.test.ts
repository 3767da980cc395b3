import { describe, expect, it } from "vitest"

import { cell, csvOf } from "@/lib/csv"

describe("a file for a spreadsheet", () => {
  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])("runs nothing that begins like %j", (text) => {
    expect(cell(text).replace(/^"/, "")[0]).toBe("'")
  })

  it("keeps what has commas, quotes or lines in it in one cell", () => {
    expect(csvOf(["a", "b"], [['=HYPERLINK("http://x","y")', "two\nlines"]])).toBe(
      'a,b\r\n"\'=HYPERLINK(""http://x"",""y"")","two\nlines"\r\n',
    )
  })

  it("leaves plain words and figures as they are", () => {
    expect(cell("0.000000000000000001")).toBe("0.000000000000000001")
    expect(cell("burn")).toBe("burn")
  })
})
